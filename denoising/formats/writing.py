"""Write an image as it was read: of the same format, depth, channels and pages."""

import contextlib
import dataclasses
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from denoising.files import InputError, PathLike, atomic
from denoising.formats.base import DTYPES, Header, ImageFile, described, refuse
from denoising.formats.opening import open_image

EIGHT = (np.dtype(np.uint8),)
HELD = {  # what each format holds
    "PNG": (*EIGHT, np.dtype(np.uint16)),
    "JPEG": EIGHT,
    "BMP": EIGHT,
    "GIF": EIGHT,
    "WebP": EIGHT,
    "TIFF": DTYPES,
    "NumPy": DTYPES,
    "DICOM": DTYPES,
    "Zarr": DTYPES,
}
SUFFIX = {  # of each format's file names
    "PNG": ".png",
    "JPEG": ".jpg",
    "BMP": ".bmp",
    "GIF": ".gif",
    "WebP": ".webp",
    "TIFF": ".tif",
    "NumPy": ".npy",
    "DICOM": ".dcm",
    "Zarr": ".zarr",
}
ONE_PAGE = ("PNG", "JPEG", "BMP", "GIF", "WebP")  # animations would merge equal frames
ADVICE = "write it with --format tiff"


class _DiscardedError(Exception):
    """Ends the writing of a file that is not to be kept."""


class Writer(ABC):
    """A file that is being written page by page, and is there when it is closed.

    As a context manager it is closed when its block ends, and leaves nothing if that fails.
    """

    def __init__(self, header: Header, source: ImageFile) -> None:
        self.header = header
        self._next = 0
        self._file: Any = None  # that is open while pages are written
        self._atomic = self._replacing()
        self.temporary = self._atomic.__enter__()
        self._open = True
        try:
            self._start(source)
        except BaseException:
            self.discard()
            raise

    def _replacing(self) -> contextlib.AbstractContextManager[Path]:
        """What yields a temporary path, which replaces the file's when it ends well."""
        return atomic(self.header.path)

    def write(self, page: int, pixels: np.ndarray) -> None:
        """Append a page.

        Parameters
        ----------
        page : int
            All pages in their order, from 0.
        pixels : ndarray (H, W, C)
            Of the file's dtype, or floating point: then they are rounded and clipped to it.
        """
        header = self.header
        if page != self._next or page >= header.pages:
            raise ValueError(f"page {page}: should be {self._next}, of {header.pages} pages")
        if pixels.dtype != header.dtype:
            if pixels.dtype.kind != "f":
                raise ValueError(f"pixels of {pixels.dtype}: should be {header.dtype} or float")
            pixels = to_dtype(pixels, header.dtype)
        if pixels.shape != header.shape:
            raise ValueError(f"pixels {described(pixels)}: should be {header.shape}")
        self._next += 1
        self._write(page, pixels)

    @abstractmethod
    def _start(self, source: ImageFile) -> None:
        """Begin the file, with what is to be kept of the one that was read."""

    @abstractmethod
    def _write(self, page: int, pixels: np.ndarray) -> None:
        """Append a page that has the right size and type."""

    def _finish(self) -> None:
        """What is to be done after the last page, before the file replaces an old one."""
        if self._file is not None:
            self._file.close()

    def close(self) -> None:
        """Finish the file: from now on it is at its path, whole.

        Raises
        ------
        ValueError
            If pages are missing; then there is no file.
        """
        if not self._open:
            return
        if self._next < self.header.pages:
            self.discard()
            raise ValueError(f"{self._next} of {self.header.pages} pages were written")
        try:
            self._finish()
        except BaseException:
            self.discard()
            raise
        self._open = False
        self._atomic.__exit__(None, None, None)

    def discard(self) -> None:
        """Leave nothing, and what was at the path before as it was."""
        if not self._open:
            return
        self._open = False
        with contextlib.suppress(Exception):  # such as a full disk: it is thrown away anyway
            if self._file is not None:
                self._file.close()
        with contextlib.suppress(_DiscardedError):
            self._atomic.__exit__(_DiscardedError, _DiscardedError(), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def create(
    path: PathLike,
    like: Header | ImageFile,
    dtype: DTypeLike | None = None,
    format: str | None = None,
) -> Writer:
    """Start a file of the same kind as another.

    Metadata are kept as far as the format's library allows. What is lossy to encode becomes
    lossless where the format has that, else of high quality.

    Parameters
    ----------
    path : path-like
        Of the new file, or the Zarr folder. It may be that of `like`.
    like : Header or ImageFile
        What was read.
    dtype : dtype, optional
        Of the values that are written; None: as they were read.
    format : str, optional
        A key of `SUFFIX`, in any case; None: as it was read. Another format gets the pixels
        without further metadata.

    Returns
    -------
    Writer

    Raises
    ------
    InputError
        If the format cannot hold that: the dtype, or several pages.
    """
    header = like.header if isinstance(like, ImageFile) else like
    names = {name.lower(): name for name in SUFFIX}
    kind = names.get((format or header.format).lower())
    if kind is None:
        raise InputError(f"format {format}: should be one of {', '.join(names)}")
    values = header.dtype if dtype is None else np.dtype(dtype)
    target = dataclasses.replace(header, path=Path(path), format=kind, dtype=values)
    if values not in HELD[kind]:
        refuse(path, f"{kind} files cannot hold {values}; {ADVICE}")
    if target.pages > 1 and kind in ONE_PAGE:
        refuse(path, f"{kind} files can hold one page here, not {target.pages}; {ADVICE}")
    with contextlib.ExitStack() as stack:
        source = like if isinstance(like, ImageFile) else stack.enter_context(open_image(like.path))
        return _writer(target, source)


def _writer(target: Header, source: ImageFile) -> Writer:
    if target.format == "TIFF":
        from denoising.formats.tiff_writing import TiffWriter

        return TiffWriter(target, source)
    if target.format == "NumPy":
        from denoising.formats.numpy_writing import NumpyWriter

        return NumpyWriter(target, source)
    if target.format == "DICOM":
        from denoising.formats.dicom_writing import DicomWriter

        return DicomWriter(target, source)
    if target.format == "Zarr":
        from denoising.formats.zarr_writing import ZarrWriter

        return ZarrWriter(target, source)
    from denoising.formats.pillow_writing import PillowWriter

    return PillowWriter(target, source)


def to_dtype(
    unit: ArrayLike, dtype: DTypeLike, black: float = 0.0, white: float = 1.0
) -> np.ndarray:
    """Pixel values on the scale from black to white, as the type that a file holds.

    Parameters
    ----------
    unit : array_like of float
        0 is black, 1 is white; values may lie beyond.
    dtype : dtype
        Integers are rounded to; all is clipped to the type's range.
    black, white : float
        The values that mean these.

    Raises
    ------
    ValueError
        If a value is not finite, and an integer is wanted.
    """
    dtype = np.dtype(dtype)
    wide = np.float32 if dtype.itemsize <= 2 else np.float64
    values = np.asarray(unit, np.promote_types(wide, np.asarray(unit).dtype))
    values = values * values.dtype.type(white - black) + values.dtype.type(black)
    if dtype.kind == "f":
        largest = np.finfo(dtype).max
        return np.clip(values, -largest, largest).astype(dtype)
    if not np.isfinite(values).all():
        raise ValueError(f"pixel values that are not finite, for {dtype}")
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)
