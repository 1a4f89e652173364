"""Which pixel values of a file mean black and white, for a network that knows [0, 1]."""

from typing import NamedTuple

import numpy as np

from denoising.formats.base import Header, ImageFile, refuse, white_by_type
from denoising.inference.training_images import TrainingImages

FAR = 20  # times white; pixel values are below, also with strong noise
BITS = (8, 10, 12, 14)  # depths of cameras and detectors that are stored in 16 bits
ROWS = 512  # that are read at a time


class Levels(NamedTuple):
    """The values that mean 0 and 1, and why; `guess`: the user should be told."""

    black: float
    white: float
    why: str
    guess: bool = False


def find(
    image: ImageFile,
    black: float | None = None,
    white: float | None = None,
    trained: TrainingImages | None = None,
) -> Levels:
    """Black and white of a file.

    What the user says is right; else what the file's tags say, what held for the training images if
    these had the same type, what the type says, or what the greatest value suggests.

    Parameters
    ----------
    image : ImageFile
        Read only if its values have to tell.
    black, white : float, optional
        What the user says.
    trained : TrainingImages, optional

    Raises
    ------
    InputError
        If it cannot be known.
    """
    header = image.header
    found = _white(image, trained) if white is None else Levels(0.0, white, "as set")
    if black is not None:
        found = found._replace(black=black)
    elif header.dtype.kind == "i" and found.black == 0 and (low := extremes(image)[0]) < 0:
        refuse(
            header.path,
            f"has the value {low:g}, less than 0, which would be black; set --black and --white",
        )
    if found.white <= found.black:
        refuse(
            header.path,
            f"white = {found.white:g} ({found.why}); should be greater than black = "
            f"{found.black:g}",
        )
    return found


def _white(image: ImageFile, trained: TrainingImages | None) -> Levels:
    """White where nobody has set it."""
    header = image.header
    by_type, type_name = white_by_type(header.dtype)
    if header.white is not None and header.white_from != type_name:
        return Levels(_tagged_black(header), header.white, header.white_from)
    if trained is not None and trained.dtype == header.dtype.name:
        guess = (trained.black, trained.white) != (0, by_type)
        return Levels(trained.black, trained.white, "as in the training images", guess)
    if by_type is not None:
        return Levels(0.0, by_type, type_name)
    if header.dtype.kind == "f":
        return Levels(0.0, 1.0, "floating point")
    return _suggested(image)


def _tagged_black(header: Header) -> float:
    """Black by a file's tags: a range of all that its type holds says nothing of it."""
    whole = header.dtype.kind != "f" and header.white is not None
    full = np.iinfo(header.dtype).max - np.iinfo(header.dtype).min if whole else np.inf
    return header.black if (header.white or 0) - header.black < full else 0.0


def _suggested(image: ImageFile) -> Levels:
    """White of integers by the greatest that there is."""
    header = image.header
    high = extremes(image)[1]
    if header.dtype.itemsize > 2:
        refuse(
            header.path,
            f"nothing says which value of {header.dtype} is white; set --white (the greatest "
            f"value is {high:g})",
        )
    most = int(np.iinfo(header.dtype).max).bit_length()
    bits = next((bits for bits in BITS if high < 2**bits), most)
    reason = f"{bits} bits, since no value exceeds {high:g}" if bits < most else "as stored"
    return Levels(0.0, float(2**bits - 1), reason, guess=True)


def extremes(image: ImageFile) -> tuple[float, float]:
    """The least and the greatest integer of a file, read in bands of rows."""
    low, high = np.inf, -np.inf
    for page in range(image.header.pages):
        for start in range(0, image.header.height, ROWS):
            band = image.read(page, slice(start, start + ROWS))
            low, high = min(low, float(band.min())), max(high, float(band.max()))
    return low, high


def to_unit(pixels: np.ndarray, levels: Levels) -> np.ndarray:
    """Pixel values on the scale from black (0) to white (1): float32, not clipped."""
    values = pixels.astype("f4" if pixels.dtype.itemsize <= 2 else "f8")
    values = (values - levels.black) / (levels.white - levels.black)
    return values.astype(np.float32, copy=False)
