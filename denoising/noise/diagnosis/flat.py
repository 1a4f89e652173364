"""Noise in the flat blocks of many images: its variance by level, its correlations.

Every estimate is a ratio of sums over images, or over tiles of these, so that drawing them anew for
a bootstrap costs nothing but adding up.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from denoising.noise.diagnosis import blocks
from denoising.noise.diagnosis.blocks import Blocks

UNEVEN = 0.4  # variance of the means around, over that in a block; noise alone gives up to 0.35
ROUNDING = 1e-7  # pixel values: a weaker "noise" is that of the arithmetic
STRONGER = 1.5  # times the variance of even levels: uneven ones have more than noise


class Flat(NamedTuple):
    """Sums over the flat blocks of each unit (image or tile) and level, all channels together.

    Attributes
    ----------
    counts : ndarray (units, levels)
        Flat blocks.
    means : ndarray (units, levels)
        Sum of their means.
    moments : ndarray (units, levels, len(LAGS))
        Sum of their moments, see `blocks.Blocks`.
    crossed : ndarray (units, 2)
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


def collect(images: Sequence[np.ndarray], units: Sequence[np.ndarray] | None = None) -> Flat | None:
    """Find the flat blocks of images (H, W, C) that are like each other; None if there are none.

    Parameters
    ----------
    images : sequence of ndarray (H, W, C)
        Such as are too small for the size of block that most of them have add nothing.
    units : sequence of ndarray (H, W) of int, optional
        To which unit each pixel belongs. Default: every image is a unit.
    """
    cuts = [blocks.cut(image) for image in images]
    side = _side(cuts)
    kept = [place for place, cut in enumerate(cuts) if cut and cut[0].side == side]
    if not kept:
        return None
    if units is None:
        count, found = len(images), [np.full(len(cuts[k][0].means), k) for k in kept]
    else:
        count = 1 + max(int(one.max()) for one in units)
        found = [units[k][tuple(cuts[k][0].centres)] for k in kept]
    channels = len(cuts[kept[0]])
    parts = [one for place in kept for one in cuts[place]]
    unit = np.concatenate([one for one in found for _ in range(channels)])
    sizes = [len(part.means) for part in parts]
    channel = np.repeat(np.arange(len(parts)) % channels, sizes)
    means, moments, around, nearby, uneven, crossed = (
        np.concatenate([part[place] for part in parts]) for place in range(6)
    )
    # by its own mean, a block's noise would decide on its level
    level = _levels(nearby)
    flat = _flat(level, around, moments[:, 0], blocks.OUTLYING[side])
    flat = flat[_trusted(level[flat], moments[flat, 0], uneven[flat], side)]
    shape = (count, blocks.LEVELS)
    place = unit[flat], level[flat]
    sums = np.zeros((*shape, moments.shape[1]))
    np.add.at(sums, place, moments[flat])
    counts, total = np.zeros(shape), np.zeros(shape)
    np.add.at(counts, place, 1)
    np.add.at(total, place, means[flat])
    return Flat(
        counts,
        total,
        sums,
        _crossed(unit[flat], channel[flat], crossed[flat], count),
        np.bincount(level, minlength=blocks.LEVELS) / len(level),
        side,
    )


def _side(cuts: Sequence[Sequence[Blocks]]) -> int:
    """The side of most images' blocks."""
    sides = [channels[0].side for channels in cuts if channels]
    return max(set(sides), key=sides.count, default=0)


def _levels(nearby: np.ndarray) -> np.ndarray:
    """Which level each block is of, as many blocks in each as equal means allow."""
    edges = np.quantile(nearby, np.linspace(0, 1, blocks.LEVELS + 1)[1:-1])
    return np.searchsorted(edges, nearby, side="right")


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


def _trusted(level: np.ndarray, variance: np.ndarray, uneven: np.ndarray, side: int) -> np.ndarray:
    """Which of the blocks (N,) that are taken for flat may well be.

    Drawings have none where the strokes are. There the means of blocks vary as much as what is in
    them; but so they do in smooth shades, if the noise is weak. So a level is left out if it is
    uneven, and varies more than those that are even; of an even one, what is uneven. Of images too
    small for smooth shades, those count that vary least: strokes are more than the growth of noise.
    """
    typical = np.zeros(blocks.LEVELS)
    even = np.zeros(blocks.LEVELS, bool)
    for number in np.unique(level):
        here = level == number
        typical[number] = variance[here].mean()
        even[number] = np.median(uneven[here]) <= UNEVEN * typical[number]
    if side < max(blocks.SIDES):
        there = even if even.any() else typical > 0
        least = typical[there].min() if there.any() else 0.0
        return (there & (typical <= STRONGER * least))[level]
    if not even.any():
        return np.ones(len(level), bool)
    weak = ~even & (typical <= STRONGER * typical[even].max())
    return weak[level] | (even[level] & (uneven <= UNEVEN * typical[level]))


def _crossed(unit: np.ndarray, channel: np.ndarray, products: np.ndarray, units: int) -> np.ndarray:
    """Of every unit: sum of products of different channels, and what it is held against.

    Between two channels this is the mean of their variances.
    """
    channels = products.shape[1]
    own = products[np.arange(len(channel)), channel]
    between, beside = products.sum(axis=1) - own, (channels - 1) * own
    return np.stack([np.bincount(unit, part, units) for part in (between, beside)], axis=1)


def estimate(flat: Flat, weights: np.ndarray | None = None) -> Found:
    """Variance and correlations, each unit counted with its weight.

    Parameters
    ----------
    weights : ndarray (units,), optional
        How often each unit was drawn; None: once.
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
        if not flat.shares[there].sum():
            correlations = dict.fromkeys((*list(blocks.LAGS)[1:], "channels"), np.nan)
            return Found(means, variances, np.nan, correlations)
        overall = np.average(by_level[there], axis=0, weights=flat.shares[there])
        level, *others = overall
        correlations = dict(zip(list(blocks.LAGS)[1:], np.array(others) / level, strict=True))
        between, own = weights @ flat.crossed
        correlations["channels"] = between / own
        if level < ROUNDING**2:
            correlations = dict.fromkeys(correlations, np.nan)
    found = {name: float(value) for name, value in correlations.items()}
    return Found(means, variances, float(np.sqrt(max(level, 0))), found)
