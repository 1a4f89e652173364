"""Make the present metrics the reference that `make gate` holds every later result against."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from denoising.files import InputError, is_number, read_json, write_json
from stages import schema
from stages.shared import command, layout, params
from tools.regression import broken

FILE = Path("reference.json")
AMOUNTS = ("train_images", "epochs", "test_images")


def amounts(content: Mapping[str, Any]) -> dict[str, Any]:
    """The chosen budget and how much it computes; results of other amounts are not comparable.

    Parameters
    ----------
    content : mapping
        Of a params.yaml, of whatever age.
    """
    name, budgets = content.get("budget"), content.get("budgets")
    budget = budgets.get(name) if isinstance(budgets, Mapping) else None
    known = budget if isinstance(budget, Mapping) else {}
    return {"budget": name} | {key: known.get(key) for key in AMOUNTS}


def read() -> dict[str, Any]:
    """The reference: the amounts, and by run its MSE and the digest of its test data."""
    content = read_json(FILE, "runs", *amounts({}))
    runs = content["runs"]
    if not isinstance(runs, dict) or not all(isinstance(row, dict) for row in runs.values()):
        raise InputError(f"{FILE}: runs should have one section per run")
    return content


def main(content: params.Content) -> None:
    """Write the reference anew."""
    chosen = schema.validate(content)
    before = read()["runs"] if FILE.is_file() else {}
    runs = {}
    for run in (*chosen.runs, *chosen.debiased):
        path = layout.metrics_file(run)
        scores = read_json(path)
        if problem := broken(scores):
            raise InputError(f"{path}: {problem}; it cannot be a reference")
        runs[run] = {key: scores[key] for key in ("mse", "test_digest")}
        known = before.get(run, {}).get("mse")
        old = f"{known:.5f}" if is_number(known) else "none"
        command.say(f"{run}: {old} -> {scores['mse']:.5f}")
    write_json(FILE, amounts(content) | {"runs": runs})


if __name__ == "__main__":
    command.run("reference", main)
