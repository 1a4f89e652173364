"""Strips and tiles of TIFF pages: only those that a band of rows needs are decoded."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import tifffile

    Page = tifffile.TiffPage | tifffile.TiffFrame

JPEG = (6, 7, 34892, 33007)  # compressions that tifffile decodes to red, green, blue


class Segments:
    """The strips, or the tiles, of the pages of one file.

    Parameters
    ----------
    file : tifffile.FileHandle
    key : tifffile.TiffPage
        A page whose layout all have.
    dtype : dtype
        Of the stored values.
    """

    def __init__(
        self, file: "tifffile.FileHandle", key: "tifffile.TiffPage", dtype: np.dtype
    ) -> None:
        self._file, self._key, self._dtype = file, key, dtype
        self.clear()

    def clear(self) -> None:
        """Let go of what was decoded last."""
        self._kept: tuple[object, list[np.ndarray]] = (None, [])

    def rows(self, page: "Page", plane: int, start: int, stop: int) -> np.ndarray:
        """Stored values of rows of one of a page's planes.

        Returns
        -------
        ndarray (stop - start, W, samples that are stored together)
        """
        key = self._key
        _, _, height, width, samples = key.shaped
        length, across = key.rowsperstrip, 1
        if key.is_tiled:
            length, across = key.tilelength, math.ceil(width / key.tilewidth)
        down = math.ceil(height / length)
        result = np.empty((stop - start, width, samples), self._dtype)
        for row in range(start // length, math.ceil(stop / length)):
            first = (plane * down + row) * across
            segments = self._decoded(page, range(first, first + across))
            top = row * length
            low, high = max(start, top), min(stop, top + length)
            for column, segment in enumerate(segments):
                left = column * segment.shape[1] if key.is_tiled else 0
                part = segment[low - top : high - top, : width - left]
                result[low - start : high - start, left : left + part.shape[1]] = part
        return result

    def _decoded(self, page: "Page", numbers: range) -> list[np.ndarray]:
        """Strips or tiles, all full; the latest are kept, for bands that part one."""
        if self._kept[0] != (page.index, numbers):
            self.clear()
            self._kept = (page.index, numbers), [self._segment(page, one) for one in numbers]
        return self._kept[1]

    def _segment(self, page: "Page", number: int) -> np.ndarray:
        key, file = self._key, self._file
        offset, size = page.dataoffsets[number], page.databytecounts[number]
        data = None  # a hole, as in sparse files
        if offset and size:
            file.seek(offset)
            data = file.read(size)
            if len(data) < size:
                raise EOFError("it ends within a strip or tile")
        options: dict[str, Any] = {"_fullsize": key.is_tiled}
        if key.compression in JPEG:
            options |= {"jpegtables": page.jpegtables, "jpegheader": key.jpegheader}
        segment, _, shape = key.decode(data, number, **options)
        if segment is None:
            segment = np.full(shape, key.nodata, self._dtype)
        return segment[0]
