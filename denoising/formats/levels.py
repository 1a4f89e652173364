"""Which pixel values mean black and white, and the scale on which these are 0 and 1.

What is here holds for one file as for many: who asks decides what to do where nothing is known.
"""

from collections.abc import Iterable
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from denoising.files import PathLike
from denoising.formats.base import refuse

FAR = 20  # times white; pixel values are below, also with strong noise
BITS = (8, 10, 12, 14)  # depths of cameras and detectors that are stored in 16 bits


def extremes(bands: Iterable[np.ndarray]) -> tuple[float, float, int]:
    """The least and the greatest pixel value, and how many are NaN or infinite.

    Parameters
    ----------
    bands : iterable of ndarray
        One is looked at after the other. The extremes leave out those that are not finite
        throughout.
    """
    low, high, lost = np.inf, -np.inf, 0
    for band in bands:
        if band.dtype.kind == "f" and (count := band.size - int(np.isfinite(band).sum())):
            lost += count
        elif band.size:
            low, high = min(low, float(band.min())), max(high, float(band.max()))
    return low, high, lost


def not_finite(count: int) -> str:
    """Words for pixel values that are not finite."""
    pixels = "pixel value is" if count == 1 else "pixel values are"
    return f"{count:,} {pixels} NaN or infinite"


def tagged_black(dtype: np.dtype, black: float, white: float) -> float:
    """Black by a file's tags: a range of all that its type holds says nothing of it."""
    span = np.inf if dtype.kind == "f" else np.iinfo(dtype).max - np.iinfo(dtype).min
    return black if white - black < span else 0.0


def suggested_white(
    path: PathLike, dtype: np.dtype, greatest: float, option: str
) -> tuple[float, str]:
    """White of integers: the largest value of as many bits as the greatest one needs.

    Parameters
    ----------
    path : path-like
        The file with the greatest value.
    dtype : dtype
    greatest : float
    option : str
        What the user sets white by, for messages.

    Returns
    -------
    white : float
    why : str

    Raises
    ------
    InputError
        If the type has more than 16 bits, of which any number may be in use.
    """
    if dtype.itemsize > 2:
        refuse(
            path,
            f"nothing says which value of {dtype} is white; set {option} (the greatest value is "
            f"{greatest:g})",
        )
    most = int(np.iinfo(dtype).max).bit_length()
    bits = next((bits for bits in BITS if greatest < 2**bits), most)
    reason = f"since no value exceeds {greatest:g}" if bits < most else "as stored"
    return float(2**bits - 1), f"{bits} bits, {reason}"


def refuse_negative(path: PathLike, value: float, black: float, options: str) -> NoReturn:
    """Refuse signed integers below what would be black, where nobody has said what is."""
    refuse(
        path,
        f"has the value {value:g}, less than {black:g}, which would be black; set {options}",
    )


def to_unit(pixels: np.ndarray, black: float, white: float) -> np.ndarray:
    """Pixel values on the scale from black (0) to white (1): float32, not clipped."""
    values = pixels.astype("f4" if pixels.dtype.itemsize <= 2 else "f8")
    values = (values - black) / (white - black)
    return values.astype(np.float32, copy=False)


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
