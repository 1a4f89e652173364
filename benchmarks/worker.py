"""One way to compute one network, in a process of its own: python -m benchmarks.worker WAY NETWORK

Prints a line of JSON about itself. Then, for every line "train" or "infer" that it reads, it prints
the images per second of one turn.
"""

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from denoising.compute.plan import Plan
from denoising.sections import Section
from stages import schema

SECONDS = 1.5  # a turn lasts at least this long
PIXELS = 28
LEARNING_RATE = 1e-3  # of no consequence for the speed
TASKS = {"train": "training", "infer": "inference"}

# what benchmarks/ablation.py changes of the pipeline's way
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

Pairs = dict[str, np.ndarray]  # by task: (2, N, H, W, C) float32, images and targets
Steps = dict[str, Callable[[], object]]  # by task


def main(way: str, name: str) -> None:
    """Compute turns of a network, one of params.yaml's, in a way of `VARIANTS` or of a peer."""
    settings = schema.load()
    sizes = {
        "train": settings.budgets["article"].batch_size,
        "infer": settings.evaluation.batch_size,
    }
    section = getattr(settings.networks, name)
    rng = np.random.default_rng(0)
    data = {
        task: rng.random((2, count, PIXELS, PIXELS, 1), np.float32) for task, count in sizes.items()
    }
    make = _with_torch if way.startswith("torch") else _with_keras
    steps, about = make(way, name, section, data)
    for step in steps.values():
        step()  # compiles
        step()
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        task = line.strip()
        steps[task]()  # wakes threads and memory that slept while the others had their turns
        count, started = 0, time.perf_counter()
        while time.perf_counter() - started < SECONDS:
            steps[task]()
            count += 1
        print(count * sizes[task] / (time.perf_counter() - started), flush=True)


def _with_keras(way: str, name: str, section: Section, data: Pairs) -> tuple[Steps, dict[str, Any]]:
    from denoising.compute import backend, execution
    from denoising.compute.backend import keras
    from denoising.networks import base as networks

    network = networks.build(name, section, channels=1)
    jit_compile: str | bool = "auto"
    if way.startswith("keras"):  # as a user of Keras would write it
        plans = dict.fromkeys(TASKS, Plan(way.removeprefix("keras ")))
        keras.config.set_dtype_policy(backend.POLICIES[plans["train"].precision])
        trained = predicting = networks.build(name, section, channels=1)
    else:
        trained, predicting, plans, jit_compile = _ours(network, data, **VARIANTS[way])
        predicting.compile(jit_compile=jit_compile)
    adam = keras.optimizers.Adam(LEARNING_RATE)
    trained.compile(optimizer=adam, loss="mse", jit_compile=jit_compile)
    arrays = {
        task: [keras.ops.convert_to_tensor(part) for part in pair] for task, pair in data.items()
    }
    steps = {
        "train": lambda: trained.train_on_batch(*arrays["train"]),
        "infer": lambda: predicting.predict_on_batch(arrays["infer"][0]),
    }
    layers = execution.sized(network, (PIXELS, PIXELS)).layers
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
        "training_batch": len(data["train"][0]),
        "inference_batch": len(data["infer"][0]),
        "by_fft": {task: list(plan.by_fft) for task, plan in plans.items()},
    }


def _ours(
    network: Any,
    data: Pairs,
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
        count = len(data[task][0])
        shape = (PIXELS, PIXELS)
        plan = tuning.plan(convolution, precision, network, shape, count, kind, log=_to_stderr)
        plans[task] = dataclasses.replace(plan, fused=fused)
    trained = execution.for_training(network, plans["train"])
    predicting = execution.for_inference(network, plans["infer"])
    return trained, predicting, plans, jit_compile


def _multiply_adds(layer: Any) -> int:
    """Of a direct convolution of one image; those with the zeros around it do not count."""
    sizes = zip(layer.output.shape[1:3], layer.kernel_size, strict=True)
    taps = [size * length - length // 2 * (length // 2 + 1) for size, length in sizes]
    return int(np.prod(taps)) * layer.input.shape[-1] * layer.filters


def _with_torch(way: str, name: str, section: Section, data: Pairs) -> tuple[Steps, dict[str, Any]]:
    import torch

    from benchmarks import torch_networks

    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    precision = way.removeprefix("torch ")
    is_bfloat16 = precision == "bfloat16"
    network: Any = torch_networks.build(name, section)
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    channels_first = {
        task: torch.from_numpy(pair.transpose(0, 1, 4, 2, 3)) for task, pair in data.items()
    }
    arrays = {
        task: [part.contiguous(memory_format=torch.channels_last) for part in pair]
        for task, pair in channels_first.items()
    }

    def train() -> None:
        network.train()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_bfloat16):
            prediction = network(arrays["train"][0])
            loss = torch.nn.functional.mse_loss(prediction.float(), arrays["train"][1])
        loss.backward()
        optimizer.step()

    def infer() -> None:
        network.eval()
        with (
            torch.inference_mode(),
            torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_bfloat16),
        ):
            network(arrays["infer"][0])

    return {"train": train, "infer": infer}, {
        "version": f"torch {torch.__version__}",
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "precision": precision,
    }


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
