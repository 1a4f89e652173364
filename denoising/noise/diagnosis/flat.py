"""Noise in the flat blocks of many images: its variance by level, its correlations.

Every estimate is a ratio of sums over images, so that drawing images anew for a bootstrap costs
nothing but adding up.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from denoising.noise.diagnosis import blocks
from denoising.noise.diagnosis.blocks import Blocks


class Flat(NamedTuple):
    """Sums over the flat blocks of each image and level, all channels together.

    Attributes
    ----------
    counts : ndarray (images, levels)
        Flat blocks.
    means : ndarray (images, levels)
        Sum of their means.
    moments : ndarray (images, levels, len(LAGS))
        Sum of their moments, see `blocks.Blocks`.
    crossed : ndarray (images, 2)
        Sum of products of two different channels, and of the channels' own variances that these
        are to be held against. Zero of grey images.
    shares : ndarray (levels,)
        Of all blocks, flat or not.
    side : int
    """

    counts: np.ndarray
    means: np.ndarray
    moments: np.ndarray
    crossed: np.ndarray
    shares: np.ndarray
    side: int


class Found(NamedTuple):
    """What is estimated.

    Attributes
    ----------
    means, variances : ndarray (levels,)
        Of the pixel values in the flat blocks of a level; NaN where there are none.
    sigma : float
        Root of the mean variance, each level counted as often as it occurs.
    correlations : dict of str to float
        From one pixel to another, by `blocks.LAGS`; and "channels", at the same pixel. NaN where
        there is no noise.
    """

    means: np.ndarray
    variances: np.ndarray
    sigma: float
    correlations: dict[str, float]


def collect(images: Sequence[np.ndarray]) -> Flat | None:
    """Find the flat blocks of images (H, W, C) that are like each other; None if there are none."""
    cuts = [blocks.cut(image) for image in images]
    kept = [channels for channels in cuts if channels and channels[0].side == _side(cuts)]
    if not kept:
        return None
    channels = len(kept[0])
    parts = [one[channel] for one in kept for channel in range(channels)]
    sizes = [len(part.means) for part in parts]
    image = np.repeat(np.arange(len(parts)) // channels, sizes)
    channel = np.repeat(np.arange(len(parts)) % channels, sizes)
    means, moments, around, crossed = (
        np.concatenate([part[place] for part in parts]) for place in range(4)
    )
    level = _levels(means)
    flat = _flat(level, around, moments[:, 0], blocks.OUTLYING[parts[0].side])
    shape = (len(kept), blocks.LEVELS)
    place = image[flat], level[flat]
    sums = np.zeros((*shape, moments.shape[1]))
    np.add.at(sums, place, moments[flat])
    counts, total = np.zeros(shape), np.zeros(shape)
    np.add.at(counts, place, 1)
    np.add.at(total, place, means[flat])
    return Flat(
        counts,
        total,
        sums,
        _crossed(image[flat], channel[flat], crossed[flat], len(kept)),
        np.bincount(level, minlength=blocks.LEVELS) / len(level),
        parts[0].side,
    )


def _side(cuts: Sequence[Sequence[Blocks]]) -> int:
    """The side of most images' blocks."""
    sides = [channels[0].side for channels in cuts if channels]
    return max(set(sides), key=sides.count, default=0)


def _levels(means: np.ndarray) -> np.ndarray:
    """Which level each block is of, as many blocks in each as equal means allow."""
    edges = np.quantile(means, np.linspace(0, 1, blocks.LEVELS + 1)[1:-1])
    return np.searchsorted(edges, means, side="right")


def _flat(
    level: np.ndarray, around: np.ndarray, variance: np.ndarray, outlying: float
) -> np.ndarray:
    """The places of flat blocks."""
    found = []
    for number in range(blocks.LEVELS):
        places = np.flatnonzero(level == number)
        count = min(len(places), max(blocks.FEWEST, round(blocks.FLAT * len(places))))
        places = places[np.argsort(around[places], kind="stable")[:count]]
        if len(places):
            most = outlying * np.median(variance[places])
            found.append(places[variance[places] <= most])
    return np.concatenate(found)


def _crossed(
    image: np.ndarray, channel: np.ndarray, products: np.ndarray, images: int
) -> np.ndarray:
    """Of every image: sum of products of different channels, and what it is held against.

    Between two channels this is the mean of their variances.
    """
    channels = products.shape[1]
    own = products[np.arange(len(channel)), channel]
    between, beside = products.sum(axis=1) - own, (channels - 1) * own
    return np.stack([np.bincount(image, part, images) for part in (between, beside)], axis=1)


def estimate(flat: Flat, weights: np.ndarray | None = None) -> Found:
    """Variance and correlations, each image counted with its weight.

    Parameters
    ----------
    weights : ndarray (images,), optional
        How often each image was drawn; None: once.
    """
    if weights is None:
        weights = np.ones(len(flat.counts))
    with np.errstate(invalid="ignore", divide="ignore"):
        counts = weights @ flat.counts
        means = weights @ flat.means / counts
        moments = np.einsum("i,ilk->lk", weights, flat.moments) / counts[:, None]
        there = counts > 0
        by_level = np.full_like(moments, np.nan)
        by_level[there] = blocks.covariances(moments[there].T, flat.side).T
        variances = np.maximum(by_level[:, 0], 0)
        overall = np.average(by_level[there], axis=0, weights=flat.shares[there])
        level, *others = overall
        correlations = dict(zip(list(blocks.LAGS)[1:], np.array(others) / level, strict=True))
        between, own = weights @ flat.crossed
        correlations["channels"] = between / own
    found = {name: float(value) for name, value in correlations.items()}
    return Found(means, variances, float(np.sqrt(max(level, 0))), found)
