"""What commands take from their start to their end: python -m benchmarks.start_up

Of `denoising.cli`: those that need no network, a small image, a megapixel; and the import of Keras
with TensorFlow, by itself and as the project does it. Each in a process of its own, files written;
the shortest of a few, in turns. Takes three minutes on two cores; leave the machine alone
meanwhile. Writes benchmarks/start_up.json and .md.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from skimage import data

from benchmarks.memory import ROOT
from denoising.compute import backend
from denoising.files import write_json, write_text
from denoising.reporting.tables import pipes

FILE = Path(__file__).with_suffix(".json")
NETWORKS = ("cae", "win5rb")  # published
SIDES = {"small": 64, "megapixel": 1024}
TURNS = 3


def main() -> None:
    """Measure, and write the files."""
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        cases = _cases(Path(folder))
        for command in cases.values():  # what is measured once for a machine is known then
            _seconds(command, Path(folder))
        found: dict[str, float] = {}
        for _ in range(TURNS):
            for name, command in cases.items():
                seconds = _seconds(command, Path(folder))
                found[name] = min(found.get(name, np.inf), round(seconds, 2))
    machine = f"{backend.machine()}, {backend.resolve_precision('auto')}"
    content = {"machine": machine, "seconds": found}
    write_json(FILE, content)
    write_text(FILE.with_suffix(".md"), report(content))


def report(content: dict[str, Any]) -> str:
    """What was measured, as a table."""
    rows = content["seconds"].items()
    table = pd.DataFrame(rows, columns=["command", "seconds"]).astype(str)
    return f"{content['machine']}.\n\n{pipes(table)}\n"


def _cases(folder: Path) -> dict[str, list[str]]:
    """Commands, by what they are."""
    camera = np.tile(data.camera(), (2, 2))
    for name, side in SIDES.items():
        Image.fromarray(camera[:side, :side]).save(folder / f"{name}.png")
    models = {name: f"results/article/models/{name}.keras" for name in NETWORKS}
    denoise, out = ["-m", "denoising.cli"], ["--out", str(folder / "out")]
    there = ["--out", str(folder / "there")]
    small = str(folder / "small.png")
    subprocess.run(
        [sys.executable, *denoise, models["cae"], small, *there], check=True, capture_output=True
    )
    cases = {
        "--help": [*denoise, "--help"],
        "an error: no such file": [*denoise, models["cae"], str(folder / "none.png"), *out],
        "all results are there": [*denoise, models["cae"], small, *there],
    }
    for name, side in SIDES.items():
        for network, model in models.items():
            case = f"{network}, {side:,} x {side:,} pixels"
            cases[case] = [*denoise, model, str(folder / f"{name}.png"), *out]
    plain = "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'; import keras"
    return cases | {
        "Keras and TensorFlow by themselves": ["-c", plain],
        "the same, imported by the project": ["-c", "import denoising.compute.backend"],
    }


def _seconds(command: list[str], folder: Path) -> float:
    for result in (folder / "out").glob("*"):
        result.unlink()
    started = time.perf_counter()
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    seconds = time.perf_counter() - started
    expected = 1 if "none.png" in " ".join(command) else 0
    if done.returncode != expected:
        sys.exit(f"error: {' '.join(command)}: {done.stderr}")
    return seconds


if __name__ == "__main__":
    main()
