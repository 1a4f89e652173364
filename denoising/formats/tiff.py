"""TIFF: stacks, BigTIFF, strips, tiles, all compressions that imagecodecs has.

A page of the file is a page here, as is each step along the axes of a hyperstack, such as time,
depth and channel, in the order of the file. Three samples of a pixel are colour; so are three
planes of samples if the file says that they are red, green and blue, while other planes are pages.
An axis of one step that has no name is passed over, such as the last of an array (H, W, 1).
Reduced copies (thumbnails, pyramids) are left out.

Where the file says that 0 is white, values are inverted. Values of 1 bit become 0 and 255; others
are read as they are. Palettes become colour, except in files of microscopes, where they are a way
to display what was measured.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from denoising.formats.base import (
    Header,
    ImageFile,
    as_pixels,
    opaque,
    pixel_dtype,
    refuse,
    refusing,
    turned,
    white_by_type,
)
from denoising.formats.tiff_segments import JPEG, Segments
from denoising.formats.tiff_series import ome_pixels, only_series, silence

if TYPE_CHECKING:
    import tifffile

FORMAT = "TIFF"
MINISWHITE, MINISBLACK, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
PHOTOMETRIC, ORIENTATION, COLORMAP = 262, 274, 320  # tags
MAXIMA = {341: "SMaxSampleValue", 281: "MaxSampleValue"}  # tags
ALPHA = (1, 2)  # kinds of extra samples
MICROSCOPES = ("imagej", "ome", "lsm", "mmstack", "stk", "fluoview", "nih")


class TiffFile(ImageFile):
    """A TIFF file that holds one image or one stack."""

    def __init__(self, path: Path) -> None:
        import tifffile

        silence()
        with refusing(path, FORMAT):
            self.tiff = tifffile.TiffFile(path, _multifile=False)
        try:
            with refusing(path, FORMAT):
                self.header = self._header(path)
        except BaseException:
            self.tiff.close()
            raise

    def _header(self, path: Path) -> Header:
        self.series = only_series(self.tiff, path)
        page = self.page = self.series.keyframe
        tag = page.tags.get(PHOTOMETRIC)
        self.photometric = MINISBLACK if tag is None else int(page.photometric)
        self.alpha = len(page.extrasamples) == 1 and page.extrasamples[0] in ALPHA
        self.planar, planes = self._planes(path)
        samples = self.planar * page.shaped[4] - self.alpha
        self._check_colour(path, samples)
        self.palette = self._palette()
        stored = page.dtype if self.palette is None else self.palette.dtype
        if stored is None:
            refuse(path, f"values of {page.bitspersample} bits, of no type that is known")
        self.stored = page.dtype or stored
        dtype = pixel_dtype(path, stored)
        if self.photometric == MINISWHITE and dtype.kind != "u":
            refuse(path, f"values of type {dtype}, of which 0 should be white")
        turn = page.tags.valueof(ORIENTATION)
        self.orientation = turn if turn in range(1, 9) else 1
        self._offset = self.series.dataoffset
        self._segments = Segments(self.tiff.filehandle, page, self.stored)
        sides = (page.imagelength, page.imagewidth)
        return Header(
            path,
            FORMAT,
            planes // self.planar,
            *(sides if self.orientation < 5 else sides[::-1]),
            samples if self.palette is None else self.palette.shape[1],
            dtype,
            *self._white(dtype),
        )

    def _planes(self, path: Path) -> tuple[int, int]:
        """How many planes make a page, and how many planes there are."""
        page, lengths = self.page, zip(self.series.axes, self.series.shape, strict=True)
        # an axis of one step that has no name, such as that of the channel of grey (H, W, 1)
        named = [one for one in lengths if one != ("Q", 1)]
        axes, shape = "".join(axis for axis, _ in named), tuple(length for _, length in named)
        inner = page.shaped[2:] if axes.endswith("YXS") else page.shaped[2:4]
        if not axes.endswith(("YX", "YXS")) or shape[-len(inner) :] != inner:
            whole, pages = (" x ".join(map(str, one)) for one in (shape, inner))
            refuse(
                path,
                f"axes {axes} of {whole} in pages of {pages}; should end with rows and columns "
                "(YX or YXS) that are those of the pages",
            )
        if page.is_tiled and page.tiledepth > 1:
            refuse(path, "tiles that are deeper than one plane")
        together = self.alpha or self.photometric in (RGB, YCBCR)
        planar = page.shaped[0] if "S" in axes and together else 1
        if planar > 1 and page.shaped[1] > 1:
            refuse(path, "volumes in planes of samples; should be planes of one depth")
        return planar, math.prod(shape) // math.prod(page.shaped[2:])

    def _check_colour(self, path: Path, samples: int) -> None:
        kind, colour = self.photometric, self.photometric in (RGB, YCBCR)
        if samples not in (1, 3) or (colour and self.planar > 1 and samples != 3):
            refuse(path, f"{samples} channels; should be grey or red, green, blue")
        known = (MINISWHITE, MINISBLACK, RGB, PALETTE, YCBCR)
        if kind not in known or (kind == YCBCR and self.page.compression not in JPEG):
            name = getattr(self.page.photometric, "name", kind)
            refuse(path, f"colours of the kind {name}; should be grey or red, green, blue")

    def _palette(self) -> np.ndarray | None:
        """Colours (values, C) of the stored values; None if these are the pixels."""
        if self.photometric != PALETTE or self.series.kind in MICROSCOPES:
            return None
        colours = np.asarray(self.page.tags[COLORMAP].value, np.uint16).reshape(3, -1).T
        if (colours == colours[:, :1]).all():
            colours = colours[:, :1]
        short = colours >> 8  # most writers mean 8 bits, and repeat them or append zeros
        rest = colours - (short << 8)
        if ((rest == 0) | (rest == short)).all():
            return short.astype(np.uint8)
        return colours

    def _white(self, dtype: np.dtype) -> tuple[float | None, str]:
        """What is white, and which tag says so."""
        page, bits = self.page, self.page.bitspersample
        if self.palette is not None:
            return float(np.iinfo(dtype).max), "ColorMap"
        if bits == 1 or (bits == 8 and dtype == np.uint8):
            return white_by_type(dtype)
        if dtype.kind == "u" and bits < 8 * dtype.itemsize:
            return float(2**bits - 1), "BitsPerSample"
        if self.photometric == MINISWHITE:
            return float(2**bits - 1), "PhotometricInterpretation"
        largest = np.inf if dtype.kind == "f" else np.iinfo(dtype).max
        for code, name in MAXIMA.items():
            values = np.atleast_1d(page.tags.valueof(code, 0.0))
            if 0 < values.max() <= largest and np.isfinite(values.max()):
                return float(values.max()), name
        significant = ome_pixels(self.tiff).get("SignificantBits", "")
        # all bits of the type is what writers claim that do not know better
        if dtype.kind != "f" and significant in map(str, range(1, 8 * dtype.itemsize)):
            return float(min(2 ** int(significant) - 1, largest)), "SignificantBits"
        return None, ""

    def tag_page(self, page: int) -> "tifffile.TiffPage | None":
        """The page of the file that has the tags of a page here; None if it has no own one."""
        number = page * self.planar // math.prod(self.page.shaped[:2])
        frame = self.series[number] if number < len(self.series) else None
        if frame is None or not isinstance(frame.index, int):
            return self.page if number == 0 else None
        return cast("tifffile.TiffPage", self.tiff.pages.get(frame.index))

    def _read(self, page: int, start: int, stop: int) -> np.ndarray:
        height = self.page.imagelength
        if self.orientation >= 5:  # rows are stored as columns
            return np.ascontiguousarray(
                turned(self._rows(page, 0, height), self.orientation)[start:stop]
            )
        if self.orientation in (3, 4):
            start, stop = height - stop, height - start
        pixels = self._rows(page, start, stop)
        return np.ascontiguousarray(turned(pixels, self.orientation))

    def _rows(self, page: int, start: int, stop: int) -> np.ndarray:
        """Pixels of rows as they are stored."""
        first = page * self.planar
        planes = [self._plane(first + one, start, stop) for one in range(self.planar)]
        pixels = planes[0] if self.planar == 1 else np.concatenate(planes, axis=2)
        if self.alpha:
            full = 1.0 if pixels.dtype.kind == "f" else 2**self.page.bitspersample - 1
            pixels = opaque(pixels, self.header.path, full)
        if self.palette is not None:
            return self.palette[pixels[..., 0]]
        pixels = as_pixels(pixels, self.header.dtype)
        if self.photometric == MINISWHITE:
            assert self.header.white is not None
            return self.header.dtype.type(self.header.white) - pixels
        return pixels

    def _plane(self, plane: int, start: int, stop: int) -> np.ndarray:
        """Stored values of rows of a plane: (h, W, samples that are stored together)."""
        offset = self._offset
        _, _, height, width, samples = self.page.shaped
        place = plane
        if offset is None:
            number, place = divmod(plane, math.prod(self.page.shaped[:2]))
            page = self.series[number]
            assert page is not None  # only_series has looked
            if not self.page.is_final:
                return self._segments.rows(page, place, start, stop)
            offset = page.dataoffsets[0]
        stored = self.stored.newbyteorder(self.tiff.byteorder)
        row = width * samples
        offset += (place * height + start) * row * stored.itemsize
        values = self.tiff.filehandle.read_array(stored, (stop - start) * row, offset)
        return values.reshape(stop - start, width, samples)

    def close(self) -> None:
        """Close the file."""
        self._segments.clear()
        self.tiff.close()
