"""Which pixel values of people's files mean black and white."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from denoising.files import InputError
from denoising.formats import levels
from denoising.formats.base import refuse, shown
from denoising.formats.levels import FAR
from denoising.sources.base import Log
from denoising.sources.shared.image_files import File


@dataclass
class Extremes:
    """The least and the greatest pixel value of several files, and which files have them."""

    low: float = np.inf
    high: float = -np.inf
    low_in: str = ""
    high_in: str = ""

    def add(self, low: float, high: float, path: str) -> None:
        """Count a file in."""
        if low < self.low:
            self.low, self.low_in = low, path
        if high > self.high:
            self.high, self.high_in = high, path

    def outside(self, least: float, most: float) -> tuple[float, str] | None:
        """A value out of [least, most], and its file, if there is one."""
        if self.high > most:
            return self.high, self.high_in
        return (self.low, self.low_in) if self.low < least else None


def measure(file: File) -> tuple[float, float]:
    """The least and the greatest pixel value of a file, read in bands of rows.

    Raises
    ------
    InputError
        If it is damaged, or has pixels that are NaN or infinite.
    """
    bands = (band for page in range(file.pages) for band in file.page(page)())
    low, high, lost = levels.extremes(bands)
    if lost:
        refuse(file.path, levels.not_finite(lost))
    return low, high


def find(
    files: Sequence[File],
    clean: Extremes,
    noisy: Extremes,
    black: float | None,
    white: float | None,
    log: Log,
) -> tuple[float, float]:
    """Black and white of files of one dtype; the log says which, and why.

    Parameters
    ----------
    files : sequence of File
    clean, noisy : Extremes
        Of the pixel values, where they were measured; those of 8 bits need not be.
    black, white : float, optional
        What the user says. None: what the files say, else what their values suggest.
    log : callable
        Takes one line.

    Raises
    ------
    InputError
        If it cannot be known.
    """
    both = Extremes()
    for one in (clean, noisy):
        both.add(one.low, both.high, one.low_in)
        both.add(both.low, one.high, one.high_in)
    dtype = files[0].dtype
    why, start = "as set", black or 0.0
    if white is None and (tags := _tagged(files)):
        white, why = tags.white or 0.0, tags.white_from
        if black is None:
            start = levels.tagged_black(dtype, tags.black, white)
        if dtype.kind != "f" and both.high > white:
            refuse(
                both.high_in,
                f"has the value {both.high:g}, but white is {white:g} by {why}; set white",
            )
    if dtype.kind == "i" and black is None and both.low < min(start, 0):
        levels.refuse_negative(both.low_in, both.low, start, "black, and white")
    if white is None:
        white, why = _suggested(dtype, clean, noisy, both, start)
    if white <= start:
        raise InputError(f"white = {white:g}: should be greater than black = {start:g}")
    reach = FAR * (white - start)
    if beyond := both.outside(start - reach, start + reach):
        value, path = beyond
        refuse(
            path,
            f"has the value {value:g}, {abs(value - start) / (white - start):,.0f} times white; "
            f"set white (and black), which are {white:g} and {start:g} now",
        )
    log(f"white: {white:g} ({why}); black: {start:g}")
    if beyond := both.outside(start, white):
        value, path = beyond
        log(f"values from {both.low:g} to {both.high:g} go beyond that, as in {shown(path)}: kept")
    return start, white


def _tagged(files: Sequence[File]) -> File | None:
    """A file whose words for black and white are those of every file."""
    saying = [file for file in files if file.white is not None]
    for other in saying:
        if (other.black, other.white) != (saying[0].black, saying[0].white):
            raise InputError(f"{_said(saying[0])}, {_said(other)}; set white (and black)")
    return saying[0] if saying and len(saying) == len(files) else None


def _said(file: File) -> str:
    levels = f"black is {file.black:g} and white {file.white:g}"
    return f"{shown(file.path)} says that {levels} ({file.white_from})"


def _suggested(
    dtype: np.dtype, clean: Extremes, noisy: Extremes, both: Extremes, black: float
) -> tuple[float, str]:
    """White by the values that there are."""
    if dtype.kind == "f":
        # noise goes beyond black and white, clean images do not
        beyond = clean.outside(0, 1) or noisy.outside(-FAR, FAR)
        if beyond is None:
            return 1.0, f"values of type {dtype} from {both.low:g} to {both.high:g}"
        value, path = beyond
        refuse(
            path,
            f"has the value {value:g}; set white (and black), since values of type {dtype} beyond "
            "[0, 1] do not tell it",
        )
    white, why = levels.suggested_white(both.high_in, dtype, both.high, "white")
    return white, f"{why}; set white to say otherwise"
