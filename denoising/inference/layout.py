"""How an image is cut into tiles that overlap."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from denoising.networks.base import receptive_radius, size_multiple, widest

if TYPE_CHECKING:
    import keras

LARGEST = 576  # pixels, of a side, that are computed at a time: half of 1024, overlaps included
NUMBERS = 128 * LARGEST**2  # at most, that a network's largest layer makes of a tile
# the same of small images together, where convolutions by FFT make several times as many beside
BY_FFT = 2**24
SHARE = 12  # overlaps in a side, for the sake of which a tile may make more
# images up to so many pixels a side become multiples of so many where each size is compiled anew
Sizes = tuple[tuple[int, int], ...]
SIZES: Sizes = ((56, 4), (LARGEST, 16))


class Span(NamedTuple):
    """Rows, or columns, of a tile.

    Attributes
    ----------
    start : int
        The first that the network is given.
    kept : slice
        Those of the image that its output is taken for.
    """

    start: int
    kept: slice


class Layout(NamedTuple):
    """Tiles of one size, which cover an image.

    Attributes
    ----------
    height, width : int
        Of the image, padded.
    tall, wide : int
        Of a tile.
    down, across : list of Span
    """

    height: int
    width: int
    tall: int
    wide: int
    down: list[Span]
    across: list[Span]


def layout(
    model: "keras.Model",
    height: int,
    width: int,
    by_fft: bool = False,
    largest: int | None = None,
    sizes: Sizes = SIZES,
) -> Layout:
    """The fewest tiles that cover an image, as small as so many can be.

    They overlap by what the network sees, and begin where its pooling does, so that a pixel has the
    same neighbourhood as in the whole image.

    Parameters
    ----------
    model : keras.Model
    height, width : int
        Of the image.
    by_fft : bool
        Are convolutions computed so? It is compiled for each size: images in one tile are padded
        more than pooling needs.
    largest : int, optional
        Side of a tile, in pixels; larger where a network sees further. None: by `NUMBERS`.
    sizes : tuple of (int, int)
        What images become, where each size is compiled: see `SIZES`.
    """
    aligned = size_multiple(model)
    overlap = -(-receptive_radius(model) // aligned) * aligned
    if largest is None:
        largest = min(LARGEST, math.isqrt(int(NUMBERS / widest(model))))
        largest = max(largest, SHARE * overlap)
    largest = max(largest, 2 * overlap + aligned) // aligned * aligned
    height, width = (
        _padded(_padded(size, _multiple(size, sizes)) if by_fft else size, aligned)
        for size in (height, width)
    )
    tall, wide = (_side(size, overlap, aligned, largest) for size in (height, width))
    down, across = list(_placed(height, tall, overlap)), list(_placed(width, wide, overlap))
    return Layout(height, width, tall, wide, down, across)


def most_pixels(model: "keras.Model", by_fft: bool) -> int:
    """Of small images that are computed together."""
    return int((BY_FFT if by_fft else NUMBERS) / widest(model))


def _padded(size: int, multiple: int) -> int:
    return size + -size % multiple


def _multiple(size: int, sizes: Sizes) -> int:
    return next((multiple for largest, multiple in sizes if size <= largest), 1)


def _side(size: int, overlap: int, aligned: int, largest: int) -> int:
    """Of tiles, as small as so many can be."""
    fewest = 1 if size <= largest else -(-(size - 2 * overlap) // (largest - 2 * overlap))
    side = -(-(size + 2 * overlap * (fewest - 1)) // fewest)
    return _padded(side, aligned)  # at most `largest`, which is such a multiple


def _placed(size: int, side: int, overlap: int) -> Iterator[Span]:
    """All of one length."""
    if size <= side:
        yield Span(0, slice(0, size))
        return
    start = 0
    while True:
        last = start + side >= size
        start = size - side if last else start
        first = start + overlap if start else 0
        yield Span(start, slice(first, size if last else start + side - overlap))
        if last:
            return
        start += side - 2 * overlap
