"""Write .npy files: a header, then page after page."""

import numpy as np

from denoising.formats.base import ImageFile
from denoising.formats.numpy_files import NumpyFile
from denoising.formats.writing import Writer


class NumpyWriter(Writer):
    """A .npy file of the same axes as the one that was read, else of (H, W) or more."""

    def _start(self, source: ImageFile) -> None:
        header = self.header
        shape: tuple[int, ...] = (header.pages, *header.shape)
        if isinstance(source, NumpyFile):
            shape = source.shape
        else:
            shape = shape[0 if header.pages > 1 else 1 : 4 if header.channels > 1 else 3]
        self._file = open(self.temporary, "wb")  # noqa: SIM115
        form = {"descr": np.lib.format.dtype_to_descr(header.dtype), "fortran_order": False}
        np.lib.format.write_array_header_1_0(self._file, form | {"shape": shape})

    def _write(self, page: int, pixels: np.ndarray) -> None:
        self._file.write(np.ascontiguousarray(pixels).data)
