"""What every image file offers, whatever its format: a header, and pixels in bands of rows."""

import contextlib
import os
import warnings
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from denoising.files import InputError, PathLike, one_line

DTYPES = tuple(
    map(np.dtype, ("u1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"))
)  # what pixels may be; all in native byte order
ROWS = 512  # of a band that is read at a time


@dataclass(frozen=True)
class Header:
    """What is known of an image file before its pixels are decoded.

    Attributes
    ----------
    path : Path
    format : str
        "PNG", "JPEG", "BMP", "GIF", "WebP", "TIFF", "NumPy", "DICOM" or "Zarr".
    pages, height, width : int
    channels : int
        1 (grey) or 3 (red, green, blue).
    dtype : np.dtype
        Of the pixels that `ImageFile.read` gives; one of `DTYPES`.
    white : float or None
        The pixel value that means white, if the format or the file's tags say so.
    white_from : str
        Which of them said so, for messages; "" where `white` is None.
    black : float
        The pixel value that means black: 0, but for the formats whose tags give a range.
    """

    path: Path
    format: str
    pages: int
    height: int
    width: int
    channels: int
    dtype: np.dtype
    white: float | None = None
    white_from: str = ""
    black: float = 0.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of each page."""
        return self.height, self.width, self.channels


class ImageFile(contextlib.AbstractContextManager["ImageFile", None]):
    """An open image file. A context manager: the file is closed when its block ends."""

    header: Header

    def read(self, page: int, rows: slice = slice(None)) -> np.ndarray:
        """Pixels of a page, or of a band of its rows.

        Formats that are stored in strips, tiles or chunks decode only those of the band.

        Parameters
        ----------
        page : int
            From 0 to `header.pages` - 1.
        rows : slice
            Without a step.

        Returns
        -------
        ndarray (h, W, C) of `header.dtype`

        Raises
        ------
        InputError
            If the file is damaged there, or holds what `header` does not say: pixels that are not
            opaque, or a page of another size.
        """
        header = self.header
        if not 0 <= page < header.pages or rows.step not in (None, 1):
            raise IndexError(f"page {page}, {rows}: there are {header.pages} pages")
        start, stop, _ = rows.indices(header.height)
        stop = max(start, stop)
        expected = (stop - start, *header.shape[1:])
        if start == stop:
            return np.empty(expected, header.dtype)
        with refusing(header.path, header.format):
            pixels = self._read(page, start, stop)
        if pixels.shape != expected or pixels.dtype != header.dtype:
            refuse(
                header.path,
                f"page {page + 1}: {described(pixels)}; should be as the first page, "
                f"{described(np.broadcast_to(np.zeros((), header.dtype), expected))}",
            )
        return pixels

    def bands(self, rows: int = ROWS) -> Iterator[np.ndarray]:
        """The pixels of all pages, in bands (rows, W, C), of which the last may be lower."""
        for page in range(self.header.pages):
            for start in range(0, self.header.height, rows):
                yield self.read(page, slice(start, start + rows))

    @abstractmethod
    def _read(self, page: int, start: int, stop: int) -> np.ndarray:
        """Rows from `start` up to `stop` of a page: (stop - start, W, C)."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __exit__(self, *raised: object) -> None:
        self.close()


class PagewiseFile(ImageFile):
    """A file of which only whole pages can be decoded: the latest is kept, for further bands."""

    _decoded: tuple[int, np.ndarray] | None = None

    def _read(self, page: int, start: int, stop: int) -> np.ndarray:
        if self._decoded is None or self._decoded[0] != page:
            self._decoded = None  # not two pages in memory
            self._decoded = page, self._page(page)
        return np.ascontiguousarray(self._decoded[1][start:stop])

    @abstractmethod
    def _page(self, page: int) -> np.ndarray:
        """A page: (H, W, C)."""

    def close(self) -> None:
        """Let go of the page."""
        self._decoded = None


def described(pixels: np.ndarray) -> str:
    """Size and type of an array of pixels (H, W, C), for messages."""
    return f"{' x '.join(map(str, pixels.shape))} of {pixels.dtype}"


def shown(path: PathLike) -> str:
    """A name, or text with names, for a message of one line: what is not printable is escaped."""
    text = os.fspath(path)
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def refuse(path: PathLike, reason: str) -> NoReturn:
    """Raise an `InputError` of one line about a file."""
    raise InputError(f"{shown(path)}: {shown(reason)}") from None


@contextlib.contextmanager
def refusing(path: PathLike, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises into an `InputError` of one line about a file.

    Warnings of decoders are about tags that do not matter here, and are not shown.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except MemoryError:
        refuse(path, "needs more memory than this machine has")
    # a damaged file makes decoders raise nearly anything
    except Exception as error:
        reason = one_line(error) or type(error).__name__
        refuse(path, f"not a whole {kind} file ({reason})")


def pixel_dtype(path: PathLike, stored: Any) -> np.dtype:
    """Dtype in which stored values are read, without loss.

    Truth values become 0 and 255 of 8 bits, signed bytes 16 bits wide.

    Raises
    ------
    InputError
        If there is none among `DTYPES`.
    """
    dtype = np.dtype(stored).newbyteorder("=")
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype == np.int8:
        return np.dtype(np.int16)
    if dtype not in DTYPES:
        allowed = ", ".join(map(str, DTYPES))
        refuse(path, f"values of type {dtype}; should be one of {allowed}")
    return dtype


def as_pixels(stored: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Stored values in the dtype of `pixel_dtype`."""
    if stored.dtype.kind == "b":
        return stored.astype(dtype) * dtype.type(255)
    return np.ascontiguousarray(stored, dtype)


def white_by_type(dtype: np.dtype) -> tuple[float | None, str]:
    """White where only the dtype says it, and the words for that: all 8 bits, else unknown."""
    return (255.0, "8 bits") if dtype == np.uint8 else (None, "")


def opaque(pixels: np.ndarray, path: PathLike, full: float) -> np.ndarray:
    """Pixels (h, W, C + 1) without their alpha, the last channel.

    Raises
    ------
    InputError
        If a pixel's alpha is not `full`.
    """
    if (pixels[..., -1] != full).any():
        refuse(path, "has transparent pixels; lay the image on a background first")
    return pixels[..., :-1]


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels (H, W, C) as their EXIF or TIFF orientation, from 1 to 8, wants them seen."""
    if orientation >= 5:  # stored by columns
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
