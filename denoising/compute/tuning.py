"""How this machine computes a convolution fastest: measured once, then remembered.

Directly, by FFT (large kernels), as one matrix product (few filters), or by phases (of images that
were enlarged).

The answer depends on the processor, the precision and the size of kernels, and for small images
also on their size and the batch. Each distinct case is measured the first time that it is met, and
kept in a file in the user's cache folder, so that the next training on this machine is computed in
the same way.
"""

import contextlib
import functools
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from platformdirs import user_cache_dir

from denoising.compute import (
    agreement,
    backend,
    blocks,
    execution,
    fft,
    fft_whole,
    fourier,
    phases,
    taps,
)
from denoising.compute.backend import keras
from denoising.compute.plan import DIRECT, FFT, PHASES, TAPS, VOLUME, Plan
from denoising.files import PathLike, lock, write_json

CACHE = Path(user_cache_dir("denoising")) / "convolution.json"
# how much faster another way has to be, so that noise does not decide; the FFT takes memory too
MARGINS = {FFT: 1.25, TAPS: 1.1, PHASES: 1.1}
LARGE = 5  # pixels; from here on the FFT is faster with 64 channels, benchmarks/kernels.md
# images of more pixels a side are measured as so many of this size: a pixel costs the same in each
SMALL, TYPICAL, COUNT = 56, (128, 128), 2
DIGIT = (28, 28)  # stands for small images of any size
WIDE = 128  # channels at both ends, from which on 3x3 kernels may gain too
FEW = 4  # filters, fewer than a processor's vectors are long
_REPEATS, _SECONDS = 3, 0.15  # at least; more of short steps, which a disturbance changes most

Log = Callable[[str], object]


class Case(NamedTuple):
    """What is measured; as a string, the key under which it is kept.

    Attributes
    ----------
    layer : keras.layers.Conv2D
    before : keras.layers.UpSampling2D or None
        What makes the channels of its input that count.
    batch_size : int
    precision, task : str
    of_input : bool
        Does training need the input's gradient?
    """

    layer: Any
    before: Any
    batch_size: int
    precision: str
    task: str
    of_input: bool

    def __str__(self) -> str:
        _, height, width, channels = self.layer.input.shape
        kernel = "x".join(map(str, self.layer.kernel_size))
        of = f"{self.before.input.shape[-1]} enlarged" if self.before else channels
        sizes = f"{kernel}, {of} to {self.layer.filters} channels, {height}x{width} pixels"
        gradients = {"inference": "", "training": " of weights"}[self.task]
        gradients += " and input" if self.of_input else ""
        return f"{sizes}, batch {self.batch_size}, {self.precision}, {self.task}{gradients}"


def plan(
    convolution: str,
    precision: str,
    model: "keras.Model",
    shape: tuple[int, int],
    batch_size: int,
    task: str,
    log: Log = print,
    cache: PathLike = CACHE,
) -> Plan:
    """How this machine computes a network: what "auto" becomes.

    Parameters
    ----------
    convolution : {"auto", "direct", "fft"}
        "fft" means every convolution that can be, "auto" those that are measured to gain from it.
    precision : {"auto", "float32", "bfloat16"}
    shape : tuple (height, width)
        Of the images.
    task : {"training", "inference"}
    log : callable
        Takes one line for each measurement that is made.
    cache : path-like
        Where measurements are kept.
    """
    resolved = backend.resolve_precision(precision)
    ways = choose(convolution, model, shape, batch_size, resolved, task, log, cache)
    return Plan(resolved, ways)


def choose(
    convolution: str,
    model: "keras.Model",
    shape: tuple[int, int],
    batch_size: int,
    precision: str,
    task: str,
    log: Log = print,
    cache: PathLike = CACHE,
) -> dict[str, str]:
    """Convolutions that are not computed as Keras does, and how: see `Plan`."""
    names = execution.convolutions(model)
    if convolution == FFT:
        return dict.fromkeys(names, FFT)
    is_large = max(shape) > SMALL
    comes_alone = is_large and task == "inference"
    others = dict.fromkeys(names, VOLUME) if comes_alone and backend.prefers_volumes() else {}
    if convolution == DIRECT:
        return others
    candidates = {name: _ways(model.get_layer(name)) for name in names}
    if is_large and task == "inference":
        for name in names:
            candidates[name] += _ways_of_large_images(model.get_layer(name))
        for name in execution.enlargements(model):
            candidates[name].append(PHASES)
    if not any(candidates.values()):
        return others
    if is_large:
        shape, batch_size = TYPICAL, COUNT
    sized = execution.sized(model, shape)
    enlargements = execution.enlargements(sized)
    chosen = {}
    with _measurements(cache, log) as known:
        for name, ways in candidates.items():
            if not ways:
                continue
            layer = sized.get_layer(name)
            # the first layer's images need no gradient
            of_input = task == "training" and layer.input is not sized.input
            before = enlargements[name] if PHASES in ways else None
            case = Case(layer, before, batch_size, precision, task, of_input)
            seconds = _agreed_seconds(case, ways, known, log)
            best = min(ways, key=seconds.__getitem__)
            if seconds[DIRECT] / seconds[best] >= MARGINS[best]:
                chosen[name] = best
    return others | chosen


