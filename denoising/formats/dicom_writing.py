"""Write DICOM: the dataset that was read, with new pixels, uncompressed.

The new file is an instance of its own, derived from the old one. Stored values have the type, bits
and rescale slope that they had.
"""

import copy
import struct
from typing import TYPE_CHECKING

import numpy as np

from denoising.formats.base import ImageFile, refuse, refusing
from denoising.formats.dicom import DicomFile
from denoising.formats.writing import ADVICE, Writer

if TYPE_CHECKING:
    from pydicom import Dataset

DESCRIPTION = "denoised"
LONGEST = 2**32 - 2  # bytes of an element
# elements that were about the old pixels, or sign them
STALE = (
    "SmallestImagePixelValue", "LargestImagePixelValue", "SmallestPixelValueInSeries",
    "LargestPixelValueInSeries", "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
    "DigitalSignaturesSequence", "MACParametersSequence", "IconImageSequence",
    "PixelPaddingRangeLimit",
)  # fmt: skip
PALETTE = "PaletteColorLookupTable"


class DicomWriter(Writer):
    """A DICOM file."""

    def _start(self, source: ImageFile | None) -> None:
        header = self.header
        if not isinstance(source, DicomFile):
            refuse(
                header.path,
                "a DICOM file can only be made of another, of equal pages, size and channels; "
                f"{ADVICE}",
            )
        if header.dtype != source.header.dtype:
            refuse(
                header.path,
                f"should have values of {source.header.dtype} as {source.header.path.name}, "
                f"not {header.dtype}; {ADVICE}",
            )
        self._source = source
        with refusing(source.header.path, "DICOM"):
            self.dataset = _derived(source)
        self._stored = self._stored_dtype()
        size = header.pages * int(np.prod(header.shape, dtype=object)) * self._stored.itemsize
        if size > LONGEST:
            refuse(header.path, f"more than the 4 GiB of pixels that DICOM holds; {ADVICE}")
        self._padding = size % 2
        self.dataset.save_as(
            self.temporary, implicit_vr=False, little_endian=True, enforce_file_format=True
        )
        self._file = open(self.temporary, "ab")  # noqa: SIM115
        element, form = 0x0010, b"OB" if self._stored.itemsize == 1 else b"OW"
        if source.floating:
            element, form = (0x0008, b"OF") if self._stored.itemsize == 4 else (0x0009, b"OD")
        self._file.write(struct.pack("<HH2s2xI", 0x7FE0, element, form, size + self._padding))

    def _stored_dtype(self) -> np.dtype:
        from pydicom.pixels.utils import pixel_dtype

        dtype = pixel_dtype(self.dataset, as_float=self._source.floating)
        return dtype.newbyteorder("<")

    def _write(self, page: int, pixels: np.ndarray) -> None:
        source = self._source
        if source.photometric == "MONOCHROME1":
            pixels = source.inverted(pixels)
        rescale = source.rescales[page]
        values = pixels
        if rescale != (1, 0):
            values = np.rint((pixels.astype(np.float64) - rescale.intercept) / rescale.slope)
        if not source.floating:
            bits = int(self.dataset.BitsStored)
            signed = bool(self.dataset.get("PixelRepresentation"))
            lowest = -(2 ** (bits - 1)) if signed else 0
            values = np.clip(values, lowest, lowest + 2**bits - 1)
        self._file.write(np.ascontiguousarray(values, self._stored).data)

    def _finish(self) -> None:
        self._file.write(bytes(self._padding))
        super()._finish()


def _derived(source: DicomFile) -> "Dataset":
    """The dataset of a new instance, without pixels."""
    from pydicom import Dataset, Sequence, uid

    data = copy.deepcopy(source.dataset)
    data.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    for name in (*STALE, *(one for one in data.dir(PALETTE) if "UID" not in one)):
        if name in data:
            delattr(data, name)
    old = Dataset()
    old.ReferencedSOPClassUID = data.get("SOPClassUID") or uid.SecondaryCaptureImageStorage
    old.ReferencedSOPInstanceUID = data.get("SOPInstanceUID") or uid.generate_uid()
    data.SourceImageSequence = Sequence([old])
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = old.ReferencedSOPClassUID
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid.generate_uid()
    # images that were of one series are of one series again, but not of theirs
    series = str(data.get("SeriesInstanceUID") or old.ReferencedSOPInstanceUID)
    data.SeriesInstanceUID = uid.generate_uid(entropy_srcs=[series, DESCRIPTION])
    kind = data.get("ImageType") or ["", "PRIMARY"]
    data.ImageType = ["DERIVED", *([kind] if isinstance(kind, str) else list(kind))[1:]]
    before = data.get("DerivationDescription")
    data.DerivationDescription = f"{before}; {DESCRIPTION}" if before else DESCRIPTION
    header = source.header
    if header.channels == 3:
        data.SamplesPerPixel, data.PlanarConfiguration = 3, 0
        data.PhotometricInterpretation = "RGB"
    if int(data.BitsAllocated) == 1 or source.photometric == "PALETTE COLOR":
        data.BitsAllocated = data.BitsStored = 8 * header.dtype.itemsize
        data.HighBit, data.PixelRepresentation = data.BitsStored - 1, 0
    elif not source.floating:
        data.HighBit = int(data.BitsStored) - 1
    return data
