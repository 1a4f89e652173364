"""What two ranks make of a training that one process does as well: python -m benchmarks.ranks

Every run of the pipeline at the budget `smoke` in float32, on JAX: by one process (`dvc repro` with
KERAS_BACKEND=jax), and by two ranks (`python -m cluster local`), each in a fresh clone. Both are
evaluated by TensorFlow. Words are taken as the runs to train. Takes a quarter of an hour on two
cores. Writes benchmarks/ranks.json and benchmarks/ranks.md.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from denoising.compute import backend
from denoising.files import read_json, write_json, write_text
from denoising.reporting import tables
from stages.shared import log, params
from tools import folders

ROOT = Path(__file__).parent.parent
FILE = Path(__file__).with_suffix(".json")
ON_JAX = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
WAYS = {
    1: (["dvc", "repro", "train"], ON_JAX),
    2: ([sys.executable, "-m", "cluster", "local", "--only", "train"], {}),
}
EVALUATE: tuple[list[str], dict[str, str]] = (["dvc", "repro", "evaluate"], {})


def main() -> None:
    """Train both ways, and write the files."""
    runs = sys.argv[1:] or list(params.read()["runs"])
    found = {ranks: _trained(runs, ranks) for ranks in WAYS}
    rows = [{"run": run, **_compared(found[1][run], found[2][run])} for run in runs]
    about = {"machine": backend.machine(), "git_revision": log.git_revision(), "rows": rows}
    write_json(FILE, about)
    write_text(FILE.with_suffix(".md"), report(about))


def _trained(runs: list[str], ranks: int) -> dict[str, dict[str, Any]]:
    """Learning curve and test error of each run."""
    with tempfile.TemporaryDirectory() as temporary:
        clone = Path(temporary) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        (clone / "dvc.lock").unlink()
        content = params.read(clone / "params.yaml")
        content = folders.alone(
            content, {run: content["runs"][run] | {"ranks": ranks} for run in runs}
        )
        content |= {"budget": "smoke", "precision": "float32", "convolution": "direct"}
        write_text(clone / "params.yaml", yaml.safe_dump(content, sort_keys=False))
        for command, environment in WAYS[ranks], EVALUATE:
            subprocess.run(command, cwd=clone, check=True, env=_environment() | environment)
        return {
            run: {
                "curve": pd.read_csv(clone / f"plots/curves/{run}.csv"),
                "mse": read_json(clone / f"metrics/{run}.json", "mse")["mse"],
            }
            for run in runs
        }


def _compared(one: dict[str, Any], two: dict[str, Any]) -> dict[str, float]:
    """Relative differences."""
    apart = {
        column: float((two["curve"][column] / one["curve"][column] - 1).abs().max())
        for column in ("loss", "val_loss")
    }
    errors = {"mse_of_one": one["mse"], "mse_of_two": two["mse"]}
    return apart | errors | {"mse": two["mse"] / one["mse"] - 1}


def report(about: dict[str, Any]) -> str:
    """What benchmarks/ranks.json says, as Markdown."""
    table = pd.DataFrame(
        {
            "run": row["run"],
            "loss": f"{row['loss']:.1e}",
            "validation loss": f"{row['val_loss']:.1e}",
            "MSE, one": f"{row['mse_of_one']:.5f}",
            "MSE, two": f"{row['mse_of_two']:.5f}",
            "difference": f"{row['mse']:+.2%}",
        }
        for row in about["rows"]
    )
    worst = max(abs(row["mse"]) for row in about["rows"])
    return (
        "# One training by two ranks\n\n"
        "Every run at the budget `smoke`, trained on JAX by one process and by two ranks. The\n"
        "columns of losses have the largest relative difference over the epochs. Test errors\n"
        f"differ by {worst:.2%} at most.\n\n"
        f"{tables.pipes(table)}\n\n"
        f"{about['machine']}, {about['git_revision']}; `python -m benchmarks.ranks`.\n"
    )


def _environment() -> dict[str, str]:
    folder = Path(sys.executable).parent
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


if __name__ == "__main__":
    main()
