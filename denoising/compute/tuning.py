"""Which convolutions of a network this machine computes faster through spectra: measured once, then remembered.

The answer depends on the processor, the precision, the batch and the size of images and kernels. Each distinct case is
measured the first time that it is met, and kept in a file in the user's cache folder, so that the next training on this
machine is computed in the same way.
"""

import contextlib
import json
import time
from pathlib import Path

import keras
import numpy as np
from platformdirs import user_cache_dir

from denoising.compute import backend, execution
from denoising.files import lock, write_json

CACHE = Path(user_cache_dir("denoising")) / "convolution.json"
MARGIN = 1.25  # spectra have to be that much faster, so that noise in a measurement does not decide
LARGE = 5  # pixels; from here on spectra are faster with 64 channels, benchmarks/kernels.md
WIDE = 128  # channels at both ends, from which on 3x3 kernels may gain too
_REPEATS = 3


def choose(convolution, model, shape, batch_size, precision, task, log=print, cache=CACHE):
    """Names of the convolutions to compute through spectra.

    Parameters
    ----------
    convolution : {"auto", "direct", "fft"}
        "fft" means every convolution that can be, "auto" those that are measured to gain from it.
    model : keras.Model
    shape : tuple (height, width)
        Of the images.
    batch_size : int
    precision : {"float32", "bfloat16"}
    task : {"training", "inference"}
    log : callable
        Takes one line for each measurement that is made.
    cache : path-like
        Where measurements are kept.

    Returns
    -------
    list of str
    """
    if convolution == "direct":
        return []
    names = execution.convolutions(model)
    if convolution == "fft":
        return names
    sized = execution.sized(model, shape)
    layers = [layer for layer in sized.layers if layer.name in names and _may_gain(layer)]
    if not layers:
        return []
    gains = {}
    with _measurements(cache, log) as known:
        for layer in layers:
            work = task
            if task == "training":  # the first layer's images need no gradient
                work += " of weights" if layer.input is sized.input else " of weights and input"
            case = f"{_sizes(layer)}, batch {batch_size}, {precision}, {work}"
            if not {"direct", "fft"} <= set(known.get(case, ())):
                seconds = _seconds(layer, batch_size, precision, work)
                known[case] = {name: round(value, 6) for name, value in seconds.items()}
                times = ", ".join(f"{name} {value * 1e3:.1f} ms" for name, value in seconds.items())
                log(f"measured: convolution {case}: {times}")
            gains[layer.name] = known[case]["direct"] / known[case]["fft"]
    return [name for name, gain in gains.items() if gain >= MARGIN]


def _may_gain(layer):
    """Is it worth a measurement?"""
    size = min(layer.kernel_size)
    return size >= LARGE or (size >= 3 and min(layer.input.shape[-1], layer.filters) >= WIDE)


def _sizes(layer):
    _, height, width, channels = layer.input.shape
    return f"{layer.kernel_size[0]}x{layer.kernel_size[1]}, {channels} to {layer.filters} channels, {height}x{width} pixels"


def _seconds(layer, batch_size, precision, work):
    """Shortest time of a step with this layer alone, direct and through spectra by turns."""
    x = inputs = keras.Input(layer.input.shape[1:], name="input")
    if work.endswith(
        "input"
    ):  # something to learn in front of it, or its input's gradient would not be computed
        x = keras.layers.PReLU(shared_axes=[1, 2], name="before")(x)
    single = keras.Model(inputs, type(layer).from_config(layer.get_config())(x))
    images = np.random.default_rng(0).random((batch_size, *single.input.shape[1:]), np.float32)
    targets = np.zeros((batch_size, *single.output.shape[1:]), np.float32)
    steps = {}
    for name, by_fft in (("direct", ()), ("fft", [layer.name])):
        if work == "inference":
            model = execution.for_inference(single, precision, by_fft)
            steps[name] = lambda model=model: model.predict_on_batch(images)
        else:
            model = execution.for_training(single, precision, by_fft)
            model.compile(optimizer="sgd", loss="mse")
            steps[name] = lambda model=model: model.train_on_batch(images, targets)
    return shortest(steps, _REPEATS)


def shortest(steps, repeats):
    """Shortest time of each step, in seconds.

    Parameters
    ----------
    steps : dict of str to callable
        They take turns, so that a disturbance meets them alike; the first call of each, which compiles, does not count.
    repeats : int
    """
    for step in steps.values():
        step()
    seconds = dict.fromkeys(steps, np.inf)
    for _ in range(repeats):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            seconds[name] = min(seconds[name], time.perf_counter() - started)
    return seconds


@contextlib.contextmanager
def _measurements(path, log):
    """What is known of this machine, by case; what is added is kept."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # where nothing can be written, nothing is kept
            # two that measure at once would disturb each other
            stack.enter_context(lock(Path(path).with_suffix(".lock"), waiting=lambda _: None))
        everything = _remembered(path)
        known = everything.setdefault(_machine(), {})
        before = dict(known)
        yield known
        if known != before:
            try:
                write_json(path, everything)
            except OSError as error:
                log(
                    f"{path}: cannot be kept ({error.strerror}); this machine is measured anew each time"
                )


def _machine():
    about = backend.description()
    versions = " ".join(f"{package} {version}" for package, version in about["versions"].items())
    return f"{about['device_name']}, {about['cores']} cores, {versions}"


def _remembered(path):
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or damaged: measure again
        return {}
    return content if isinstance(content, dict) else {}
