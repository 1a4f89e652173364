"""One image of any size through a network, in tiles if it is large, without a seam.

Tiles overlap by what the network sees, and begin where its pooling does, so that a pixel has the
same neighbourhood as in the whole image.
"""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from denoising.networks.base import receptive_radius, size_multiple

if TYPE_CHECKING:
    import keras

LARGEST = 512  # pixels, of a side, that are computed at a time, overlaps included
# pixels, the side of a digit: images are padded to its multiples, since TensorFlow compiles the
# network once for each size
SIZES = 28

Predict = Callable[[np.ndarray], np.ndarray]


def denoise(
    model: "keras.Model",
    image: np.ndarray,
    predict: Predict | None = None,
    multiple: int = SIZES,
    largest: int = LARGEST,
) -> np.ndarray:
    """Denoise one image of any size.

    It is padded by mirroring to a size that the network accepts.

    Parameters
    ----------
    model : keras.Model
        Its pooling says what height and width must be multiples of.
    image : ndarray (H, W, C) float32
    predict : callable, optional
        From (1, H, W, C) to (1, H, W, C); None: `model.predict_on_batch`.
    multiple : int
        Height and width that `predict` sees are multiples of this, too; see `SIZES`.
    largest : int
        Side of a tile, in pixels; larger where a network sees further.

    Returns
    -------
    ndarray (H, W, C) float32, not clipped
    """
    predict = predict or model.predict_on_batch
    multiple = math.lcm(size_multiple(model), multiple)
    overlap = -(-receptive_radius(model) // multiple) * multiple
    side = max(largest // multiple * multiple, 2 * overlap + multiple)
    height, width, _ = image.shape
    margins = [(0, -height % multiple), (0, -width % multiple), (0, 0)]
    padded = np.pad(image, margins, mode="symmetric")
    result = np.empty_like(padded)
    for top, rows in _spans(padded.shape[0], side, overlap):
        for left, columns in _spans(padded.shape[1], side, overlap):
            done = predict(padded[None, top : top + side, left : left + side])[0]
            inner = (_shifted(rows, -top), _shifted(columns, -left))
            result[rows, columns] = done[inner]
    return result[:height, :width]


def _spans(size: int, side: int, overlap: int) -> Iterator[tuple[int, slice]]:
    """Where each tile begins, and what its network's output is taken for; all of one length."""
    if size <= side:
        yield 0, slice(0, size)
        return
    start = 0
    while True:
        last = start + side >= size
        start = size - side if last else start
        first = start + overlap if start else 0
        yield start, slice(first, size if last else start + side - overlap)
        if last:
            return
        start += side - 2 * overlap


def _shifted(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)
