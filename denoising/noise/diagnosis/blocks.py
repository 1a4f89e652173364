"""Flat blocks of noisy images: how noise is spread there over values, neighbours and channels.

A block is taken for flat if the eight blocks around it vary little. Noise is nearly independent
from block to block, so that this choice, unlike that of the blocks that vary least themselves, does
not favour blocks in which the noise happens to be weak. The idea to choose by one thing and to
measure another is that of

N. Ponomarenko et al., "An automatic approach to lossy compression of AVIRIS images", IGARSS 2007,

who choose by low frequencies and measure high ones, which presumes white noise; M. Colom and A.
Buades discuss it in Image Processing On Line 3 (2013). Here nothing is presumed of the spectrum.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# pixels between two that are compared, (down, across); of several the mean
LAGS = {
    "variance": ((0, 0),),
    "across": ((0, 1),),
    "down": ((1, 0),),
    "diagonal": ((1, 1), (1, -1)),
    "across 2": ((0, 2),),
    "down 2": ((2, 0),),
}
SIDES = (8, 4)  # pixels of a block: of images from 64 pixels on, and of smaller ones
SMALL = 64  # pixels, the shorter side
FLAT = 0.05  # share of the blocks of a level that are taken for flat
FEWEST = 20  # flat blocks of a level, if there are so many
LEVELS = 8  # into which blocks are sorted by their mean, as many blocks in each
# times the median variance: such a block holds more than noise; that of small ones varies more
OUTLYING = {8: 2.0, 4: 4.0}


class Blocks(NamedTuple):
    """Blocks of one channel that have eight neighbours.

    Attributes
    ----------
    means : ndarray (N,)
        Pixel values.
    moments : ndarray (N, len(LAGS))
        Mean products of two pixels of a block, whose plane was taken out, by `LAGS`.
    around : ndarray (N,)
        Mean variance of the eight blocks around, over all channels.
    nearby, uneven : ndarray (N,)
        Mean and variance of the means of the eight blocks around, in this channel.
    crossed : ndarray (N, C)
        Mean products with each channel.
    side : int
        Of a block, pixels.
    centres : ndarray (2, N)
        Row and column of the image.
    """

    means: np.ndarray
    moments: np.ndarray
    around: np.ndarray
    nearby: np.ndarray
    uneven: np.ndarray
    crossed: np.ndarray
    side: int
    centres: np.ndarray


def cut(image: np.ndarray) -> list[Blocks]:
    """The blocks of an image, channel by channel; none if it is smaller than three blocks.

    Parameters
    ----------
    image : ndarray (H, W, C)
    """
    height, width, channels = image.shape
    side = SIDES[min(height, width) < SMALL]
    rows, columns = height // side, width // side
    if min(rows, columns) < 3:
        return []
    whole = image[: rows * side, : columns * side].astype(np.float64)
    blocks = whole.reshape(rows, side, columns, side, channels).transpose(4, 0, 2, 1, 3)
    means = blocks.mean(axis=(3, 4))
    flat = _without_plane(blocks)
    moments = [_moments(flat, lag) for lag in LAGS.values()]
    inner = (slice(None), slice(1, -1), slice(1, -1))
    around = _around(moments[0].mean(axis=0))
    nearby, uneven = _means_around(means)
    centres = np.mgrid[1 : rows - 1, 1 : columns - 1].reshape(2, -1) * side + side // 2
    return [
        Blocks(
            means[channel][inner[1:]].ravel(),
            np.stack([moment[channel][inner[1:]].ravel() for moment in moments], axis=1),
            around.ravel(),
            nearby[channel].ravel(),
            uneven[channel].ravel(),
            (flat[channel] * flat).mean(axis=(3, 4))[inner].reshape(channels, -1).T,
            side,
            centres,
        )
        for channel in range(channels)
    ]


def _without_plane(blocks: np.ndarray) -> np.ndarray:
    """Blocks (..., side, side) less the plane that fits each best."""
    side = blocks.shape[-1]
    basis = _plane(side)
    flat = blocks.reshape(*blocks.shape[:-2], side * side)
    return (flat - flat @ basis @ basis.T).reshape(blocks.shape)


@functools.cache
def _plane(side: int) -> np.ndarray:
    """An orthonormal basis (side², 3) of all planes."""
    down, across = np.mgrid[:side, :side]
    basis, _ = np.linalg.qr(np.stack([np.ones(side**2), down.ravel(), across.ravel()], axis=1))
    return basis


def _moments(flat: np.ndarray, lag: Sequence[tuple[int, int]]) -> np.ndarray:
    """Mean products of pixels that are so far from each other, within each block (..., s, s)."""
    found = []
    for down, across in lag:
        one, other = _pair(down, across)
        found.append((flat[..., *one] * flat[..., *other]).mean(axis=(-1, -2)))
    return np.mean(found, axis=0)


def _pair(down: int, across: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where the first and the second pixels of all pairs are."""
    rows = slice(None, -down or None), slice(down, None)
    columns = slice(None, -abs(across) or None), slice(abs(across), None)
    if across < 0:
        columns = columns[1], columns[0]
    return (rows[0], columns[0]), (rows[1], columns[1])


def _around(variance: np.ndarray) -> np.ndarray:
    """Mean of the eight neighbours of each inner one: (rows - 2, columns - 2)."""
    height, width = variance.shape
    shifts = itertools.product(range(3), range(3))
    total = sum(variance[y : height - 2 + y, x : width - 2 + x] for y, x in shifts)
    return (total - variance[1:-1, 1:-1]) / 8


def _means_around(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the means of the eight blocks around: (C, rows - 2, columns - 2)."""
    middle = means.mean(axis=(1, 2))[:, None, None]  # so that little is lost by squaring
    nearby = np.stack([_around(one) for one in means - middle])
    square = np.stack([_around(one) for one in (means - middle) ** 2])
    return nearby + middle, np.maximum(square - nearby**2, 0)


def covariances(moments: np.ndarray, side: int) -> np.ndarray:
    """Covariances of noise, by `LAGS`, from the mean moments of blocks without their planes.

    Taking out a plane takes a part of the noise, and couples neighbours; noise farther apart than
    `LAGS` go is taken for independent.
    """
    return np.linalg.solve(_mixing(side), moments)


@functools.cache
def _mixing(side: int) -> np.ndarray:
    """Expected moments for each covariance: (len(LAGS), len(LAGS))."""
    pixels = np.arange(side**2).reshape(side, side)
    basis = _plane(side)
    left = np.eye(side**2) - basis @ basis.T
    pairs = {name: _all_pairs(pixels, lag) for name, lag in LAGS.items()}
    mixing = np.zeros((len(LAGS), len(LAGS)))
    for row, (one, other) in enumerate(pairs.values()):
        weights = np.zeros((side**2, side**2))
        np.add.at(weights, (one, other), 1 / len(one))
        seen = left @ ((weights + weights.T) / 2) @ left
        for column, (name, (first, second)) in enumerate(pairs.items()):
            both = 1 if name == "variance" else 2
            mixing[row, column] = both * seen[first, second].sum()
    return mixing


def _all_pairs(pixels: np.ndarray, lag: Sequence[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    found = [_pair(*offset) for offset in lag]
    return (
        np.concatenate([pixels[one].ravel() for one, _ in found]),
        np.concatenate([pixels[other].ravel() for _, other in found]),
    )
