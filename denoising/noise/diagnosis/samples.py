"""What is looked at: windows of images, and the parts of them that are drawn anew for intervals.

However many and large the images are, at most `VALUES` pixel values are looked at, besides the
least window of every image.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from denoising.files import InputError

VALUES = 2**24  # pixel values of all windows together; all channels count
IMAGES = 1000  # evenly spaced ones, where there are more
SIDE = 256  # pixels of a window, at most; of an image that has to be cut
LEAST = 64  # pixels: no window is smaller unless its image is
FEW = 8  # images: where there are fewer, tiles are drawn anew
TILES = 4  # of a window, along each side
TILE = 7  # pixels of a tile's side, at least

Part = tuple[int, slice, slice]  # unit, rows, columns


class Window(NamedTuple):
    """A window of an image.

    Attributes
    ----------
    pixels : ndarray (h, w, C) of float32
    second : ndarray (h, w, C) of float32, or None
        The same window of the second shot.
    image : int
        Number of its image among those that are looked at.
    parts : tuple of Part
        Which unit each part of the window belongs to.
    """

    pixels: np.ndarray
    second: np.ndarray | None
    image: int
    parts: tuple[Part, ...]

    def labels(self) -> np.ndarray:
        """The unit of every pixel: (h, w)."""
        found = np.empty(self.pixels.shape[:2], int)
        for unit, rows, columns in self.parts:
            found[rows, columns] = unit
        return found


class Samples(NamedTuple):
    """All windows.

    Attributes
    ----------
    windows : list of Window
    images : int
        How many images they are of.
    unit : {"images", "tiles"}
        What is drawn anew for intervals.
    units : int
        How many of these there are.
    """

    windows: list[Window]
    images: int
    unit: str
    units: int

    @property
    def channels(self) -> int:
        return self.windows[0].pixels.shape[2]

    def sums(self, maps: Callable[[Window], np.ndarray]) -> np.ndarray:
        """Sums of a window's maps (h, w, K), by unit: (units, K)."""
        found: list[np.ndarray] = []
        places: list[int] = []
        for window in self.windows:
            values = maps(window)
            for unit, rows, columns in window.parts:
                places.append(unit)
                found.append(values[rows, columns].sum(axis=(0, 1), dtype=np.float64))
        total = np.zeros((self.units, found[0].shape[0]))
        np.add.at(total, places, found)
        return total


def sample(
    images: Sequence[np.ndarray], second: Sequence[np.ndarray] | None = None, seed: int = 0
) -> Samples:
    """Cut windows from images; images of one size have theirs at the same places.

    Parameters
    ----------
    images : sequence of ndarray (H, W, C) of float
    second : sequence of ndarray, optional
        The second shot of each scene.
    seed : int
        Of the windows' places.

    Raises
    ------
    InputError
        If there are no images; if one is not (H, W, C) of float, has no pixels, another number of
        channels than the first, or values that are NaN or infinite within its windows; if the
        second shots are not of the same number and shapes.
    """
    if not len(images):
        raise InputError("no images: there is no noise to look at")
    if second is not None and len(second) != len(images):
        raise InputError(f"{len(images)} images, but {len(second)} second shots")
    count = min(len(images), IMAGES)
    chosen = np.linspace(0, len(images) - 1, count).round().astype(int)
    cut: list[tuple[np.ndarray, np.ndarray | None, int]] = []
    channels = None
    for number, place in enumerate(chosen):
        image = _checked(images[place], f"image {place + 1}", channels)
        channels = image.shape[2]
        other = None
        if second is not None:
            other = _checked(second[place], f"second shot {place + 1}", channels)
            if other.shape != image.shape:
                raise InputError(
                    f"image {place + 1} is {_size(image)}, its second shot {_size(other)}"
                )
        for where in _windows(image.shape, VALUES // count, seed):
            one = _finite(image[where], f"image {place + 1}")
            two = None if other is None else _finite(other[where], f"second shot {place + 1}")
            cut.append((one, two, number))
    if count >= FEW:
        whole = [Window(one, two, number, ((number, *_ALL),)) for one, two, number in cut]
        return Samples(whole, count, "images", count)
    windows: list[Window] = []
    units = 0
    for pixels, other, number in cut:
        tiles = list(_tiles(pixels.shape))
        parts = tuple((units + k, rows, columns) for k, (rows, columns) in enumerate(tiles))
        windows.append(Window(pixels, other, number, parts))
        units += len(tiles)
    return Samples(windows, count, "tiles", units)


_ALL = (slice(None), slice(None))


def _checked(image: np.ndarray, name: str, channels: int | None) -> np.ndarray:
    if image.ndim != 3:
        raise InputError(f"{name} has the shape {image.shape}; needed is (height, width, channels)")
    if image.dtype.kind != "f":
        raise InputError(f"{name} holds {image.dtype}; needed are floats, black at 0, white at 1")
    if not image.size:
        raise InputError(f"{name} has no pixels")
    if channels not in (None, image.shape[2]):
        raise InputError(f"{name} has {image.shape[2]} channels, the first image {channels}")
    return image


def _size(image: np.ndarray) -> str:
    return " x ".join(map(str, image.shape))


def _finite(pixels: np.ndarray, name: str) -> np.ndarray:
    if count := pixels.size - int(np.isfinite(pixels).sum()):
        raise InputError(f"{name}: {count:,} of its pixel values are NaN or infinite")
    return np.ascontiguousarray(pixels, np.float32)


def _windows(shape: tuple[int, ...], values: int, seed: int) -> Iterator[tuple[slice, slice]]:
    """Where an image is looked at: all of it, or windows that do not overlap."""
    height, width, channels = shape
    most = max(values // channels, LEAST**2)
    if height * width <= most:
        yield _ALL
        return
    side = min(SIDE, math.isqrt(most))
    rows, columns = min(side, height), min(side, width)
    cells = height // rows * (width // columns)
    count = min(max(1, most // (rows * columns)), cells)
    # the same for all images of one size: what they share is looked for
    places = np.random.default_rng(seed).choice(cells, count, replace=False)
    for place in np.sort(places):
        down, across = divmod(int(place), width // columns)
        yield (
            slice(down * rows, (down + 1) * rows),
            slice(across * columns, (across + 1) * columns),
        )


def _tiles(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    edges = []
    for length in shape[:2]:
        count = min(TILES, max(1, length // TILE))
        edges.append([length * k // count for k in range(count + 1)])
    for top, bottom in zip(edges[0], edges[0][1:], strict=False):
        for left, right in zip(edges[1], edges[1][1:], strict=False):
            yield slice(top, bottom), slice(left, right)
