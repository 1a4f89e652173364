"""What an epoch costs on this machine, measured on a few batches."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from denoising.advice.advise import Advice, Choice
from denoising.compute.plan import Plan
from denoising.noise.base import Noise
from denoising.sections import kind, read_kind, validate
from denoising.training import fit
from denoising.training.checkpoints import Nowhere
from denoising.training.examples import Arrays

BATCHES = 4  # that are timed
PATCHES = 2000  # of an epoch
SIZE, BATCH = 64, 32

NETWORKS: dict[str, dict[str, Any]] = {
    "unet": {
        "levels": 3,
        "convolutions_per_level": 2,
        "filters": 32,
        "kernel_size": 3,
        "residual": True,
        "initializer": "he_normal",
        "zero_output": True,
    },
    "blind_spot": {
        "levels": 3,
        "convolutions_per_level": 2,
        "filters": 16,
        "joined_filters": 96,
        "kernel_size": 3,
        "initializer": "he_normal",
    },
}

OPTIMIZER = {"name": "adam", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


def measure(
    advice: Advice, channels: int, most: int = 2, log: Callable[[str], object] = print
) -> dict[str, float]:
    """Seconds of an epoch of `PATCHES` patches, of the best candidates that train a network.

    Parameters
    ----------
    channels : int
        Of the images.
    most : int
        Candidates that are measured.
    """
    found = {}
    for choice in [one for one in advice.fit if one.candidate.network][:most]:
        name = choice.candidate.name
        found[name] = _seconds(choice, read_kind("noise", advice.noise, "noise"), channels)
        log(f"{name}: an epoch of {PATCHES} patches takes {found[name]:.0f} s here")
    return found


def _seconds(choice: Choice, noise: Noise, channels: int) -> float:
    from denoising.compute import backend

    candidate = choice.candidate
    network = kind("networks", candidate.network)
    settings = fit.Settings(
        network=candidate.network,
        section=validate(network, NETWORKS[candidate.network], "networks"),
        method=read_kind("methods", candidate.section, "method"),
        noise=noise,
        seed=0,
        stream="costs",
        plan=Plan(backend.resolve_precision("auto")),
        optimizer=validate(fit.Optimizer, OPTIMIZER, "optimizer"),
        work=fit.Work(epochs=2, batch_size=BATCH, learning_rate=1e-3, schedule="constant"),
    )
    rng = np.random.default_rng(0)
    shape = (BATCHES * BATCH, SIZE, SIZE, channels)
    images = rng.random(shape, dtype=np.float32)
    pair = images, np.stack([images, images])
    held_out = pair[0][:BATCH], pair[1][:, :BATCH]
    ends: list[float] = []  # of the epochs; the first one compiles
    fit.fit(settings, Arrays(pair, held_out), Nowhere(), lambda _: ends.append(time.perf_counter()))
    return (ends[1] - ends[0]) * PATCHES / len(images)
