"""Model files of half the size, to be published: kernels as float16.

They are computed in float32 as before.
"""

import io
import zipfile
from typing import Any

import h5py
import numpy as np

from denoising.files import InputError, PathLike, atomic

_WEIGHTS = "model.weights.h5"


def export(source: PathLike, target: PathLike) -> None:
    """Copy a .keras archive with its kernels rounded from float32 to float16.

    Biases and batch-norm statistics stay as they are: they take no room, and errors in them add up
    over all pixels. `keras.saving.load_model` casts kernels back: the network that it gives has
    float32 weights and computes as the original.

    Raises
    ------
    InputError
        If a weight is beyond the range of float16 (65504).
    """
    with (
        zipfile.ZipFile(source) as before,
        atomic(target) as temporary,
        zipfile.ZipFile(temporary, "w") as after,
    ):
        for member in before.infolist():
            content = before.read(member)
            if member.filename == _WEIGHTS:
                content = _rounded(content, source)
            member.compress_type = zipfile.ZIP_DEFLATED
            after.writestr(member, content)


def _rounded(content: bytes, name: PathLike) -> bytes:
    result = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as before, h5py.File(result, "w") as after:
        before.visititems(lambda path, item: _copy(path, item, after, name))
    return result.getvalue()


def _copy(path: str, item: Any, after: h5py.File, name: PathLike) -> None:
    if isinstance(item, h5py.Group):
        copy = after.require_group(path)
    else:
        values = item[()]
        if values.dtype == np.float32 and values.ndim > 1:
            if np.abs(values).max(initial=0) > np.finfo(np.float16).max:
                raise InputError(
                    f"{name}: {path} has a weight of {np.abs(values).max():g}, too large for "
                    "float16"
                )
            values = values.astype(np.float16)
        copy = after.create_dataset(path, data=values)
    for key, value in item.attrs.items():
        copy.attrs[key] = value
