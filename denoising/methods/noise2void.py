"""Noise2Void: some pixels of a noisy image are hidden, and the network is asked for them.

What stands in their place is another pixel near by ("uniform"), or the median of those near by, as
N2V2 has it; N2V2's changes of the U-Net are options of the network. For noise that is correlated
along rows or columns, structN2V hides what lies on both sides as well.

References
----------
A. Krull, T.-O. Buchholz, F. Jug, "Noise2Void: Learning Denoising from Single Noisy Images",
CVPR 2019.
C. Broaddus, A. Krull, M. Weigert, U. Schmidt, G. Myers, "Removing Structured Noise with
Self-Supervised Blind-Spot Networks", ISBI 2020.
E. Hoeck, T.-O. Buchholz, A. Brachmann, F. Jug, A. Freytag, "N2V2: Fixing Noise2Void Checkerboard
Artifacts with Modified Sampling Strategies and a Tweaked Network Architecture", ECCV Workshops
2022.
"""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from denoising.methods.base import Assumption, Given, Inputs, Progress, SingleImages, Task
from denoising.sections import Section

RADIUS = 2  # pixels: what stands for a hidden one is at most so far away, down and across

Replacement = Literal["uniform", "median"]


class Along(Section):
    """Pixels beside a hidden one that are hidden too, for correlated noise."""

    axis: Literal["across", "down"]
    span: Annotated[int, Field(ge=1, le=32)]  # pixels, to each side


class Noise2Void(SingleImages):
    """Learns hidden pixels of single noisy images from what is around them.

    `masked` is the share of the pixels that is hidden, one at a random place of each square of such
    a size; the paper has 1.5 %.
    """

    name: Literal["noise2void"]
    masked: Annotated[float, Field(gt=0, le=0.25)]
    replacement: Replacement
    along: Along | None = None

    assumes: ClassVar[tuple[Assumption, ...]] = (Assumption.INDEPENDENT, Assumption.ZERO_MEAN)

    def of_images(
        self, images: np.ndarray, given: Given, rng: np.random.Generator
    ) -> tuple[Inputs, np.ndarray]:
        """Images with hidden pixels; what they were, and what each counts: (N, H, W, C + 1)."""
        places = hidden(images.shape, self.masked, rng)
        seen = images.copy()
        if self.along:
            _hide_line(seen, images, places, self.along, rng)
        seen[places] = _replaced(images, places, self.replacement, rng)
        counts = np.zeros((*images.shape[:3], 1), np.float32)
        counts[places] = counts.size / len(places[0])
        return seen, np.concatenate([images, counts], axis=-1)

    def task(self, network: Any, given: Given, progress: Progress) -> Task:
        from keras import ops

        def loss(targets: Any, prediction: Any) -> Any:
            """Squared error at hidden pixels; its mean over all pixels is that over hidden ones."""
            images, counts = targets[..., :-1], targets[..., -1]
            return counts * ops.mean(ops.square(prediction - images), axis=-1)

        return Task(network, loss, [])


def hidden(
    shape: tuple[int, ...], share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places of pixels (image, row, column), about a share of all, no two of them close together.

    One in each square of a grid, at a random place; the grid's own place is random too.
    """
    count, height, width = shape[:3]
    side = max(2, round(1 / np.sqrt(share)))
    rows, columns = (np.arange(-(-size // side) + 1) * side for size in (height, width))
    grid = (count, len(rows), len(columns))
    row = rows[:, None] - rng.integers(side) + rng.integers(side, size=grid)
    column = columns - rng.integers(side) + rng.integers(side, size=grid)
    image = np.broadcast_to(np.arange(count)[:, None, None], grid)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return image[inside], row[inside], column[inside]


def _around(
    images: np.ndarray, places: tuple[np.ndarray, np.ndarray, np.ndarray], offsets: np.ndarray
) -> np.ndarray:
    """Pixels that lie off places by (down, across) offsets (P, 2); at the border on its other side.

    Never the place itself, as a mirror at the border would show it.
    """
    image, *place = places
    moved = []
    for axis, where in enumerate(place):
        size, offset = images.shape[1 + axis], offsets[:, axis]
        beyond = (where + offset < 0) | (where + offset >= size)
        moved.append(np.clip(where + np.where(beyond, -offset, offset), 0, size - 1))
    return images[image, moved[0], moved[1]]


def _others() -> np.ndarray:
    """Offsets of all pixels around, without the one in the middle: (K, 2)."""
    down, across = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1].reshape(2, -1)
    others = (down != 0) | (across != 0)
    return np.stack([down[others], across[others]], axis=1)


def _replaced(
    images: np.ndarray,
    places: tuple[np.ndarray, np.ndarray, np.ndarray],
    how: Replacement,
    rng: np.random.Generator,
) -> np.ndarray:
    """What stands for hidden pixels: (P, C)."""
    others, count = _others(), len(places[0])
    if how == "uniform":
        return _around(images, places, others[rng.integers(len(others), size=count)])
    shown = [_around(images, places, np.tile(offset, (count, 1))) for offset in others]
    return np.median(shown, axis=0)


def _hide_line(
    seen: np.ndarray,
    images: np.ndarray,
    places: tuple[np.ndarray, np.ndarray, np.ndarray],
    along: Along,
    rng: np.random.Generator,
) -> None:
    """Random values, within the images' range, on both sides of each place."""
    image, row, column = places
    low, high = float(images.min()), float(images.max())
    for offset in (*range(-along.span, 0), *range(1, along.span + 1)):
        down, across = (offset, 0) if along.axis == "down" else (0, offset)
        inside = (row + down >= 0) & (row + down < images.shape[1])
        inside &= (column + across >= 0) & (column + across < images.shape[2])
        drawn = rng.uniform(low, high, (int(inside.sum()), images.shape[-1]))
        seen[image[inside], row[inside] + down, column[inside] + across] = drawn
