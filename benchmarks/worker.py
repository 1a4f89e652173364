"""One way to compute a network, in a process of its own: python -m benchmarks.worker WAY NETWORK

A third argument is the side of the images, in pixels. Prints a line of JSON about itself. Then, for
every line "train" or "infer" that it reads, it prints the images per second of one turn, for
"memory" the MiB that it has had at most.
"""

import ctypes
import dataclasses
import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from denoising.compute.plan import Plan
from denoising.sections import Section
from stages import schema

SECONDS = 1.5  # a turn lasts at least this long
DIGIT = 28  # pixels of a side
SINGLE = 128  # from which on images are denoised one by one
WHOLE = 1024  # of the largest that peers compute as a whole
LEARNING_RATE = 1e-3  # of no consequence for the speed
TASKS = {"train": "training", "infer": "inference"}

# what benchmarks/ablation.py changes of the pipeline's way
RETURNED = "memory returned"  # to the system, as the C library does unless told otherwise
VARIANTS: dict[str, dict[str, Any]] = {
    "ours": {},
    "float32": {"precision": "float32"},
    "convolution: direct": {"convolution": "direct"},
    "convolution: fft": {"convolution": "fft"},
    "Keras's batch normalisation": {"fused": False},
    "no determinism": {"deterministic": False},
    # Keras has no XLA with determinism
    "XLA, no determinism": {"jit_compile": True, "deterministic": False},
}

Steps = dict[str, Callable[[], object]]  # by task


@dataclasses.dataclass(frozen=True)
class Work:
    """What is computed: a network on images of one size.

    Attributes
    ----------
    name : str
        Of the network.
    section : Section
    pixels : int
        Of a side.
    counts : dict of str to int
        Images of a step, by task.
    is_part : bool
        Only a part of the largest images is computed for inference: a peer would take long.
    """

    name: str
    section: Section
    pixels: int
    counts: dict[str, int]
    is_part: bool

    def pair(self, task: str) -> np.ndarray:
        """Images and targets: (2, N, H, W, 1) float32."""
        height = WHOLE**2 // self.pixels if self.share(task) < 1 else self.pixels
        shape = (2, self.counts[task], height, self.pixels, 1)
        return np.random.default_rng(0).random(shape, np.float32)

    def share(self, task: str) -> float:
        """Of an image, that is computed."""
        return (WHOLE / self.pixels) ** 2 if self.is_part and task == "infer" else 1.0


def main(way: str, name: str, pixels: str = str(DIGIT)) -> None:
    """Compute turns of a network, one of params.yaml's, in a way of `VARIANTS` or of a peer."""
    settings = schema.load()
    side = int(pixels)
    if way == RETURNED:  # so that `denoising.compute.backend` leaves malloc as it is
        ctypes.CDLL = _refuse  # type: ignore[assignment,misc]
    work = Work(
        name=name,
        section=getattr(settings.networks, name),
        pixels=side,
        counts=images_at_a_time(settings, side),
        is_part=side > WHOLE and way != "ours",
    )
    if way.startswith("torch"):
        from benchmarks import torch_steps

        steps, about = torch_steps.steps(way, work)
    else:
        steps, about = _with_keras(way, work)
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        task = line.strip()
        if task == "memory":
            print(_peak_mib(), flush=True)
        else:
            images = work.counts[task] * work.share(task)
            print(images * _steps_a_second(steps, task, side < WHOLE), flush=True)


def _peak_mib() -> float:
    """Not as `getrusage` has it: that counts what the process was forked from."""
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024


