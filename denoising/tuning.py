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

from denoising import backend, execution
from denoising.files import lock, write_json

CACHE = Path(user_cache_dir("denoising")) / "convolution.json"
MARGIN = 1.25  # spectra have to be that much faster, so that noise in a measurement does not decide
LARGE = 5  # pixels
WIDE = 128  # channels at both ends, with which 3x3 kernels gain too (benchmarks/kernels.md)
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
    layers = [layer for layer in execution.sized(model, shape).layers if layer.name in names and _may_gain(layer)]
    return [layer.name for layer in layers if _gain(layer, batch_size, precision, task, log, cache) >= MARGIN]


def _may_gain(layer):
    """Is it worth a measurement?"""
    size = min(layer.kernel_size)
    return size >= LARGE or (size >= 3 and min(layer.input.shape[-1], layer.filters) >= WIDE)


def _gain(layer, batch_size, precision, task, log, cache):
    """How many times faster spectra are for one layer."""
    _, height, width, channels = layer.input.shape
    sizes = f"{layer.kernel_size[0]}x{layer.kernel_size[1]}, {channels} to {layer.filters} channels, {height}x{width} pixels"
    case = f"{sizes}, batch {batch_size}, {precision}, {task}"
    machine = _machine()
    with contextlib.ExitStack() as stack:
        try:  # two that measure at once would disturb each other
            stack.enter_context(lock(Path(cache).with_suffix(".lock"), waiting=lambda _: None))
        except OSError as error:
            log(f"{cache}: cannot be kept ({error.strerror}); this machine is measured anew each time")
        known = _remembered(cache)
        if case not in known.get(machine, {}):
            seconds = _seconds(layer, batch_size, precision, task)
            known.setdefault(machine, {})[case] = {name: round(value, 6) for name, value in seconds.items()}
            with contextlib.suppress(OSError):
                write_json(cache, known)
            times = ", ".join(f"{name} {value * 1e3:.1f} ms" for name, value in seconds.items())
            log(f"measured: convolution {case}: {times}")
    return known[machine][case]["direct"] / known[machine][case]["fft"]


def _seconds(layer, batch_size, precision, task):
    """Shortest time of a step with this layer alone, direct and through spectra by turns."""
    inputs = keras.Input(layer.input.shape[1:], name="input")
    single = keras.Model(inputs, type(layer).from_config(layer.get_config())(inputs))
    images = np.random.default_rng(0).random((batch_size, *single.input.shape[1:]), np.float32)
    targets = np.zeros((batch_size, *single.output.shape[1:]), np.float32)
    steps = {}
    for name, by_fft in (("direct", ()), ("fft", [layer.name])):
        if task == "training":
            model = execution.for_training(single, precision, by_fft)
            model.compile(optimizer="sgd", loss="mse")
            steps[name] = lambda model=model: model.train_on_batch(images, targets)
        else:
            model = execution.for_inference(single, precision, by_fft)
            steps[name] = lambda model=model: model.predict_on_batch(images)
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


def _machine():
    about = backend.description()
    versions = " ".join(f"{package} {version}" for package, version in about["versions"].items())
    return f"{about['device_name']}, {about['cores']} cores, {versions}"


def _remembered(cache):
    try:
        return json.loads(Path(cache).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or damaged: measure again
        return {}
