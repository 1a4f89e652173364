"""Write .npy files: a header, then page after page."""

import numpy as np

from denoising.formats.base import ImageFile
from denoising.formats.numpy_files import NumpyFile, axes
from denoising.formats.writing import Writer


class NumpyWriter(Writer):
    """A .npy file of the same axes as the one that was read, else of (H, W) or more."""

    def _start(self, source: ImageFile | None) -> None:
        header = self.header
        whole = (header.pages, *header.shape)
        shape = whole[header.pages == 1 : 4 - (header.channels == 1)]
        if axes(shape).count("z") != (header.pages > 1):
            shape = whole  # pages as narrow as colours are deep
        if isinstance(source, NumpyFile):
            shape = source.shape
        self._file = open(self.temporary, "wb")  # noqa: SIM115
        form = {"descr": np.lib.format.dtype_to_descr(header.dtype), "fortran_order": False}
        np.lib.format.write_array_header_1_0(self._file, form | {"shape": shape})

    def _write(self, page: int, pixels: np.ndarray) -> None:
        self._file.write(np.ascontiguousarray(pixels).data)
