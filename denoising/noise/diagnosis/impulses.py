"""Pixels that were replaced: salt and pepper, and random values.

Salt is looked for where all eight neighbours are darker than half of white, which noise of a
neighbourhood hardly is by chance: how often the pixel amid them is white does not depend on the
image then. Strong noise that was cut to white is there as well, and has a tail that leads there;
impulses have none. The tail of a density whose logarithm is concave, as a normal one's is, falls
beyond white at least as fast as it did before.

Random values are looked for in flat neighbourhoods, by how far a pixel is from the median of its
neighbours; compare

R. Garnett et al., "A universal noise removal algorithm with an impulse detector", IEEE Trans. Image
Processing 14 (2005).
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter

from denoising.noise.diagnosis import neighbours
from denoising.noise.diagnosis.estimates import UNKNOWN, Estimate, bootstrap
from denoising.noise.diagnosis.samples import Samples, Window

BANDS = (0.5, 0.75)  # where the tail is measured: between these, and from the second to white
SLOWEST = 0.85  # that a tail falls by from band to band: that of sigma 1
FEWEST = 500  # pixels amid darker ones: of fewer, nothing is told of salt
SALTED = 0.002  # share of the pixels from which on there are impulses
FAR = 5.0  # robust standard deviations from the median of the neighbours
RANDOM = 0.01  # share of the pixels from which on there are random impulses: textures have some
FLAT = 0.25  # share of the neighbourhoods of a level that are taken for flat
LEVELS = 8  # of the median of the neighbours
REACH = 7  # pixels: side of a neighbourhood
BINS = 400  # of deviations, on a logarithmic scale
LEAST = 1e-5  # deviation, in pixel values, that counts as none
TAIL = 0.1587  # share of a normal distribution that is over one standard deviation above its mean


class Impulses(NamedTuple):
    """Shares of the pixels that were replaced; NaN where it cannot be told.

    Attributes
    ----------
    salt, pepper : Estimate
        By white and by black.
    random : Estimate
        By values between.
    """

    salt: Estimate
    pepper: Estimate
    random: Estimate

    @property
    def has_impulses(self) -> bool:
        """Are there more than images have by themselves?"""
        return self.has_salt_and_pepper or _beyond(self.random, RANDOM)

    @property
    def has_salt_and_pepper(self) -> bool:
        """Likewise, black and white ones?"""
        return any(_beyond(one, SALTED) for one in (self.salt, self.pepper))


def _beyond(one: Estimate, threshold: float) -> bool:
    """Lies the whole interval beyond? Where there is none, the value counts."""
    least = one.low if math.isfinite(one.low) else one.value
    return least > threshold


def look(samples: Samples, step: float, weights: np.ndarray) -> Impulses:
    """Shares of impulses.

    Parameters
    ----------
    step : float
        Between pixel values; NaN: none.
    weights : ndarray (resamples, units)
    """
    ends = [_extreme(samples, white, weights) for white in (True, False)]
    return Impulses(ends[0], ends[1], _random(samples, step, weights))


def _extreme(samples: Samples, white: bool, weights: np.ndarray) -> Estimate:
    """Share of salt; or of pepper, which is salt of the negative."""

    def maps(window: Window) -> np.ndarray:
        pixels = window.pixels if white else 1 - window.pixels
        amid = np.maximum.reduce(list(neighbours.around(pixels))) < BANDS[0]
        edges = (*BANDS, 1.0)
        found = [amid, *(amid & (pixels >= edge) for edge in edges)]
        return np.stack([one.sum(axis=-1, dtype=float) for one in found], axis=-1)

    sums = samples.sums(maps)
    if sums[:, 0].sum() < FEWEST:
        return UNKNOWN
    return bootstrap(lambda row: [_salt(row @ sums)], weights)[0]


def _salt(sums: np.ndarray) -> float:
    """Pixels amid dark ones, those of them from each edge on: how many are beyond the tail?"""
    amid, *upward, at_white = sums
    if not amid:
        return math.nan
    lower, upper = upward[0] - upward[1], upward[1] - at_white
    fall = min(upper / lower, SLOWEST) if lower else SLOWEST
    tail = upper * fall / (1 - fall)
    return max(0.0, at_white - tail) / amid


def _random(samples: Samples, step: float, weights: np.ndarray) -> Estimate:
    """Share of random values, from histograms of deviations in flat neighbourhoods, by level."""
    coarse = 0.0 if math.isnan(step) else step
    middles, flatness = [], []
    for window in samples.windows:
        middle = neighbours.median(window.pixels)
        # bounded, so that one impulse does not make a neighbourhood uneven
        own = np.abs(window.pixels - middle)
        bound = max(4 * float(np.median(own)), coarse, LEAST)
        size = (min(REACH, own.shape[0]), min(REACH, own.shape[1]), 1)
        bounded = np.minimum(own, bound)
        # without the pixel itself: what it is must not decide whether it is looked at
        area = size[0] * size[1]
        activity = uniform_filter(bounded, size, mode="reflect") - bounded / area
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
        keep = flat <= limits[one]
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
    for number in np.flatnonzero(counts):
        sigma = max(_spread(table[number]), step, LEAST)
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
