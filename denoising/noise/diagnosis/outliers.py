"""Pixels that were replaced by random values.

They are looked for in flat neighbourhoods, by how far a pixel is from the median of its neighbours:
so far as noise never is. Those that are nearer are reckoned with, as all values are as likely.

References
----------
R. Garnett et al., "A universal noise removal algorithm with an impulse detector", IEEE Trans. Image
Processing 14 (2005).
"""

import math

import numpy as np
from scipy.ndimage import uniform_filter

from denoising.noise.diagnosis import neighbours
from denoising.noise.diagnosis.estimates import Estimate, bootstrap
from denoising.noise.diagnosis.samples import Samples

ROUNDING = 1e-3  # of flatness: many neighbourhoods without other noise are equally flat
FAR = 5.0  # robust standard deviations from the median of the neighbours
ROBUST = 1.4826  # of a median absolute deviation: the standard deviation of normal noise
WIDER = 2.0  # times the least standard deviation of a level: nothing is looked for there
FLAT = 0.25  # share of the neighbourhoods of a level that are taken for flat
LEVELS = 8  # of the median of the neighbours
REACH = 7  # pixels: side of a neighbourhood
BINS = 400  # of deviations, on a logarithmic scale
FINEST = 1 / 255  # standard deviation that counts: saturated areas have none
LEAST = 1e-5  # deviation, in pixel values, that counts as none
TAIL = 0.1587  # share of a normal distribution that is over one standard deviation above its mean


def share(samples: Samples, step: float, weights: np.ndarray) -> Estimate:
    """Share of random values, from histograms of deviations in flat neighbourhoods, by level.

    Parameters
    ----------
    samples : Samples
    step : float
        Between pixel values; NaN: none.
    weights : ndarray (resamples, units)

    Returns
    -------
    Estimate
        NaN where noise hides most of the range.
    """
    coarse = 0.0 if math.isnan(step) else step
    middles, flatness = [], []
    for window in samples.windows:
        middle = neighbours.median(window.pixels)
        # bounded, so that one impulse does not make a neighbourhood uneven
        own = np.abs(window.pixels - middle)
        bound = max(4 * float(np.median(own)), coarse, LEAST)
        size = (min(REACH, own.shape[0]), min(REACH, own.shape[1]), 1)
        activity = _around(np.minimum(own, bound), size)
        reach = _gradient(middle)
        middles.append(middle)
        flatness.append(activity + reach)
    edges = np.quantile(
        np.concatenate([m.ravel()[:: max(1, m.size // 4096)] for m in middles]),
        np.linspace(0, 1, LEVELS + 1)[1:-1],
    )
    level = [np.searchsorted(edges, middle, side="right") for middle in middles]
    limits = _limits(level, flatness)
    table = np.zeros((samples.units, LEVELS, 2, BINS + 1))
    means = np.zeros((samples.units, LEVELS))
    for window, middle, one, flat in zip(samples.windows, middles, level, flatness, strict=True):
        deviation = window.pixels - middle
        bins, below = _bin(np.abs(deviation)), (deviation < 0).astype(int)
        keep = flat <= limits[one] * (1 + ROUNDING)
        for unit, rows, columns in window.parts:
            kept = keep[rows, columns]
            where = one[rows, columns][kept]
            place = where, below[rows, columns][kept], bins[rows, columns][kept]
            np.add.at(table[unit], place, 1)
            means[unit] += np.bincount(where, middle[rows, columns][kept], LEVELS)
    everything = np.concatenate([one.ravel() for one in level])
    shares = np.bincount(everything, minlength=LEVELS) / len(everything)

    def statistic(row: np.ndarray) -> list[float]:
        return [_outlying(np.tensordot(row, table, 1), row @ means, shares, coarse)]

    return bootstrap(statistic, weights)[0]


def _around(values: np.ndarray, size: tuple[int, int, int]) -> np.ndarray:
    """Mean over a neighbourhood without the pixel itself, which must not decide what is flat."""
    area = size[0] * size[1]
    total = area * uniform_filter(values, size, mode="constant") - values
    count = area * uniform_filter(np.ones_like(values), size, mode="constant") - 1
    return total / np.maximum(count, 1)


def _gradient(middle: np.ndarray) -> np.ndarray:
    """How far the medians of a neighbourhood are from each other: edges."""
    size = (min(5, middle.shape[0]), min(5, middle.shape[1]), 1)
    mean = uniform_filter(middle, size, mode="reflect")
    square = uniform_filter(middle**2, size, mode="reflect")
    return np.sqrt(np.maximum(square - mean**2, 0))


def _limits(level: list[np.ndarray], flatness: list[np.ndarray]) -> np.ndarray:
    """Of each level, the flatness up to which neighbourhoods are taken for flat."""
    every = [max(1, one.size // 4096) for one in level]
    levels = np.concatenate([one.ravel()[::k] for one, k in zip(level, every, strict=True)])
    values = np.concatenate([one.ravel()[::k] for one, k in zip(flatness, every, strict=True)])
    found = np.full(LEVELS, -1.0)
    for number in range(LEVELS):
        here = values[levels == number]
        if len(here):
            found[number] = np.quantile(here, FLAT)
    return found


def _bin(deviation: np.ndarray) -> np.ndarray:
    """Places on the logarithmic scale from LEAST (0) to 1 (BINS)."""
    scale = np.log(np.maximum(deviation, LEAST) / LEAST) / -math.log(LEAST)
    return np.minimum((scale * BINS).astype(int), BINS)


CENTRES = LEAST ** (1 - (np.arange(BINS + 1) + 0.5) / BINS)


def _outlying(table: np.ndarray, means: np.ndarray, shares: np.ndarray, step: float) -> float:
    """Share of random values, from counts (LEVELS, 2, BINS + 1) above and below.

    Those that are too near to their neighbours to be told are made up for.
    """
    counts = table.sum(axis=(1, 2))
    found, weight = 0.0, 0.0
    levels = np.flatnonzero(counts)
    sigmas = {number: max(_spread(table[number]), step, FINEST) for number in levels}
    for number, sigma in sigmas.items():
        # impulses are the same at all levels; textures are at some, and vary more
        if sigma > WIDER * min(sigmas.values()):
            continue
        mean = min(max(means[number] / counts[number], 0.0), 1.0)
        hidden = min(mean + FAR * sigma, 1.0) - max(mean - FAR * sigma, 0.0)
        if hidden > 1 / 2:
            continue  # most of the range is within the noise
        outside = table[number].sum(axis=0) @ (FAR * sigma < CENTRES) / counts[number]
        found += shares[number] * outside / (1 - hidden)
        weight += shares[number]
    return found / weight if weight else math.nan


def _spread(counts: np.ndarray) -> float:
    """A standard deviation that a share of impulses hardly changes, from counts (2, BINS + 1).

    The larger of both sides': where noise was cut, one side has lost its own.
    """
    beyond = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1] / counts.sum()
    last = int((beyond >= TAIL).sum(axis=1).max()) - 1
    return float(CENTRES[last]) if last > 0 else 0.0
