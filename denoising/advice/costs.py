"""What an epoch and a filter cost on this machine, measured on a few batches and pixels."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from denoising.advice.candidates import Candidate
from denoising.compute.plan import Plan
from denoising.evaluation import filters
from denoising.evaluation.filters.zero_shot import WINDOW
from denoising.files import InputError
from denoising.middle import middle
from denoising.noise.base import Noise
from denoising.sections import Section, kind, read_kind, validate
from denoising.training import fit
from denoising.training.checkpoints import Nowhere
from denoising.training.examples import Arrays

BATCHES = 4  # of an epoch that is timed
EPOCHS = 4  # the first one compiles; of the others the median
PATCHES = 2000  # of an epoch
SIZE, BATCH = 64, 32
SIDE = 128  # pixels of an image, in its middle, that filters are timed on
FEWER = 20  # times, the steps of a filter that trains


def measure(
    candidates: Iterable[Candidate],
    noise: Noise,
    networks: Mapping[str, Any],
    optimizer: fit.Optimizer,
    channels: int,
    log: Callable[[str], object] = print,
) -> dict[str, float]:
    """Seconds of an epoch of `PATCHES` patches, by candidate.

    Parameters
    ----------
    candidates : iterable of Candidate
        That train a network.
    noise : Noise
        Of the images.
    networks : mapping
        Their sections of params.yaml, by network.
    optimizer : Optimizer
    channels : int
        Of the images.
    log : callable
        Takes one line for each.
    """
    found = {}
    for one in candidates:
        section = validate(kind("networks", one.network), networks[one.network], "networks")
        found[one.name] = _seconds(one, noise, section, optimizer, channels)
        log(f"{one.name}: an epoch of {PATCHES} patches takes {found[one.name]:.0f} s here")
    return found


def measure_filters(candidates: Iterable[Candidate], image: np.ndarray) -> dict[str, float]:
    """Seconds of an image, by candidate; none of what refuses such an image.

    Parameters
    ----------
    candidates : iterable of Candidate
        Filters; of those that train a network, the others are left out.
    image : ndarray (H, W, C)
        Noisy, on the scale [0, 1]. Its middle is timed, and the time scaled to all of it.
    """
    part = image[np.newaxis, *middle(image.shape, SIDE)]
    found: dict[str, float] = {}
    for one in candidates:
        if one.network or one.section["name"] == "identity":
            continue
        section, times = one.section, image.size / part.size
        if "steps" in section:
            section = section | {"steps": section["steps"] // FEWER}
            times *= FEWER * min(1.0, WINDOW**2 * image.shape[-1] / image.size)
        by = filters.read(section, one.name)
        try:
            by(part)  # imports and compiles
        except InputError:
            continue
        started = time.perf_counter()
        by(part)
        found[one.name] = times * (time.perf_counter() - started)
    return found


def _seconds(
    candidate: Candidate, noise: Noise, section: Section, optimizer: fit.Optimizer, channels: int
) -> float:
    from denoising.compute import backend

    settings = fit.Settings(
        network=candidate.network,
        section=section,
        method=read_kind("methods", candidate.section, "method"),
        noise=noise,
        seed=0,
        stream="costs",
        plan=Plan(backend.resolve_precision("auto")),
        optimizer=optimizer,
        work=fit.Work(epochs=EPOCHS, batch_size=BATCH, learning_rate=1e-3, schedule="constant"),
    )
    rng = np.random.default_rng(0)
    shape = (BATCHES * BATCH, SIZE, SIZE, channels)
    images = rng.random(shape, dtype=np.float32)
    pair = images, np.stack([images, images])
    held_out = pair[0][:BATCH], pair[1][:, :BATCH]
    ends: list[float] = []  # of the epochs
    fit.fit(settings, Arrays(pair, held_out), Nowhere(), lambda _: ends.append(time.perf_counter()))
    return float(np.median(np.diff(ends))) * PATCHES / len(images)
