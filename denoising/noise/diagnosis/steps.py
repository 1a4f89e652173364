"""The step between the pixel values that occur, and whether rounding to it is of any matter.

Rounding adds step² / 12 to the variance, and is nearly white, as long as the noise reaches over
some steps: B. Widrow, I. Kollar, "Quantization Noise" (2008). From sigma = 2 steps on, what it adds
is under 2 % of the variance.
"""

import math
from collections.abc import Sequence

import numpy as np

MOST = 2**20  # pixel values that are looked at, evenly spaced
FEWEST = 16  # pixel values between black and white: of fewer nothing is told
LEVELS = 2  # distinct ones of these, likewise
DEPTHS = range(1, 17)  # bits that are tried first: images may not have two neighbouring values
FINEST = 1e-6  # step: below it, float32 cannot tell multiples of it from other values
NEAR = 0.03  # of a step, how far from its multiples values may be
ROUNDING = 3e-7  # what float32 may make of a pixel value
KEPT = 0.98  # share of the values that must lie on multiples: some software resamples a border
REPEATED = 0.5  # distinct values per value: where nothing repeats, no step is told
COARSE = 0.5  # step over sigma: from there on, rounding matters


def step(images: Sequence[np.ndarray]) -> float:
    """The step between pixel values.

    Parameters
    ----------
    images : sequence of ndarray
        Pixel values, white at 1, whatever type they are stored as.

    Returns
    -------
    float
        On that scale; NaN where values are continuous or too few. Of images with two values, what
        is between these.
    """
    every = max(1, sum(image.size for image in images) // MOST)
    values = np.concatenate([image.ravel()[::every] for image in images]).astype(np.float64)
    # what was cut to black and white says nothing of the values between
    inner = values[(values > 0) & (values < 1)]
    distinct = np.unique(inner)
    if not len(inner) and len(np.unique(values)) == 2:
        return 1.0
    if len(inner) < FEWEST or len(distinct) < LEVELS:
        return math.nan
    for bits in DEPTHS:
        size = 1 / (2**bits - 1)
        if _share_on(inner, size) >= KEPT:
            return size
    if len(distinct) > REPEATED * len(inner):
        return math.nan
    gaps = np.diff(distinct)
    gaps = gaps[gaps > 2 * ROUNDING]
    size = float(gaps.min()) if len(gaps) else 0.0
    if size < FINEST or _share_on(inner - distinct[0], size) < KEPT:
        return math.nan
    # the least gap has the rounding of two values, the whole range that of two as well
    whole = float(distinct[-1] - distinct[0])
    return whole / round(whole / size)


def _share_on(values: np.ndarray, size: float) -> float:
    """Share of values that are multiples of a step."""
    places = values / size
    return float(np.mean(np.abs(places - np.rint(places)) <= NEAR + ROUNDING / size))


def matters(size: float, sigma: float) -> bool | None:
    """Is the step so coarse that rounding is a noise of its own? None: it cannot be told."""
    if math.isnan(sigma):
        return None
    return not math.isnan(size) and size > COARSE * sigma
