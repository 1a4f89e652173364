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
    """(N, H, W, C) -> (S, T, N n m, C): blocks of so many samples, pixels first; zeros around."""
    margins = [
        (one.before, (one.blocks - 1) * one.block + many - one.size - one.before)
        for one, many in zip((down, across), samples, strict=True)
    ]
    if any(map(any, margins)):
        images = ops.pad(images, [(0, 0), *margins, (0, 0)])
    _, height, width, channels = images.shape
    rows = np.arange(samples[0])[:, None] + np.arange(down.blocks) * down.block  # (S, n)
    columns = np.arange(samples[1])[:, None] + np.arange(across.blocks) * across.block  # (T, m)
    within = rows[:, None, None, :, None] * width + columns[None, :, None, None, :]
    image = ops.arange(ops.shape(images)[0], dtype="int32") * (height * width)
    places = ops.convert_to_tensor(within.astype(np.int32)) + image[:, None, None]
    found = ops.take(ops.reshape(images, (-1, channels)), ops.reshape(places, (-1,)), axis=0)
    return ops.reshape(found, (*samples, -1, channels))


def joined(blocks: Any, down: Axis, across: Axis) -> Any:
    """(B, B', N n m, D) -> (N, H, W, D)."""
    filters = blocks.shape[-1]
    each = down.blocks * across.blocks
    total = ops.shape(blocks)[2]
    rows, columns = np.arange(down.size), np.arange(across.size)
    pixel = rows[:, None] % down.block * across.block + columns % across.block  # (H, W)
    block = rows[:, None] // down.block * across.blocks + columns // across.block
    image = ops.arange(total // each, dtype="int32") * each
    places = ops.convert_to_tensor(pixel.astype(np.int32)) * total + image[:, None, None]
    places = places + ops.convert_to_tensor(block.astype(np.int32))
    found = ops.take(ops.reshape(blocks, (-1, filters)), ops.reshape(places, (-1,)), axis=0)
    return ops.reshape(found, (-1, down.size, across.size, filters))
