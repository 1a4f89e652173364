"""Image files of a source: what their headers say, and their pixels, read when they are wanted."""

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from denoising.data.store import Blocks
from denoising.files import InputError, PathLike
from denoising.formats.base import shown
from denoising.formats.opening import open_image

BAND = 2**24  # bytes of a band of rows, at most, but for a row that is longer

_State = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class File:
    """An image file that is closed again, or a Zarr folder.

    Attributes
    ----------
    path : str
    pages : int
    shape : tuple (H, W, C)
        Of each page.
    dtype : numpy.dtype
    black, white : float; float or None
        What its tags or its format say of the pixel values; see `denoising.formats.base.Header`.
    white_from : str
    state : tuple
        Changes when the file does. Of a folder it is the folder's own: a new chunk shows, one that
        was overwritten does not.
    """

    path: str
    pages: int
    shape: tuple[int, int, int]
    dtype: np.dtype
    black: float
    white: float | None
    white_from: str
    state: _State

    def page(self, number: int, rows: range | None = None) -> Blocks:
        """What reads a page, from 0, or some rows of it, in bands (rows, W, C).

        Each call opens the file anew, and raises an InputError if it is damaged, or not as it was
        when its header was read.
        """
        return functools.partial(_bands, self, number, rows or range(self.shape[0]))


def look(path: Path) -> File:
    """Read the header of an image file.

    Raises
    ------
    InputError
        If it is no image that can be read.
    """
    state = _state(path)
    with open_image(path) as image:
        header = image.header
    return File(
        str(path),
        header.pages,
        header.shape,
        header.dtype,
        header.black,
        header.white,
        header.white_from,
        state,
    )


def _bands(file: File, page: int, wanted: range) -> Iterator[np.ndarray]:
    _, width, channels = file.shape
    rows = max(1, BAND // (width * channels * file.dtype.itemsize))
    try:
        _check(file)
        with open_image(file.path) as image:
            for top in range(wanted.start, wanted.stop, rows):
                yield image.read(page, slice(top, min(top + rows, wanted.stop)))
    except InputError:
        _check(file)  # that it changed explains more
        raise
    _check(file)


def _check(file: File) -> None:
    if _state(file.path) != file.state:
        raise InputError(
            f"{shown(file.path)}: changed while it was read; wait until nothing writes to it"
        )


def _state(path: PathLike) -> _State:
    try:
        found = os.stat(path)  # noqa: PTH116  # a quarter of the time of Path.stat
    except OSError as error:
        missing = isinstance(error, FileNotFoundError) and os.path.islink(path)  # noqa: PTH114
        reason = "is a link to nothing" if missing else error.strerror
        raise InputError(f"{shown(path)}: {reason}") from None
    return found.st_ino, found.st_size, found.st_mtime_ns
