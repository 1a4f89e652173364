"""Seconds of an epoch by how Keras is given its batches: python -m benchmarks.feeding

As arrays, as a `keras.utils.PyDataset`, and as `denoising.compute.backend.batches` makes them, of a
small U-Net and images like MNIST's. Every way has a process of its own: what TensorFlow computes
first decides on what comes later. Takes four minutes on two cores; leave the machine alone
meanwhile. Writes benchmarks/feeding.md.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from denoising.compute import backend, execution
from denoising.compute.backend import keras
from denoising.compute.plan import Plan
from denoising.files import write_text
from denoising.networks import base as networks
from denoising.reporting.tables import pipes
from denoising.sections import kind, validate

FILE = Path(__file__).with_suffix(".md")
IMAGES = (1200, 1600)  # of an epoch
EPOCHS = 4
BATCH = 16
STEPS_PER_CALL = 8
NETWORK = {
    "levels": 2,
    "convolutions_per_level": 2,
    "filters": 32,
    "kernel_size": 3,
    "residual": False,
    "initializer": "he_normal",
}
WAYS: dict[str, Callable[[np.ndarray], dict[str, Any]]] = {
    "arrays": lambda images: {"x": images, "y": images, "batch_size": BATCH},
    "PyDataset": lambda images: {"x": _dataset(images)},
    "ours": lambda images: {"x": backend.batches_of((images, images), BATCH)},
}


def main() -> None:
    """Measure, and write the file."""
    rows = []
    for way in WAYS:
        command = [sys.executable, "-m", "benchmarks.feeding", way]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds = json.loads(output)
        found = {f"{count} images": _range(each) for count, each in seconds.items()}
        rows.append({"given as": way} | found)
        print(rows[-1], flush=True)
    write_text(
        FILE,
        f"Seconds of an epoch of images of 28 x 28 pixels, batch {BATCH}, by how Keras is given "
        f"them; median (smallest .. largest) of {EPOCHS}. "
        f"{backend.machine()}.\n\n{pipes(pd.DataFrame(rows))}\n",
    )


def measured(way: str) -> dict[int, list[float]]:
    """Seconds of epochs, by the number of images, without the first of each."""
    backend.prepare(0)
    model = _network()
    found: dict[int, list[float]] = {}
    for count in IMAGES:
        images = np.random.default_rng(0).random((count, 28, 28, 1), np.float32)
        seconds = []
        for _ in range(EPOCHS + 1):
            started = time.perf_counter()
            model.fit(**WAYS[way](images), shuffle=False, verbose=0)
            seconds.append(round(time.perf_counter() - started, 2))
        found[count] = seconds[1:]
    return found


def _network() -> Any:
    """Compiled."""
    section = validate(kind("networks", "unet"), NETWORK, "networks")
    plan = Plan(backend.resolve_precision("auto"))
    model = execution.for_training(networks.build("unet", section, channels=1), plan)
    model.compile("adam", "mse", steps_per_execution=STEPS_PER_CALL)
    return model


def _dataset(images: np.ndarray) -> Any:
    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return -(-len(images) // BATCH)

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            part = images[index * BATCH : (index + 1) * BATCH]
            return part, part

    return Batches(workers=2, max_queue_size=16)


def _range(seconds: list[float]) -> str:
    return f"{np.median(seconds):.2f} ({min(seconds):.2f} .. {max(seconds):.2f})"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1])))
    else:
        main()