def images_at_a_time(settings: Any, pixels: int) -> dict[str, int]:
    """Images of a step: batches of digits, of other patches as many as have about as many pixels.

    Larger images are denoised one by one.
    """
    if pixels <= DIGIT:
        batch = settings.budgets["article"].batch_size
        return {"train": batch, "infer": settings.evaluation.batch_size}
    many = max(1, 2**18 // pixels**2) if pixels < SINGLE else 1
    return {"train": max(1, 2**17 // pixels**2), "infer": many}


_compiled: set[str] = set()


def _steps_a_second(steps: Steps, task: str, warms_up: bool) -> float:
    step = steps[task]
    if task not in _compiled and warms_up:
        step()
        step()
    _compiled.add(task)
    if warms_up:
        step()  # wakes threads and memory that slept while the others had their turns
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        step()
        count += 1
    return count / (time.perf_counter() - started)


def _with_keras(way: str, work: Work) -> tuple[Steps, dict[str, Any]]:
    from denoising.compute import backend, execution
    from denoising.compute.backend import keras
    from denoising.networks import base as networks

    network = networks.build(work.name, work.section, channels=1)
    jit_compile: str | bool = "auto"
    if way.startswith("keras"):  # as a user of Keras would write it
        plans = dict.fromkeys(TASKS, Plan(way.removeprefix("keras "), fused=False))
        trained = execution.for_training(network, plans["train"])
        predict = trained.predict_on_batch
    else:
        asked = VARIANTS.get(way, {})
        trained, predicting, plans, jit_compile = _ours(network, work.pixels, work.counts, **asked)
        predicting.compile(jit_compile=jit_compile)
        predict = predicting.predict_on_batch
        if work.pixels > DIGIT:
            predict = _of_any_size(network, asked)
    adam = keras.optimizers.Adam(LEARNING_RATE)
    trained.compile(optimizer=adam, loss="mse", jit_compile=jit_compile)

    @functools.cache
    def tensors(task: str) -> list[Any]:
        return [keras.ops.convert_to_tensor(part) for part in work.pair(task)]

    # photographs come as arrays
    images = work.pair("infer")[0] if work.pixels > DIGIT else tensors("infer")[0]
    steps = {
        "train": lambda: trained.train_on_batch(*tensors("train")),
        "infer": lambda: predict(images),
    }
    layers = execution.sized(network, (DIGIT, DIGIT)).layers
    about = backend.description()
    return steps, {
        "version": ", ".join(" ".join(item) for item in about["versions"].items()),
        "parameters": sum(int(np.prod(weight.shape)) for weight in network.trainable_weights),
        "multiply_adds": sum(
            _multiply_adds(layer) for layer in layers if isinstance(layer, keras.layers.Conv2D)
        ),
        "device": about["device_name"],
        "cores": about["cores"],
        "precision": plans["train"].precision,
        "training_batch": work.counts["train"],
        "inference_batch": work.counts["infer"],
        "by_fft": {task: list(plan.by_fft) for task, plan in plans.items()},
    }


def _ours(
    network: Any,
    pixels: int,
    counts: dict[str, int],
    precision: str = "auto",
    convolution: str = "auto",
    fused: bool = True,
    jit_compile: str | bool = "auto",
    deterministic: bool = True,
) -> tuple[Any, Any, dict[str, Plan], str | bool]:
    """The pipeline's copies of a network, or nearly."""
    from denoising.compute import backend, execution, tuning

    if deterministic:
        backend.prepare(0)
    plans = {}
    for task, kind in TASKS.items():
        shape, count = (pixels, pixels), counts[task]
        plan = tuning.plan(convolution, precision, network, shape, count, kind, log=_to_stderr)
        plans[task] = dataclasses.replace(plan, fused=fused)
    trained = execution.for_training(network, plans["train"])
    predicting = execution.for_inference(network, plans["infer"])
    return trained, predicting, plans, jit_compile


def _of_any_size(network: Any, asked: dict[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
    """As the command line computes."""
    from denoising.inference.prepared import Prepared

    ways = asked.get("convolution", "auto"), asked.get("precision", "auto")
    return Prepared(network, *ways, log=_to_stderr).denoise_each


def _multiply_adds(layer: Any) -> int:
    """Of a direct convolution of one image; those with the zeros around it do not count."""
    sizes = zip(layer.output.shape[1:3], layer.kernel_size, strict=True)
    taps = [size * length - length // 2 * (length // 2 + 1) for size, length in sizes]
    return int(np.prod(taps)) * layer.input.shape[-1] * layer.filters


def _refuse(name: str | None) -> ctypes.CDLL:
    raise OSError(name)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
