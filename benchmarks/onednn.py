"""What oneDNN's kernels bring where TensorFlow leaves them out: python -m benchmarks.onednn

Networks of params.yaml train, and denoise, with `TF_ENABLE_ONEDNN_OPTS` 1 and 0, in processes that
take turns; the best of a few counts. So does the training on a single image (zs_n2n). Takes a
quarter of an hour on two cores; leave the machine alone meanwhile. With words, only networks of
these names are measured. On a processor with AVX-512 TensorFlow has oneDNN anyway. Writes
benchmarks/onednn.json and .md.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.speed import CPU, TASKS, Worker
from denoising.compute.kernels import ONEDNN
from denoising.files import write_json, write_text
from denoising.reporting.tables import pipes
from stages import schema
from stages.shared import params

FILE = Path(__file__).with_suffix(".json")
CASES = (("train", 28), ("infer", 256))
SINGLE = (256, 512)  # pixels of a side
WITH, WITHOUT = {ONEDNN: "1"}, {ONEDNN: "0"}
TURNS, STEPS = 2, 20


def main() -> None:
    """Measure, and write the files."""
    schema.load()  # refuses a bad params.yaml before anything is started
    rows = []
    for network in sys.argv[1:] or params.read()["networks"]:
        for task, size in CASES:
            workers = [Worker("ours", network, size, CPU | way) for way in (WITH, WITHOUT)]
            turns = [[worker.turn(task) for worker in workers] for _ in range(TURNS)]
            about = workers[0].about
            for worker in workers:
                worker.stop()
            work = f"{network}, {TASKS[task]}, {size} pixels"
            rows.append(_row(work, *(max(images) for images in zip(*turns, strict=True))))
    for size in SINGLE:
        runs = [[_single(size, way) for way in (WITH, WITHOUT)] for _ in range(TURNS)]
        best = (max(steps) for steps in zip(*runs, strict=True))
        rows.append(_row(f"zs_n2n, one image of {size} pixels", *best))
    machine = f"{about['device']}, {about['cores']} cores, {about['version']}"
    write_json(FILE, {"machine": machine, "rows": rows})
    shown = pd.DataFrame(rows).map(
        lambda value: f"{value:.3g}" if isinstance(value, float) else value
    )
    text = f"Images, of zs_n2n steps, a second. {machine}."
    write_text(FILE.with_suffix(".md"), f"{text}\n\n{pipes(shown)}\n")


def _row(work: str, with_it: float, without: float) -> dict[str, Any]:
    row = {
        "work": work,
        "with oneDNN": float(f"{with_it:.4g}"),
        "without": float(f"{without:.4g}"),
        "with / without": round(with_it / without, 2),
    }
    print(row, flush=True)
    return row


def _single(size: int, way: dict[str, str]) -> float:
    """Steps a second of the training on one image, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.onednn", "--", str(size)]
    environment = os.environ | CPU | way
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return float(json.loads(done.stdout.splitlines()[-1]))


def _steps_a_second(size: int) -> float:
    from denoising.evaluation.filters.zero_shot import Training

    training = Training((size, size, 1))
    training.start(np.random.default_rng(0).random((size, size, 1), np.float32))
    training.go_on(STEPS)
    started = time.perf_counter()
    training.go_on(STEPS)
    return STEPS / (time.perf_counter() - started)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--"]:
        print(json.dumps(_steps_a_second(int(sys.argv[2]))))
    else:
        main()
