"""Write an image as it was read: of the same format, depth, channels and pages."""

import contextlib
import dataclasses
from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from denoising.files import InputError, PathLike, atomic
from denoising.formats.base import DTYPES, Header, ImageFile, described, refuse
from denoising.formats.levels import to_dtype
from denoising.formats.opening import CALLED, open_image

EIGHT = (np.dtype(np.uint8),)
# what is held by the formats that do not hold all types; of these only one page is written, since
# animations would merge equal frames
HELD = dict.fromkeys(("JPEG", "BMP", "GIF", "WebP"), EIGHT) | {"PNG": (*EIGHT, np.dtype(np.uint16))}
ADVICE = "write it with --format tiff"


class _DiscardedError(Exception):
    """Ends the writing of a file that is not to be kept."""


class Writer(contextlib.AbstractContextManager["Writer", None]):
    """A file that is being written page by page, and is there when it is closed.

    As a context manager it is closed when its block ends, and leaves nothing if that fails.

    Parameters
    ----------
    header : Header
        Of the new file.
    source : ImageFile or None
        One of the same format, pages, size and channels, of which all else is kept. None: there
        is none.
    """

    def __init__(self, header: Header, source: ImageFile | None) -> None:
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
    def _start(self, source: ImageFile | None) -> None:
        """Begin the file, with what is to be kept of another."""

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

    def __exit__(self, kind: object, *raised: object) -> None:
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

    Metadata are kept as far as the format's library allows, where format, pages, size and channels
    stay; else the new file has pixels alone. What is lossy to encode becomes lossless where the
    format has that, else of high quality.

    Parameters
    ----------
    path : path-like
        Of the new file, or the Zarr folder. It may be that of `like`.
    like : Header or ImageFile
        What was read. A header may have been given other pages, height, width or channels.
    dtype : dtype, optional
        Of the values that are written; None: as they were read.
    format : str, optional
        A key of `denoising.formats.opening.CALLED`, in any case; None: as it was read.

    Returns
    -------
    Writer

    Raises
    ------
    InputError
        If the format cannot hold that: the dtype, or several pages.
    """
    header = like.header if isinstance(like, ImageFile) else like
    kind = CALLED.get((format or header.format).lower())
    if kind is None:
        raise InputError(f"format {format}: should be one of {', '.join(CALLED)}")
    values = header.dtype if dtype is None else np.dtype(dtype)
    target = dataclasses.replace(header, path=Path(path), format=kind, dtype=values)
    if values not in HELD.get(kind, DTYPES):
        refuse(path, f"{kind} files cannot hold {values}; {ADVICE}")
    if target.pages > 1 and kind in HELD:
        refuse(path, f"{kind} files can hold one page here, not {target.pages}; {ADVICE}")
    with contextlib.ExitStack() as stack:
        source = like if isinstance(like, ImageFile) else stack.enter_context(open_image(like.path))
        return _writer(target, source if _alike(source.header, target) else None)


def _alike(one: Header, other: Header) -> bool:
    """Can what a file says beside its pixels hold for another?"""
    return (one.format, one.pages, one.shape) == (other.format, other.pages, other.shape)


def _writer(target: Header, source: ImageFile | None) -> Writer:
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
