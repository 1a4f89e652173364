"""One image of any size through a network, in tiles if it is large, without a seam."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from denoising.inference.layout import Layout, layout

if TYPE_CHECKING:
    import keras

Predict = Callable[[np.ndarray], np.ndarray]
Read = Callable[[slice], np.ndarray]
Progress = Callable[[float], object]
Item = TypeVar("Item")
Made = TypeVar("Made")


def predictor(model: "keras.Model") -> Predict:
    """A network's function of a batch (N, H, W, C), all channels or each by itself.

    Colour goes through a network of one channel channel by channel.
    """

    def predict(batch: np.ndarray) -> np.ndarray:
        channels = batch.shape[-1]
        if channels == model.inputs[0].shape[-1]:
            return model.predict_on_batch(batch)
        apart = np.moveaxis(batch, -1, 0)[..., None]  # (C, N, H, W, 1)
        return np.concatenate([model.predict_on_batch(channel) for channel in apart], axis=-1)

    return predict


def denoise(
    model: "keras.Model",
    image: np.ndarray,
    predict: Predict | None = None,
    **how: Any,
) -> np.ndarray:
    """Denoise one image of any size.

    It is padded by mirroring to a size that the network accepts.

    Parameters
    ----------
    model : keras.Model
        Its pooling says what height and width must be multiples of.
    image : ndarray (H, W, C) float32
    predict : callable, optional
        From (N, H, W, C) to (N, H, W, C); None: see `predictor`.
    how : optional
        See `denoising.inference.layout.layout`.

    Returns
    -------
    ndarray (H, W, C) float32, not clipped
    """
    result = np.empty_like(image)
    height, width, _ = image.shape
    found = layout(model, height, width, **how)
    for rows, done in bands(found, image.shape, image.__getitem__, predict or predictor(model)):
        result[rows] = done
    return result


def bands(
    tiles: Layout,
    shape: tuple[int, ...],
    read: Read,
    predict: Predict,
    progress: Progress | None = None,
) -> Iterator[tuple[slice, np.ndarray]]:
    """The same of an image that is read and given back in bands, a row of tiles at a time.

    Parameters
    ----------
    tiles : Layout
    shape : tuple of int
        Of the image: (H, W, C).
    read : callable
        Gives the rows (h, W, C) float32 of a slice. Bands overlap: some rows are read twice. The
        next ones are read, in a thread of its own, while a band is denoised.
    predict : callable
        From (N, H, W, C) to (N, H, W, C).
    progress : callable, optional
        Called with the share of all tiles that are done since the last call.

    Yields
    ------
    rows : slice
        From top to bottom. The last band may begin within the one before, which it replaces there.
    denoised : ndarray (h, W, C) float32
    """
    height, width, channels = shape
    total = len(tiles.down) * len(tiles.across)

    def padded(band: tuple[int, slice]) -> np.ndarray:
        top, _ = band
        pixels = read(slice(top, min(top + tiles.tall, height)))
        below = min(top + tiles.tall, tiles.height) - top - len(pixels)
        margins = [(0, below), (0, tiles.width - width), (0, 0)]
        return np.pad(pixels, margins, mode="symmetric")

    for (top, rows), pixels in _ahead(padded, tiles.down):
        result = np.empty((rows.stop - rows.start, tiles.width, channels), pixels.dtype)
        for left, columns in tiles.across:
            (denoised,) = predict(pixels[None, :, left : left + tiles.wide])
            result[:, columns] = denoised[_shifted(rows, -top), _shifted(columns, -left)]
            if progress:
                progress(1 / total)
        inside_image = slice(rows.start, min(rows.stop, height))
        yield inside_image, result[: inside_image.stop - rows.start, :width]


def _ahead(make: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[tuple[Item, Made]]:
    """Each with what is made of it; the next one is made meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        before: tuple[Item, Future[Made]] | None = None
        for item in items:
            after = item, pool.submit(make, item)
            if before:
                yield before[0], before[1].result()
            before = after
        if before:
            yield before[0], before[1].result()


def _shifted(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)
