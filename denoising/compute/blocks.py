"""Images in blocks that overlap, for a convolution by FFT (overlap-save), and back."""

import functools
from typing import Any, NamedTuple

import numpy as np

from denoising.compute.backend import keras

SMALLEST = 16  # pixels of a block, from which on some are tried

ops = keras.ops


class Axis(NamedTuple):
    """How rows, or columns, are cut into blocks.

    Attributes
    ----------
    size : int
        Pixels of the image.
    length : int
        Of the kernel.
    centre : int
        Of the kernel.
    blocks : int
    block : int
        Pixels of the result that each gives; together at least `size`.
    samples : int
        Pixels of the image that each is made of.
    period : int
        Samples after which its transform repeats itself.
    """

    size: int
    length: int
    centre: int
    blocks: int
    block: int
    samples: int
    period: int

    @property
    def frequencies(self) -> int:
        """Those of a real signal that are not another's mirror image."""
        return (self.period + 1) // 2

    @property
    def before(self) -> int:
        """Samples of a block before the first pixel that it gives: none of the whole image."""
        return self.centre if self.blocks > 1 else 0

    @property
    def origin(self) -> int:
        """Sample of the kernel that meets the first one of a block."""
        return self.centre - self.before

    @property
    def mirrored(self) -> "Axis":
        """Of the gradient's convolution, whose kernel is turned around."""
        return self._replace(centre=self.length - 1 - self.centre)

    @property
    def apart(self) -> "Axis":
        """Blocks of the image that do not overlap."""
        return self._replace(centre=0)

    @property
    def lag(self) -> int:
        """Of a block of the image, to that of the gradient, at the kernel's first sample."""
        return self.centre + self.mirrored.before


def axis(size: int, length: int, blocks: int) -> Axis:
    """Rows or columns in so many blocks.

    One block is the whole image. Half a kernel beyond it there are zeros, which wrap around: the
    margin is not returned. Of more, each overlaps the next one by the kernel. In an odd period no
    frequency but zero is its own mirror image.
    """
    centre = (length - 1) // 2
    if blocks == 1:
        period = size + length // 2
        return Axis(size, length, centre, 1, size, size, period + 1 - period % 2)
    period = -(-size // blocks) + length - 1
    period += 1 - period % 2
    return Axis(size, length, centre, blocks, period - length + 1, period, period)


def multiplications(axis: Axis, channels: int, filters: int) -> float:
    """Of a pixel of a square image: what the transforms and the products take."""
    of_channel = 2 * axis.frequencies * axis.samples * (axis.samples + 3 * axis.period)
    of_filter = 2 * axis.frequencies * axis.block * (axis.block + 3 * axis.period)
    of_pair = 3 * axis.frequencies * axis.period
    of_block = channels * of_channel + filters * of_filter + channels * filters * of_pair
    return of_block * (axis.blocks / axis.size) ** 2


@functools.cache
def cut(size: int, length: int, channels: int, filters: int) -> Axis:
    """Rows or columns in as many blocks as take the fewest multiplications."""
    most = max(1, size // max(SMALLEST, length - 1))
    found = (axis(size, length, blocks) for blocks in range(1, most + 1))
    return min(found, key=lambda one: multiplications(one, channels, filters))


def windows(images: Any, down: Axis, across: Axis, samples: tuple[int, int]) -> Any:
    """(N, H, W, C) -> (S, T, M, C): blocks of so many samples, pixels first; zeros around.

    M, the number of blocks, is odd where images are cut: an even number becomes so by a block that
    has the first pixel only. Else rows of the matrices that are multiplied may lie a power of two
    apart in memory, where they push one another out of the cache, and take twice the time. With a
    margin, which one of the two convolutions has that a gradient is of, that pixel is zero.
    """
    margins = [
        (one.before, (one.blocks - 1) * one.block + many - one.size - one.before)
        for one, many in zip((down, across), samples, strict=True)
    ]
    if any(map(any, margins)):
        images = ops.pad(images, [(0, 0), *margins, (0, 0)])
    _, height, width, channels = images.shape
    rows, columns = np.arange(samples[0]), np.arange(samples[1])
    pixels = _places(rows[:, None] * width + columns)
    rows, columns = np.arange(down.blocks) * down.block, np.arange(across.blocks) * across.block
    blocks = _places(rows[:, None] * width + columns)
    each = down.blocks * across.blocks
    total = ops.shape(images)[0] * each
    is_cut = any(one.blocks > 1 and one.length > 1 for one in (down, across))
    number = ops.arange(total + 1 - total % 2 if is_cut else total, dtype="int32")
    first = number // each * (height * width) + ops.take(blocks, number % each)
    places = ops.where(number < total, pixels[:, None] + first, 0)
    found = ops.take(ops.reshape(images, (-1, channels)), ops.reshape(places, (-1,)), axis=0)
    return ops.reshape(found, (*samples, -1, channels))


def joined(blocks: Any, down: Axis, across: Axis) -> Any:
    """(B, B', M, D) -> (N, H, W, D)."""
    filters = blocks.shape[-1]
    each = down.blocks * across.blocks
    total = ops.shape(blocks)[2]
    rows, columns = np.arange(down.size), np.arange(across.size)
    pixel = rows[:, None] % down.block * across.block + columns % across.block  # (H, W)
    block = rows[:, None] // down.block * across.blocks + columns // across.block
    image = ops.arange(total // each, dtype="int32")[:, None] * each
    places = _places(pixel) * total + image + _places(block)  # (N, H W)
    found = ops.take(ops.reshape(blocks, (-1, filters)), ops.reshape(places, (-1,)), axis=0)
    return ops.reshape(found, (-1, down.size, across.size, filters))


def _places(numbers: np.ndarray) -> Any:
    return ops.convert_to_tensor(numbers.astype(np.int32).ravel())
