"""DICOM: the frames of an image are pages, decoded one at a time.

Rescale slope and intercept are applied. Values keep the type that they are stored in if these
change nothing; where they are whole numbers the result has the first of 16 and 32 bits that holds
all values that can be stored; else it is float32, or float64 for more than 16 bits. The range that
can be stored (BitsStored) says what is black and white. MONOCHROME1, of which low values are
bright, is inverted. Palettes and YBR become red, green, blue.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from denoising.formats.base import (
    Header,
    PagewiseFile,
    as_pixels,
    pixel_dtype,
    refuse,
    refusing,
)

if TYPE_CHECKING:
    from pydicom import Dataset

FORMAT = "DICOM"
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
GREY, COLOUR = ("MONOCHROME1", "MONOCHROME2"), ("RGB", "PALETTE COLOR", "YBR_")
WHOLE = tuple(map(np.dtype, ("i2", "u2", "i4", "u4")))  # types of rescaled whole numbers


class Rescale(NamedTuple):
    """From stored values to those that they mean."""

    slope: float
    intercept: float


class DicomFile(PagewiseFile):
    """A DICOM file that holds an image; it is open only while it is read."""

    def __init__(self, path: Path) -> None:
        from pydicom import dcmread

        from denoising.formats import dicom_codecs

        dicom_codecs.register()
        with refusing(path, FORMAT):
            self.dataset = dcmread(path, stop_before_pixels=True, force=True)
            if "Rows" not in self.dataset or "Columns" not in self.dataset:
                refuse(path, "is no DICOM image")
            self._source: Any = path
            if "TransferSyntaxUID" not in self.dataset.file_meta:  # as in old files
                self._source = _with_syntax(dcmread(path, force=True))
                _with_syntax(self.dataset)
            self.header = self._header(path)

    def _header(self, path: Path) -> Header:
        data = self.dataset
        self.photometric = str(data.get("PhotometricInterpretation", "MONOCHROME2"))
        if self.photometric not in GREY and not self.photometric.startswith(COLOUR):
            refuse(path, f"colours of the kind {self.photometric}; should be grey or RGB")
        if "ModalityLUTSequence" in data:
            refuse(path, "values that a lookup table gives; should be linear (rescale slope)")
        _check_syntax(self._source, data, path)
        pages = int(data.get("NumberOfFrames") or 1)
        self.rescales = _rescales(data, pages)
        self.floating = int(data.BitsAllocated) >= 32 and _is_float(self._source)
        stored, black, white = self._stored(path)
        changed = any(one != (1, 0) for one in self.rescales)
        colour = self.photometric not in GREY
        if changed and colour:
            refuse(path, "colours with a rescale slope; should be without")
        dtype, white_from = stored, "BitsStored"
        if changed:
            ends = [end * s + i for s, i in self.rescales for end in (black, white)]
            dtype = _rescaled_dtype(self.rescales, min(ends), max(ends), stored)
            black, white, white_from = min(ends), max(ends), "BitsStored and RescaleSlope"
        sizes = (int(data.Rows), int(data.Columns), 3 if colour else 1)
        if self.floating:
            return Header(path, FORMAT, pages, *sizes, stored)
        return Header(path, FORMAT, pages, *sizes, dtype, white, white_from, black)

    def _stored(self, path: Path) -> tuple[np.dtype, float, float]:
        """Type, lowest and highest of the values that can be stored, before rescaling."""
        from pydicom.pixels.utils import pixel_dtype as stored_dtype

        data = self.dataset
        if self.photometric == "PALETTE COLOR":
            bits = int(data.RedPaletteColorLookupTableDescriptor[2])
            return np.dtype(np.uint8 if bits == 8 else np.uint16), 0.0, float(2**bits - 1)
        dtype = pixel_dtype(path, stored_dtype(data, as_float=self.floating))
        if int(data.BitsAllocated) == 1:
            return dtype, 0.0, 255.0
        bits = int(data.get("BitsStored") or data.BitsAllocated)
        if data.get("PixelRepresentation"):
            return dtype, -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1
        return dtype, 0.0, 2.0**bits - 1

    def _page(self, page: int) -> np.ndarray:
        from pydicom.pixels import apply_color_lut, pixel_array

        header = self.header
        stored = pixel_array(self._source, index=page)
        if self.photometric == "PALETTE COLOR":
            stored = apply_color_lut(stored, self.dataset)
        if int(self.dataset.BitsAllocated) == 1:
            stored = stored.astype(bool)
        stored = stored.reshape(*stored.shape[:2], -1)
        rescale = self.rescales[page]
        if rescale != (1, 0):
            wide = stored.astype(np.float64)
            stored = wide * rescale.slope + rescale.intercept
        pixels = as_pixels(stored, header.dtype)
        return self.inverted(pixels) if self.photometric == "MONOCHROME1" else pixels

    def inverted(self, pixels: np.ndarray) -> np.ndarray:
        """Black for white, both ways."""
        header = self.header
        if header.white is None:
            refuse(header.path, "MONOCHROME1 of floating point; should be MONOCHROME2")
        total = header.white + header.black
        return (total - pixels.astype(np.float64)).astype(pixels.dtype)


def _with_syntax(data: "Dataset") -> "Dataset":
    """A file that lacks its first part, which would say how it is encoded."""
    from pydicom import uid

    implicit, _ = data.original_encoding
    syntax = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
    data.file_meta.TransferSyntaxUID = syntax
    return data


def _check_syntax(source: Any, data: "Dataset", path: Path) -> None:
    """Refuse a compression that nothing here decodes."""
    from pydicom.pixels import get_decoder

    if not isinstance(source, Path):
        return
    syntax = data.file_meta.TransferSyntaxUID
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        refuse(path, f"compressed as {syntax.name}, for which there is no decoder here")


def _is_float(source: Any) -> bool:
    """Are the pixels floating point? What they are stored under says so."""
    from pydicom import dcmread

    if not isinstance(source, Path):
        return "PixelData" not in source
    tags = ["FloatPixelData", "DoubleFloatPixelData"]
    data = dcmread(source, specific_tags=tags, defer_size=1024, force=True)
    return any(tag in data for tag in tags)


def _rescales(data: "Dataset", pages: int) -> list[Rescale]:
    """Slope and intercept of each page: of the file, of all its frames, or of each."""

    def of(group: "Dataset", default: Rescale) -> Rescale:
        sequence = group.get("PixelValueTransformationSequence")
        group = sequence[0] if sequence else group
        slope, intercept = group.get("RescaleSlope"), group.get("RescaleIntercept")
        return Rescale(
            default.slope if slope is None else float(slope),
            default.intercept if intercept is None else float(intercept),
        )

    shared = of(data, Rescale(1.0, 0.0))
    if sequence := data.get("SharedFunctionalGroupsSequence"):
        shared = of(sequence[0], shared)
    frames = list(data.get("PerFrameFunctionalGroupsSequence") or ())[:pages]
    found = [of(one, shared) for one in frames]
    found += [shared] * (pages - len(found))
    if any(one.slope == 0 for one in found):
        raise ValueError("a rescale slope of 0")
    return found


def _rescaled_dtype(rescales: list[Rescale], low: float, high: float, stored: np.dtype) -> np.dtype:
    if all(number.is_integer() for one in rescales for number in one):
        for dtype in WHOLE:
            if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
                return dtype
    return np.dtype(np.float32 if stored.itemsize <= 2 else np.float64)
