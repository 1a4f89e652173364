"""Write TIFF page by page, with the tags of the pages that were read.

Strips, tiles, byte order and lossless compressions are kept; other compressions become Deflate.
Descriptions stay, so that ImageJ, OME and tifffile find the axes of their stacks again. Palettes
are written as colours, values of 1 bit as 8 bits, and pixels that were turned upright as they are.
Smaller copies are not written.
"""

import json
import re
from typing import Any, Literal

import numpy as np

from denoising.formats.base import Header, ImageFile, refusing
from denoising.formats.tiff import MAXIMA, MINISWHITE, TiffFile
from denoising.formats.tiff_series import silence
from denoising.formats.writing import Writer

LARGE = 2**32 - 2**25  # bytes; files that may be larger are BigTIFF
DEFLATE = 8
# compressions that are kept, and newer numbers of the same
LOSSLESS = {1: 1, 5: 5, 8: 8, 32946: 8, 32773: 32773, 34925: 34925, 50000: 50000, 34926: 50000}
PREDICTED = (5, 8, 34925, 50000)  # compressions that gain by predicted values
DESCRIPTION = 270
# tags that say how pixels are stored, and that tifffile writes anew; or that point into the file
STORAGE = (
    *range(254, 260), *range(262, 267), 273, 274, *range(277, 280), *range(282, 285),
    *range(288, 294), 296, 317, *range(320, 331), 338, 339, 347, *range(512, 522),
    *range(529, 533), 32997, 32998, 34665, 34853, 40965,
)  # fmt: skip
VALUES = (280, 281, 340, 341)  # tags that hold pixel values
# tags by which readers recognize files that lay out their pages in other ways
OTHERS = (*range(33628, 33632), 34412, 51023, *range(65420, 65460))
POINTERS = (13, 18)  # types of tags
OME_TYPES = {"float32": "float", "float64": "double"}  # others are as in NumPy


class TiffWriter(Writer):
    """A TIFF file."""

    def _start(self, source: ImageFile | None) -> None:
        import tifffile

        silence()
        header = self.header
        self._pages: list[dict[str, Any]] = [{}]
        self._inverse = 0.0  # the sum of a value and its inverse
        self._largest = 0  # that fits into fewer bits than the type has
        self._options: dict[str, Any] = {"metadata": None, "software": False}
        self._options["photometric"] = "rgb" if header.channels == 3 else "minisblack"
        size = header.pages * int(np.prod(header.shape, dtype=object)) * header.dtype.itemsize
        big = size > LARGE
        order: Literal["<", ">"] = "<"
        if isinstance(source, TiffFile):
            big, order = big or source.tiff.is_bigtiff, source.tiff.byteorder
            self._options |= _storage(source, header)
            if source.photometric == MINISWHITE and header.dtype == source.header.dtype:
                self._options["photometric"] = "miniswhite"
                self._inverse = source.header.white or 0.0
            if bits := self._options.get("bitspersample"):
                self._largest = 2**bits - 1
            with refusing(source.header.path, "TIFF"):
                self._pages = [_tags(source, header, page) for page in range(header.pages)]
        if not self._says_white(source):
            _say_white(self._pages, header)
        self._planar = self._options.get("planarconfig") == "separate"
        self._file = tifffile.TiffWriter(self.temporary, bigtiff=big, byteorder=order)

    def _says_white(self, source: ImageFile | None) -> bool:
        """Do the tags that are kept say what is white?"""
        header = self.header
        if not isinstance(source, TiffFile) or header.dtype != source.page.dtype:
            return False
        kept = (*MAXIMA.values(), "SignificantBits")
        return bool(self._largest or self._inverse) or header.white_from in kept

    def _write(self, page: int, pixels: np.ndarray) -> None:
        if self._largest:
            pixels = np.minimum(pixels, self.header.dtype.type(self._largest))
        if self._inverse:
            pixels = self.header.dtype.type(self._inverse) - pixels
        if self.header.channels == 1:
            pixels = pixels[..., 0]
        elif self._planar:
            pixels = np.moveaxis(pixels, -1, 0)
        own = self._pages[min(page, len(self._pages) - 1)]
        self._file.write(np.ascontiguousarray(pixels), **self._options, **own)


