"""Neighbor2Neighbor: input and target are two halves of one noisy image, neighbours of each other.

Of every 2 x 2 pixels two neighbours are drawn; the first ones make an image of half the size that
the network sees, the second ones one that it is told. Both show nearly the same. What they do not
share is made up for by a regulariser: the whole image, denoised without gradient, says by how much
the two halves should differ.

References
----------
T. Huang, S. Li, X. Jia, H. Lu, J. Liu, "Neighbor2Neighbor: Self-Supervised Denoising from Single
Noisy Images", CVPR 2021.
"""

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from denoising.methods.base import Assumption, Given, Inputs, Progress, SingleImages, Task

CELL = 2  # pixels, side of the cells that two neighbours are drawn from
# of each pixel of a cell, counted by rows: those beside and below or above it
_NEIGHBOURS = np.array([[1, 2], [0, 3], [0, 3], [1, 2]])


class Neighbor2Neighbor(SingleImages):
    """Learns from halves of single noisy images.

    The regulariser's weight grows linearly from 0 to `gamma` over the training. The paper has 2 for
    synthetic noise.
    """

    name: Literal["neighbor2neighbor"]
    gamma: float = Field(ge=0, le=100)

    assumes: ClassVar[tuple[Assumption, ...]] = (
        Assumption.INDEPENDENT,
        Assumption.ZERO_MEAN,
        Assumption.SMOOTH,
    )

    def of_images(
        self, images: np.ndarray, given: Given, rng: np.random.Generator
    ) -> tuple[Inputs, np.ndarray]:
        """Images, which pixels make the first half, and which the second, (N, H, W, C + 2).

        Images are cut, at a random place, to a size whose half the network takes.
        """
        images = _fitting(images, CELL * given.multiple, rng)
        count, height, width, _ = images.shape
        cells = (count, height // CELL, width // CELL)
        first = rng.integers(CELL**2, size=cells)
        second = _NEIGHBOURS[first, rng.integers(2, size=cells)]
        chosen = [_as_mask(which) for which in (first, second)]
        return (images, *chosen), images

    def task(self, network: Any, given: Given, progress: Progress) -> Task:
        import keras
        from keras import ops

        channels = network.inputs[0].shape[-1]
        images = keras.Input((None, None, channels))
        chosen = [keras.Input((None, None, 1)) for _ in range(2)]

        def half(images: Any, mask: Any) -> Any:
            """The chosen pixel of each cell: (N, H / 2, W / 2, C)."""
            return CELL**2 * keras.layers.AveragePooling2D(CELL)(images * mask)

        seen, target = (half(images, mask) for mask in chosen)
        whole = ops.stop_gradient(network(images))
        parts = [network(seen), target, *(half(whole, mask) for mask in chosen)]
        model = keras.Model([images, *chosen], ops.concatenate(parts, axis=-1))

        def loss(_: Any, parts: Any) -> Any:
            prediction, target, first, second = ops.split(parts, 4, axis=-1)
            difference = prediction - target
            beyond = difference - (first - second)
            weight = self.gamma * ops.cast(progress(), parts.dtype)
            return ops.mean(ops.square(difference) + weight * ops.square(beyond), axis=-1)

        return Task(model, loss, [])


def _fitting(images: np.ndarray, multiple: int, rng: np.random.Generator) -> np.ndarray:
    """Windows of images (N, H, W, C), of the largest size that is a multiple."""
    height, width = (size // multiple * multiple for size in images.shape[1:3])
    top = rng.integers(images.shape[1] - height + 1)
    left = rng.integers(images.shape[2] - width + 1)
    return images[:, top : top + height, left : left + width]


def _as_mask(which: np.ndarray) -> np.ndarray:
    """Ones at the pixel of each cell (N, h, w) that is meant: (N, 2 h, 2 w, 1) float32."""
    count, rows, columns = which.shape
    ones = which[..., None] == np.arange(CELL**2)
    cells = ones.reshape(count, rows, columns, CELL, CELL).transpose(0, 1, 3, 2, 4)
    return cells.reshape(count, rows * CELL, columns * CELL, 1).astype(np.float32)
