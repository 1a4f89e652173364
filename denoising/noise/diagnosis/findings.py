"""What `diagnose` finds, and what follows from it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoising.noise.diagnosis import pattern, steps, stripes
from denoising.noise.diagnosis.ends import End
from denoising.noise.diagnosis.estimates import Estimate, finite
from denoising.noise.diagnosis.growth import Growth
from denoising.noise.diagnosis.impulses import Impulses

# correlation of neighbours from which on their noise is not independent: white noise from 5 of 255
# on gives up to 0.05 on photographs, 0.2 on drawings, cameras' 0.6; see benchmarks/diagnosis.md
CORRELATED = 0.2
GROWING = 0.5  # change of the variance from black to white over its mean, likewise
NEIGHBOURS = ("across", "down")


@dataclass(frozen=True)
class Level:
    """Standard deviation of the noise, by three estimators, in pixel values as they are.

    Attributes
    ----------
    wavelet, patches : Estimate
        Of white noise; the median over the images.
    flat : Estimate
        Of noise of any spectrum, in flat blocks; the root mean square over the levels.
    """

    wavelet: Estimate
    patches: Estimate
    flat: Estimate


@dataclass(frozen=True)
class PairFindings:
    """What the difference of two shots says."""

    sigma: Estimate
    growth: Growth
    correlations: dict[str, Estimate]


@dataclass(frozen=True)
class Diagnosis:
    """What the noise of images is like.

    All on the scale where black is 0 and white is 1.

    Attributes
    ----------
    images, windows, channels : int
        What was looked at.
    unit : {"images", "tiles"}
        What was drawn anew for intervals.
    units : int
        How many of them.
    level : Level
    growth : Growth
    correlations : dict of str to Estimate
        "across", "down", "diagonal", "across 2", "down 2", "channels".
    black, white : End
    step : float
        Between pixel values; NaN where these are continuous, or too few.
    impulses : Impulses
    rows, columns : Estimate
        Share of the noise's variance that is offsets of whole rows, of columns.
    pattern : Estimate
        Share of the variance of fine noise that stays from image to image.
    pairs : PairFindings or None
        Where there are two shots.
    """

    images: int
    windows: int
    channels: int
    unit: str
    units: int
    level: Level
    growth: Growth
    correlations: dict[str, Estimate]
    black: End
    white: End
    step: float
    impulses: Impulses
    rows: Estimate
    columns: Estimate
    pattern: Estimate
    pairs: PairFindings | None = None

    @property
    def sigma(self) -> Estimate:
        """The most trustworthy level: from pairs, or flat blocks, or patches, or the wavelet."""
        found = [self.level.flat, self.level.patches, self.level.wavelet]
        if self.pairs:
            found.insert(0, self.pairs.sigma)
        return next((one for one in found if math.isfinite(one.value)), found[-1])

    @property
    def best_correlations(self) -> dict[str, Estimate]:
        """From pairs, where there are any."""
        return self.pairs.correlations if self.pairs else self.correlations

    @property
    def best_growth(self) -> Growth:
        """From pairs, where there are any."""
        return self.pairs.growth if self.pairs else self.growth

    @property
    def unclipped_sigma(self) -> float:
        """Before clipping, of a pixel in the middle of the range, by a + b / 2; NaN if unknown."""
        growth = self.best_growth
        return math.sqrt(growth.a.value + np.nan_to_num(growth.b.value) / 2)

    @property
    def _is_hidden(self) -> bool:
        """Do replaced pixels hide the rest of the noise? They decide what blocks seem flat."""
        return self.pairs is None and self.has_impulses

    @property
    def is_independent(self) -> bool | None:
        """Is the noise of neighbours independent? None: it cannot be told."""
        if self._is_hidden:
            return None
        found = [self.best_correlations[name] for name in NEIGHBOURS]
        if any(_outside(one, CORRELATED) for one in found):
            return False
        return True if all(_inside(one, CORRELATED) for one in found) else None

    @property
    def is_signal_dependent(self) -> bool | None:
        """Does the variance change with the signal? None: it cannot be told."""
        if self._is_hidden:
            return None
        one = self.best_growth.relative
        if _outside(one, GROWING):
            return True
        return False if _inside(one, GROWING) else None

    @property
    def is_clipped(self) -> tuple[bool, bool]:
        """Was noise cut at black, at white, so that the mean is moved there?"""
        return self.black.is_clipped, self.white.is_clipped

    @property
    def has_impulses(self) -> bool:
        """Were pixels replaced by black, white or random values?"""
        return self.impulses.has_impulses

    @property
    def is_quantized(self) -> bool | None:
        """Is the step over half of sigma, so that rounding is a noise of its own?"""
        return steps.matters(self.step, self.sigma.value)

    @property
    def has_rows(self) -> bool | None:
        """Have whole rows offsets? None: it cannot be told."""
        return stripes.is_striped(self.rows)

    @property
    def has_columns(self) -> bool | None:
        """Have whole columns offsets? None: it cannot be told."""
        return stripes.is_striped(self.columns)

    @property
    def has_fixed_pattern(self) -> bool | None:
        """Do images share a part of their noise? None: there are too few of one size."""
        return pattern.is_shared(self.pattern)

    def decisions(self) -> dict[str, bool | None]:
        """All that is decided, by name."""
        black, white = self.is_clipped
        return {
            "is_independent": self.is_independent,
            "is_signal_dependent": self.is_signal_dependent,
            "is_clipped_black": black,
            "is_clipped_white": white,
            "has_impulses": self.has_impulses,
            "is_quantized": self.is_quantized,
            "has_rows": self.has_rows,
            "has_columns": self.has_columns,
            "has_fixed_pattern": self.has_fixed_pattern,
        }

    def to_json(self) -> dict[str, Any]:
        """All of it as a dict for JSON: finite numbers, or null."""
        content = {name: _plain(value) for name, value in vars(self).items()}
        return content | {"decisions": self.decisions()}

    def sentences(self) -> list[str]:
        """One plain sentence for each finding."""
        from denoising.noise.diagnosis.sentences import sentences  # which needs this class

        return sentences(self)


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return value.to_json()
    if isinstance(value, Level | Growth | PairFindings):
        return {name: _plain(one) for name, one in vars(value).items()}
    if isinstance(value, End | Impulses):
        return {name: _plain(one) for name, one in value._asdict().items()}
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, float | np.floating):
        return finite(float(value))
    return value


def _outside(one: Estimate, bound: float) -> bool:
    """Lies the whole interval beyond a bound on either side?"""
    low, high = _ends(one)
    return low > bound or high < -bound


def _inside(one: Estimate, bound: float) -> bool:
    low, high = _ends(one)
    return -bound < low and high < bound


def _ends(one: Estimate) -> tuple[float, float]:
    return (one.low, one.high) if math.isfinite(one.low) else (one.value, one.value)
