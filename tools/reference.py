"""Make the present metrics the reference that `make gate` holds every later result against: make reference"""

from pathlib import Path

from denoising.files import InputError, read_json, write_json
from stages.shared import command, layout
from tools.regression import broken

FILE = Path("reference.json")
AMOUNTS = ("train_images", "epochs", "test_images")


def amounts(content):
    """Which budget the parameters choose, and how much that computes: results of other amounts are not comparable."""
    name = content.get("budget")
    budget = (content.get("budgets") or {}).get(name) or {}
    return {"budget": name} | {key: budget.get(key) for key in AMOUNTS}


def main(settings):
    before = read_json(FILE, "runs")["runs"] if FILE.is_file() else {}
    runs = {}
    for run in (*settings.runs, *settings.debiased):
        scores = read_json(layout.metrics_file(run))
        if problem := broken(scores):
            raise InputError(f"{layout.metrics_file(run)}: {problem}; it cannot be a reference")
        runs[run] = {key: scores[key] for key in ("mse", "test_digest")}
        old = f"{before[run]['mse']:.5f}" if run in before else "none"
        command.say(f"{run}: {old} -> {scores['mse']:.5f}")
    write_json(FILE, amounts(settings.model_dump()) | {"runs": runs})


if __name__ == "__main__":
    command.run("reference", main)
