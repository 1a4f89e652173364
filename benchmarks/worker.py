"""One way to compute one network, in a process of its own: python -m benchmarks.worker WAY NETWORK

Prints a line of JSON about itself, then, for every line "train" or "infer" that it reads, the images a second of one turn.
"""

import json
import os
import sys
import time

import numpy as np

from denoising import params

SECONDS = 1.5  # a turn lasts at least this long
PIXELS = 28


def main(way, name):
    settings = params.load()
    sizes = {"train": settings.budgets["article"].batch_size, "infer": settings.evaluation.batch_size}
    section = getattr(settings.models, name)
    rng = np.random.default_rng(0)
    data = {task: rng.random((2, count, PIXELS, PIXELS, 1), np.float32) for task, count in sizes.items()}
    make = _torch if way.startswith("torch") else _keras
    steps, about = make(way, name, section, data)
    for step in steps.values():
        step()  # compiles
        step()
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        task = line.strip()
        count, started = 0, time.perf_counter()
        while count < 2 or time.perf_counter() - started < SECONDS:
            steps[task]()
            count += 1
        print(count * sizes[task] / (time.perf_counter() - started), flush=True)


def _keras(way, name, section, data):
    from denoising import backend, execution, models, tuning

    keras = backend.keras  # imported there, without TensorFlow's page of messages
    network = models.build(name, section)
    if way == "keras":  # as a user of Keras would write it; XLA, its default, convolves more slowly on a CPU
        keras.utils.set_random_seed(0)
        trained = predicting = network
        chosen = {"train": [], "infer": []}
        trained.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse", jit_compile=False)
    else:
        backend.prepare(0)
        precision = backend.resolve_precision("auto")
        shape = (PIXELS, PIXELS)
        chosen = {
            task: tuning.choose("auto", network, shape, len(data[task][0]), precision, kind, log=_to_stderr)
            for task, kind in (("train", "training"), ("infer", "inference"))
        }
        trained = execution.for_training(network, precision, chosen["train"])
        predicting = execution.for_inference(network, precision, chosen["infer"])
        trained.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    arrays = {task: [keras.ops.convert_to_tensor(part) for part in pair] for task, pair in data.items()}
    steps = {
        "train": lambda: trained.train_on_batch(*arrays["train"]),
        "infer": lambda: predicting.predict_on_batch(arrays["infer"][0]),
    }
    multiply_adds = sum(np.prod(layer.kernel.shape) * pixels for layer, pixels in zip(*_convolutions(network), strict=True))
    about = {"version": ", ".join(" ".join(item) for item in backend.description()["versions"].items()), "by_fft": chosen}
    about["parameters"] = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    return steps, about | {"multiply_adds": int(multiply_adds), "device": backend.device()[1]}


def _convolutions(network):
    """Convolutions of a network and the pixels that each has at the benchmark's image size."""
    from denoising.backend import keras

    config = network.get_config()
    config["layers"][0]["config"]["batch_shape"] = (None, PIXELS, PIXELS, 1)
    sized = keras.Model.from_config(config)
    layers = [layer for layer in sized.layers if isinstance(layer, keras.layers.Conv2D)]
    return layers, [int(np.prod(layer.output.shape[1:3])) for layer in layers]


def _torch(way, name, section, data):
    import torch

    from benchmarks import torch_networks

    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    half = way == "torch bfloat16"
    network = torch_networks.build(name, section).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    channels_first = {task: torch.from_numpy(pair.transpose(0, 1, 4, 2, 3)) for task, pair in data.items()}
    arrays = {
        task: [part.contiguous(memory_format=torch.channels_last) for part in pair] for task, pair in channels_first.items()
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

    about = {"version": f"torch {torch.__version__}", "parameters": sum(p.numel() for p in network.parameters())}
    return {"train": train, "infer": infer}, about


def _to_stderr(line):
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