def _agreed_seconds(
    case: Case, ways: list[str], known: dict[str, dict[str, float]], log: Log
) -> dict[str, float]:
    """Those that decide: of this machine, if it works alone."""

    def of_this_machine() -> dict[str, float]:
        key = str(case)
        if not {DIRECT, *ways} <= set(known.get(key, ())):
            seconds = _seconds(case, ways)
            known[key] = {way: round(value, 6) for way, value in seconds.items()}
            times = ", ".join(f"{way} {value * 1e3:.1f} ms" for way, value in seconds.items())
            log(f"measured: convolution {key}: {times}")
        return known[key]

    what = f"convolution: auto on a {backend.kind()}: {case}"
    found: dict[str, float] = agreement.agreed(what, of_this_machine).value
    return found


def typical(height: int, width: int) -> tuple[int, int]:
    """Those that stand for an image's, where images may have any: two cases in all."""
    return TYPICAL if max(height, width) > SMALL else DIGIT


def _ways(layer: Any) -> list[str]:
    """Those that are worth a measurement, but for the direct one."""
    size = min(layer.kernel_size)
    may_gain = size >= LARGE or (size >= 3 and min(layer.kernel.shape[-2:]) >= WIDE)
    return [FFT] if may_gain else []


def _ways_of_large_images(layer: Any) -> list[str]:
    return [TAPS] if layer.filters <= FEW < layer.kernel.shape[-2] else []


def _seconds(case: Case, ways: list[str]) -> dict[str, float]:
    """Shortest time of a step with this layer alone, directly and in other ways in turns."""
    layer, before, batch_size, precision, task, of_input = case
    x = inputs = keras.Input((before or layer).input.shape[1:], name="input")
    if of_input:  # something to learn in front of it, or its input's gradient is not computed
        x = keras.layers.PReLU(shared_axes=[1, 2], name="before")(x)
    if before:
        x = keras.layers.UpSampling2D.from_config(before.get_config())(x)
    x = type(layer).from_config(layer.get_config())(x)
    if task == "inference":  # a single pixel, so that the result's way to the caller does not count
        margins = ((size - 1, 0) for size in x.shape[1:3])
        x = keras.layers.Cropping2D(tuple(margins), name="corner")(x)
    single = keras.Model(inputs, x)
    shape = (batch_size, *single.input.shape[1:])
    images = keras.ops.convert_to_tensor(np.random.default_rng(0).random(shape, np.float32))
    targets = np.zeros((batch_size, *single.output.shape[1:]), np.float32)
    steps: dict[str, Callable[[], object]] = {}
    for way in (DIRECT, *ways):
        plan = Plan(precision, {} if way == DIRECT else {layer.name: way})
        if task == "inference":
            model = execution.for_inference(single, plan)
            steps[way] = functools.partial(model.predict_on_batch, images)
        else:
            model = execution.for_training(single, plan)
            model.compile(optimizer="sgd", loss="mse")
            steps[way] = functools.partial(model.train_on_batch, images, targets)
    return shortest(steps, _REPEATS, _SECONDS)


def shortest(
    steps: Mapping[Any, Callable[[], object]], repeats: int, at_least: float = 0.0
) -> dict[Any, float]:
    """Shortest time of each step, in seconds.

    Parameters
    ----------
    steps : dict of str to callable
        They take turns, so that a disturbance meets them alike. The first call of each, which
        compiles, does not count.
    repeats : int
        Of each, or more.
    at_least : float
        Seconds of all of them.
    """
    for step in steps.values():
        step()
    seconds = dict.fromkeys(steps, np.inf)
    began, turns = time.perf_counter(), 0
    while turns < repeats or time.perf_counter() - began < at_least:
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            seconds[name] = min(seconds[name], time.perf_counter() - started)
        turns += 1
    return seconds


@contextlib.contextmanager
def _measurements(path: PathLike, log: Log) -> Iterator[dict[str, Any]]:
    """What is known of this machine, by case; what is added is kept."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # where nothing can be written, nothing is kept
            # two that measure at once would disturb each other
            stack.enter_context(lock(Path(path).with_suffix(".lock"), waiting=lambda _: None))
        everything = _remembered(path)
        known = everything.setdefault(f"{backend.machine()}, {_version()}", {})
        before = dict(known)
        yield known
        if known != before:
            try:
                write_json(path, everything)
            except OSError as error:
                log(
                    f"{path}: cannot be kept ({error.strerror}); this machine is measured anew "
                    "each time"
                )


def _version() -> str:
    """Of the code that is measured."""
    modules = (blocks, fft, fft_whole, fourier, phases, taps)
    sources = (Path(str(module.__file__)).read_bytes() for module in modules)
    return f"code {hashlib.sha256(b''.join(sources)).hexdigest()[:8]}"


def _remembered(path: PathLike) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or damaged: measure again
        return {}
    return content if isinstance(content, dict) else {}
