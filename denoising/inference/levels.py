"""Which pixel values of a file mean black and white, for a network that knows [0, 1]."""

import functools
from collections.abc import Callable
from typing import NamedTuple

from denoising.formats import levels
from denoising.formats.base import Header, ImageFile, refuse, white_by_type
from denoising.inference.training_images import TrainingImages


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

    @functools.cache
    def extremes() -> tuple[float, float]:
        return levels.extremes(image.bands())[:2]

    found = Levels(0.0, white or 0.0, "as set")
    if white is None:
        found = _white(header, trained, lambda: extremes()[1])
    if black is not None:
        found = found._replace(black=black)
    elif header.dtype.kind == "i" and found.black == 0 and (low := extremes()[0]) < 0:
        levels.refuse_negative(header.path, low, 0, "--black, and --white")
    if found.white <= found.black:
        refuse(
            header.path,
            f"white = {found.white:g} ({found.why}); should be greater than black = "
            f"{found.black:g}",
        )
    return found


def _white(header: Header, trained: TrainingImages | None, greatest: Callable[[], float]) -> Levels:
    """White where nobody has set it; `greatest` looks for the greatest value."""
    by_type, type_name = white_by_type(header.dtype)
    if header.white is not None and header.white_from != type_name:
        black = levels.tagged_black(header.dtype, header.black, header.white)
        return Levels(black, header.white, header.white_from)
    if trained is not None and trained.dtype == header.dtype.name:
        guess = (trained.black, trained.white) != (0, by_type)
        return Levels(trained.black, trained.white, "as in the training images", guess)
    if by_type is not None:
        return Levels(0.0, by_type, type_name)
    if header.dtype.kind == "f":
        return Levels(0.0, 1.0, "floating point")
    suggested, why = levels.suggested_white(header.path, header.dtype, greatest(), "--white")
    return Levels(0.0, suggested, why, guess=True)