def _storage(source: TiffFile, header: Header) -> dict[str, Any]:
    """How the pixels of an old file are stored, as arguments of tifffile."""
    page = source.page
    options: dict[str, Any] = {}
    compression = LOSSLESS.get(int(page.compression), DEFLATE)
    if compression != 1:
        options["compression"] = compression
        lossy = int(page.compression) not in LOSSLESS
        options["predictor"] = compression in PREDICTED and (lossy or page.predictor != 1)
    elif header.dtype == page.dtype and page.bitspersample < 8 * header.dtype.itemsize:
        options["bitspersample"] = page.bitspersample
    if header.channels == 3:
        options["planarconfig"] = "separate" if source.planar > 1 else "contig"
    if page.is_tiled and page.tilelength % 16 == 0 and page.tilewidth % 16 == 0:
        options["tile"] = (page.tilelength, page.tilewidth)
    elif page.rowsperstrip:
        options["rowsperstrip"] = min(page.rowsperstrip, header.height)
    return options


def _tags(source: TiffFile, header: Header, number: int) -> dict[str, Any]:
    """Tags of an old page that hold for the new one, as arguments of tifffile."""
    page = source.tag_page(number)
    if page is None:
        return {}
    stale = STORAGE + OTHERS
    if header.dtype != source.page.dtype:
        stale += VALUES
    extra = []
    for tag in page.tags:
        if tag.code in stale or tag.dtype in POINTERS:
            continue
        source.tiff.filehandle.seek(tag.valueoffset)
        value = source.tiff.filehandle.read(tag.valuebytecount)
        if tag.code == DESCRIPTION:
            value = _description(value.rstrip(b"\0"), source, header)
        if value:
            extra.append((tag.code, int(tag.dtype), tag.count, value, False))
    options: dict[str, Any] = {"extratags": extra}
    x, y = (page.tags.valueof(code) for code in (282, 283))
    if x and y:
        options["resolution"] = (y, x) if source.orientation >= 5 else (x, y)
        options["resolutionunit"] = int(page.tags.valueof(296, 2))
    return options


def _description(text: bytes, source: TiffFile, header: Header) -> bytes:
    """A page's description, so that it holds for the new file; b"" if it cannot."""
    kind, turned = source.series.kind, source.orientation >= 5
    if text.startswith(b'{"shape"'):  # tifffile's
        if kind != "shaped" or source.alpha or source.palette is not None or turned:
            return b""
        told = json.loads(text)
        told.pop("truncated", None)  # there is one page for each plane
        return json.dumps(told).encode()
    if text.startswith(b"ImageJ="):
        return text if kind == "imagej" and not turned else b""
    if source.tiff.is_ome and b"OME" in text:
        if kind != "ome" or turned or header.dtype == np.float16:
            return b""
        if header.dtype != source.page.dtype:
            name = OME_TYPES.get(header.dtype.name, header.dtype.name).encode()
            text = re.sub(rb'(<[^<>]*\bPixels\b[^<>]*\bType=")[^"]*', rb"\g<1>" + name, text)
            text = re.sub(rb'\s+SignificantBits="[^"]*"', b"", text)
    return text


def _say_white(pages: list[dict[str, Any]], header: Header) -> None:
    """Keep in a tag what is white, where it was said by what the new file does not have."""
    if header.dtype == np.uint8 or header.white is None:
        return
    code = next(code for code, name in MAXIMA.items() if name == "SMaxSampleValue")
    form = {"u": 4, "i": 9, "f": 12}[header.dtype.kind]  # 32 bits, or double
    value = header.white if form == 12 else int(header.white)
    for page in pages:
        page["extratags"] = [*page.get("extratags", ()), (code, form, 1, value, False)]
