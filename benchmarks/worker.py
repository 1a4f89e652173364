"""One way to compute one network, in a process of its own: python -m benchmarks.worker WAY NETWORK

Prints a line of JSON about itself, then, for every line "train" or "infer" that it reads, the images a second of one turn.
"""

import contextlib
import json
import os
import sys
import time
from unittest import mock

import numpy as np

from stages import schema as params

SECONDS = 1.5  # a turn lasts at least this long
PIXELS = 28

# what benchmarks/ablation.py changes of the pipeline's way
VARIANTS = {
    "ours": {},
    "float32": {"precision": "float32"},
    "convolution: direct": {"convolution": "direct"},
    "convolution: fft": {"convolution": "fft"},
    "Keras's batch normalisation": {"fused": False},
    "no determinism": {"deterministic": False},
    "XLA, no determinism": {
        "jit_compile": True,
        "deterministic": False,
    },  # Keras has no XLA with determinism
}


def main(way, name):
    settings = params.load()
    sizes = {
        "train": settings.budgets["article"].batch_size,
        "infer": settings.evaluation.batch_size,
    }
    section = getattr(settings.models, name)
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


def _with_keras(way, name, section, data):
    from denoising import networks as models
    from denoising.compute import backend, execution

    keras = backend.keras  # imported there, without TensorFlow's page of messages
    network = models.build(name, section)
    if way.startswith("keras"):  # as a user of Keras would write it
        precision, jit_compile, chosen = (
            way.removeprefix("keras "),
            "auto",
            {"train": [], "infer": []},
        )
        keras.config.set_dtype_policy(backend.POLICIES[precision])
        trained = predicting = models.build(name, section)
    else:
        trained, predicting, precision, jit_compile, chosen = _ours(network, data, **VARIANTS[way])
        predicting.compile(jit_compile=jit_compile)
    trained.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse", jit_compile=jit_compile)
    arrays = {
        task: [keras.ops.convert_to_tensor(part) for part in pair] for task, pair in data.items()
    }
    steps = {
        "train": lambda: trained.train_on_batch(*arrays["train"]),
        "infer": lambda: predicting.predict_on_batch(arrays["infer"][0]),
    }
    layers = execution.sized(network, (PIXELS, PIXELS)).layers
    return steps, {
        "version": ", ".join(" ".join(item) for item in backend.description()["versions"].items()),
        "parameters": sum(int(np.prod(weight.shape)) for weight in network.trainable_weights),
        "multiply_adds": sum(
            _multiply_adds(layer) for layer in layers if isinstance(layer, keras.layers.Conv2D)
        ),
        "device": backend.device()[1],
        "cores": backend.description()["cores"],
        "precision": precision,
        "training_batch": len(data["train"][0]),
        "inference_batch": len(data["infer"][0]),
        "by_fft": chosen,
    }


def _ours(
    network,
    data,
    precision="auto",
    convolution="auto",
    fused=True,
    jit_compile="auto",
    deterministic=True,
):
    """The pipeline's copies of a network, or nearly."""
    from denoising.compute import backend, execution, tuning

    if deterministic:
        backend.prepare(0)
    precision = backend.resolve_precision(precision)
    chosen = {
        task: tuning.choose(
            convolution,
            network,
            (PIXELS, PIXELS),
            len(data[task][0]),
            precision,
            kind,
            log=_to_stderr,
        )
        for task, kind in (("train", "training"), ("infer", "inference"))
    }
    as_keras = mock.patch.object(backend, "has_fused_batch_normalization", return_value=False)
    with contextlib.nullcontext() if fused else as_keras:
        trained = execution.for_training(network, precision, chosen["train"])
        copy = execution.for_inference if fused else execution.for_training
        predicting = copy(network, precision, chosen["infer"])
    return trained, predicting, precision, jit_compile, chosen


def _multiply_adds(layer):
    """Of a direct convolution of one image; those with the zeros around it do not count."""
    sizes = zip(layer.output.shape[1:3], layer.kernel_size, strict=True)
    taps = [size * length - length // 2 * (length // 2 + 1) for size, length in sizes]
    return int(np.prod(taps)) * layer.input.shape[-1] * layer.filters


def _with_torch(way, name, section, data):
    import torch

    from benchmarks import torch_networks

    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    precision = way.removeprefix("torch ")
    half = precision == "bfloat16"
    network = torch_networks.build(name, section).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    channels_first = {
        task: torch.from_numpy(pair.transpose(0, 1, 4, 2, 3)) for task, pair in data.items()
    }
    arrays = {
        task: [part.contiguous(memory_format=torch.channels_last) for part in pair]
        for task, pair in channels_first.items()
    }

    def train():
        network.train()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            prediction = network(arrays["train"][0])
            loss = torch.nn.functional.mse_loss(prediction.float(), arrays["train"][1])
        loss.backward()
        optimizer.step()

    def infer():
        network.eval()
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            network(arrays["infer"][0])

    return {"train": train, "infer": infer}, {
        "version": f"torch {torch.__version__}",
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "precision": precision,
    }


def _to_stderr(line):
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
