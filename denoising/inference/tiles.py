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
Read = Callable[[slice], np.ndarray]
Progress = Callable[[float], object]


def predictor(model: "keras.Model") -> Predict:
    """A network's function of a batch (1, H, W, C), all channels or each by itself.

    Colour goes through a network of one channel channel by channel.
    """

    def predict(batch: np.ndarray) -> np.ndarray:
        if batch.shape[-1] == model.inputs[0].shape[-1]:
            return model.predict_on_batch(batch)
        parts = np.moveaxis(batch, -1, 0)[..., None]  # (C, 1, H, W, 1)
        return np.concatenate([model.predict_on_batch(part) for part in parts], axis=-1)

    return predict


def denoise(
    model: "keras.Model",
    image: np.ndarray,
    predict: Predict | None = None,
    multiple: int = SIZES,
    largest: int = LARGEST,
    progress: Progress | None = None,
) -> np.ndarray:
    """Denoise one image of any size.

    It is padded by mirroring to a size that the network accepts.

    Parameters
    ----------
    model : keras.Model
        Its pooling says what height and width must be multiples of.
    image : ndarray (H, W, C) float32
    predict : callable, optional
        From (1, H, W, C) to (1, H, W, C); None: see `predictor`.
    multiple : int
        Height and width that `predict` sees are multiples of this, too; see `SIZES`.
    largest : int
        Side of a tile, in pixels; larger where a network sees further.
    progress : callable, optional
        Called after every tile with the share of all tiles that it is.

    Returns
    -------
    ndarray (H, W, C) float32, not clipped
    """
    result = np.empty_like(image)

    def read(rows: slice) -> np.ndarray:
        return image[rows]

    for rows, done in bands(model, image.shape, read, predict, multiple, largest, progress):
        result[rows] = done
    return result


def bands(
    model: "keras.Model",
    shape: tuple[int, ...],
    read: Read,
    predict: Predict | None = None,
    multiple: int = SIZES,
    largest: int = LARGEST,
    progress: Progress | None = None,
) -> Iterator[tuple[slice, np.ndarray]]:
    """The same of an image that is read and given back in bands, one row of tiles at a time.

    Parameters
    ----------
    shape : tuple of int
        Of the image: (H, W, C).
    read : callable
        Gives the rows (h, W, C) float32 of a slice. Bands overlap: some rows are read twice.

    Yields
    ------
    rows : slice
        From top to bottom. The last band may begin within the one before, which it replaces there.
    denoised : ndarray (h, W, C) float32
    """
    predict = predict or predictor(model)
    aligned = size_multiple(model)
    overlap = -(-receptive_radius(model) // aligned) * aligned
    multiple = math.lcm(aligned, multiple)
    largest = max(largest, 2 * overlap + multiple) // multiple * multiple
    height, width, channels = shape
    padded_height = height + -height % (multiple if height <= largest else aligned)
    padded_width = width + -width % (multiple if width <= largest else aligned)
    tall = _side(padded_height, overlap, multiple, largest)
    wide = _side(padded_width, overlap, multiple, largest)
    down = list(_spans(padded_height, tall, overlap))
    across = list(_spans(padded_width, wide, overlap))
    for top, rows in down:
        band = read(slice(top, min(top + tall, height)))
        below = min(top + tall, padded_height) - top - len(band)
        margins = [(0, below), (0, padded_width - width), (0, 0)]
        band = np.pad(band, margins, mode="symmetric")
        result = np.empty((rows.stop - rows.start, padded_width, channels), band.dtype)
        for left, columns in across:
            done = predict(band[None, :, left : left + wide])[0]
            result[:, columns] = done[_shifted(rows, -top), _shifted(columns, -left)]
            if progress:
                progress(1 / (len(down) * len(across)))
        rows = slice(rows.start, min(rows.stop, height))
        yield rows, result[: rows.stop - rows.start, :width]


def _side(size: int, overlap: int, multiple: int, largest: int) -> int:
    """Of tiles that are as many as they must be, and as small as so many can be."""
    if size <= largest:
        return size
    count = -(-(size - 2 * overlap) // (largest - 2 * overlap))
    side = -(-(size + 2 * overlap * (count - 1)) // count)
    return side + -side % multiple  # at most `largest`, which is such a multiple


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
