"""The noise of two shots of each scene, from their difference: no flat regions are needed.

The difference of two independent noises of one kind has twice the variance, and the correlations of
either. What both shots share, as a fixed pattern, is not in it.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from denoising.noise.diagnosis.blocks import LAGS
from denoising.noise.diagnosis.flat import Found
from denoising.noise.diagnosis.neighbours import mean
from denoising.noise.diagnosis.samples import Samples, Window

LEVELS = 8  # as many pixels in each
EVERY = 4096  # pixels of a window, at least, from which the levels are found


class Pairs(NamedTuple):
    """Sums by unit over all pixels and channels.

    Attributes
    ----------
    counts, means, squares : ndarray (units, LEVELS)
        Pixels by the mean of their neighbours: how many, sum of the pairs' means, and
        of the halved squares of their differences.
    products : ndarray (units, len(LAGS), 2)
        Sums of products of differences at two pixels, and of their mean squares.
    crossed : ndarray (units, 2)
        Likewise of two channels.
    """

    counts: np.ndarray
    means: np.ndarray
    squares: np.ndarray
    products: np.ndarray
    crossed: np.ndarray


def collect(samples: Samples) -> Pairs:
    """Sums over the differences of the two shots, each less its mean: exposures may differ."""
    keys = [_nearby(window).ravel() for window in samples.windows]
    edges = np.quantile(
        np.concatenate([key[:: max(1, len(key) // EVERY)] for key in keys]),
        np.linspace(0, 1, LEVELS + 1)[1:-1],
    )
    del keys
    lags = list(LAGS.values())
    parts = [
        samples.sums(functools.partial(_levels, edges=edges, number=number))
        for number in range(LEVELS)
    ]
    counts, means, squares = np.stack(parts, axis=1).transpose(2, 0, 1)
    products = [samples.sums(_product(lag)) for lag in lags]
    return Pairs(counts, means, squares, np.stack(products, axis=1), samples.sums(_channels))


def _mean(window: Window) -> np.ndarray:
    assert window.second is not None
    return (window.pixels + window.second) / 2


def _nearby(window: Window) -> np.ndarray:
    """Mean of the neighbours: by its own, a pixel's noise would decide on its level."""
    return mean(_mean(window))


def _difference(window: Window) -> np.ndarray:
    assert window.second is not None
    difference = window.pixels - window.second
    return (difference - difference.mean(axis=(0, 1))) / np.float32(np.sqrt(2))


def _levels(window: Window, edges: np.ndarray, number: int) -> np.ndarray:
    here = np.searchsorted(edges, _nearby(window), side="right") == number
    found = [here, here * _mean(window), here * _difference(window) ** 2]
    return np.stack([one.sum(axis=-1, dtype=float) for one in found], axis=-1)


def _product(lag: tuple[tuple[int, int], ...]) -> Callable[[Window], np.ndarray]:
    def maps(window: Window) -> np.ndarray:
        noise = _difference(window)
        height, width, _ = noise.shape
        found = np.zeros((height, width, 2))
        for down, across in lag:
            if down >= height or abs(across) >= width:
                continue
            one = noise[: height - down, max(0, -across) : width - max(0, across)]
            other = noise[down:, max(0, across) : width - max(0, -across)]
            place = found[: height - down, : one.shape[1]]
            place[..., 0] += (one * other).sum(axis=-1)
            place[..., 1] += ((one**2 + other**2) / 2).sum(axis=-1)
        return found

    return maps


def _channels(window: Window) -> np.ndarray:
    noise = _difference(window)
    channels = noise.shape[2]
    square = (noise**2).sum(axis=-1)
    return np.stack([noise.sum(axis=-1) ** 2 - square, (channels - 1) * square], axis=-1)


def estimate(pairs: Pairs, weights: np.ndarray | None = None) -> Found:
    """Variance and correlations, each unit counted with its weight; see `flat.estimate`."""
    if weights is None:
        weights = np.ones(len(pairs.counts))
    counts = weights @ pairs.counts
    products = np.einsum("u,ulk->lk", weights, pairs.products)
    with np.errstate(invalid="ignore", divide="ignore"):
        means, variances = (weights @ one / counts for one in (pairs.means, pairs.squares))
        sigma = float(np.sqrt(weights @ pairs.squares.sum(axis=1) / counts.sum()))
        correlations = dict(zip(LAGS, products[:, 0] / products[:, 1], strict=True))
        between, own = weights @ pairs.crossed
        correlations["channels"] = between / own
    del correlations["variance"]
    return Found(means, variances, sigma, {name: float(one) for name, one in correlations.items()})
