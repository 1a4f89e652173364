"""The eight neighbours of every pixel."""

import itertools
from collections.abc import Iterator

import numpy as np

SHIFTS = [shift for shift in itertools.product(range(3), range(3)) if shift != (1, 1)]


def around(image: np.ndarray) -> Iterator[np.ndarray]:
    """Each of the eight neighbours of all pixels of (H, W, ...), mirrored at the border."""
    widths = [(1, 1), (1, 1)] + [(0, 0)] * (image.ndim - 2)
    height, width = image.shape[:2]
    # without the border's own pixels twice, unless there are no others
    if min(height, width) > 1:
        padded = np.pad(image, widths, mode="reflect")
    else:
        padded = np.pad(image, widths, mode="symmetric")
    for down, across in SHIFTS:
        yield padded[down : down + height, across : across + width]


def mean(image: np.ndarray) -> np.ndarray:
    """The mean of the eight neighbours."""
    total = np.zeros(image.shape, np.result_type(image, np.float32))
    for one in around(image):
        total += one
    return total / 8


def median(image: np.ndarray) -> np.ndarray:
    """The median of the eight neighbours: the mean of the two in the middle."""
    ranked = np.stack(list(around(image)))
    ranked.partition((3, 4), axis=0)
    return (ranked[3] + ranked[4]) / 2
