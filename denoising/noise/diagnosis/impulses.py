"""Pixels that were replaced: salt and pepper, and random values.

Salt is looked for where all eight neighbours are darker than half of white, which noise of a
neighbourhood hardly is by chance: how often the pixel amid them is white does not depend on the
image then. Strong noise that was cut to white is there as well, and has a tail that leads there;
impulses have none. The tail of a density whose logarithm is concave, as a normal one's is, falls
beyond white at least as fast as it did before.

Random values are looked for in `outliers`.
"""

import math
from typing import NamedTuple

import numpy as np

from denoising.noise.diagnosis import neighbours, outliers
from denoising.noise.diagnosis.estimates import UNKNOWN, Estimate, bootstrap
from denoising.noise.diagnosis.samples import Samples, Window

BANDS = (0.5, 0.75)  # where the tail is measured: between these, and from the second to white
SLOWEST = 0.85  # that a tail falls by from band to band: that of sigma 1
FEWEST = 500  # pixels amid darker ones: of fewer, nothing is told of salt
SALTED = 0.002  # share of the pixels from which on there are impulses
RANDOM = 0.02  # share of the pixels from which on there are random impulses: textures have some


class Impulses(NamedTuple):
    """Shares of the pixels that were replaced; NaN where it cannot be told.

    Attributes
    ----------
    salt, pepper : Estimate
        By white and by black.
    random : Estimate
        By values between.
    """

    salt: Estimate
    pepper: Estimate
    random: Estimate

    @property
    def has_impulses(self) -> bool:
        """Are there more than images have by themselves?"""
        return bool(self.there)

    @property
    def there(self) -> dict[str, float]:
        """Shares of those of which there are more than that."""
        least = {"salt": SALTED, "pepper": SALTED, "random": RANDOM}
        found = self._asdict()
        return {name: found[name].value for name in least if _beyond(found[name], least[name])}

    @property
    def has_salt_and_pepper(self) -> bool:
        """Likewise, black and white ones?"""
        return any(_beyond(one, SALTED) for one in (self.salt, self.pepper))


def _beyond(one: Estimate, threshold: float) -> bool:
    """Lies the whole interval beyond? Where there is none, the value counts."""
    least = one.low if math.isfinite(one.low) else one.value
    return least > threshold


def look(samples: Samples, step: float, weights: np.ndarray) -> Impulses:
    """Shares of impulses.

    Parameters
    ----------
    step : float
        Between pixel values; NaN: none.
    weights : ndarray (resamples, units)
    """
    salt, pepper = (_extreme(samples, white, weights) for white in (True, False))
    random = outliers.share(samples, step, weights)
    # what was replaced by white and black is far from its neighbours too
    ends = sum(Impulses(salt, pepper, UNKNOWN).there.values())
    return Impulses(salt, pepper, random.map(lambda share: max(0.0, share - ends)))


def mended(pixels: np.ndarray, found: Impulses) -> np.ndarray:
    """Images (H, W, C) in which what seems replaced is the median of its neighbours.

    What is left of the noise is weaker by about the share of such pixels.
    """
    middle = neighbours.median(pixels)
    deviation = np.abs(pixels - middle)
    replaced = np.zeros(pixels.shape, bool)
    if "salt" in found.there:
        replaced |= (pixels >= 1) & (middle < 1)
    if "pepper" in found.there:
        replaced |= (pixels <= 0) & (middle > 0)
    if "random" in found.there:
        spread = outliers.ROBUST * float(np.median(deviation))
        replaced |= deviation > outliers.FAR * max(spread, outliers.FINEST)
    return np.where(replaced, middle, pixels)


def _extreme(samples: Samples, white: bool, weights: np.ndarray) -> Estimate:
    """Share of salt; or of pepper, which is salt of the negative."""

    def maps(window: Window) -> np.ndarray:
        pixels = window.pixels if white else 1 - window.pixels
        amid = np.maximum.reduce(list(neighbours.around(pixels))) < BANDS[0]
        edges = (*BANDS, 1.0)
        found = [amid, *(amid & (pixels >= edge) for edge in edges)]
        return np.stack([one.sum(axis=-1, dtype=float) for one in found], axis=-1)

    sums = samples.sums(maps)
    if sums[:, 0].sum() < FEWEST:
        return UNKNOWN
    return bootstrap(lambda row: [_salt(row @ sums)], weights)[0]


def _salt(sums: np.ndarray) -> float:
    """Pixels amid dark ones, those of them from each edge on: how many are beyond the tail?"""
    amid, *upward, at_white = sums
    if not amid:
        return math.nan
    lower, upper = upward[0] - upward[1], upward[1] - at_white
    fall = min(upper / lower, SLOWEST) if lower else SLOWEST
    tail = upper * fall / (1 - fall)
    return max(0.0, at_white - tail) / amid
