"""The noise of images that are noisy already, as it was measured."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from denoising.noise.base import Noise, Sharing, spread_of
from denoising.noise.clipping import clipped_likelihood, clipped_mean

FAINTEST = 1e-8  # variance that a black pixel has at least

_Variance = Annotated[float, Field(ge=0, le=100)]
_Correlation = Annotated[float, Field(ge=0, le=0.95)]
_Hit = Annotated[float, Field(ge=0, le=0.9)]


class Measured(Noise):
    """Gaussian noise of variance `a` + `b` y, cut to black or white where the images say so.

    None is drawn: the images have it. Unlike `real`, of which nothing is known. `across`, `down`
    and `channels` are correlations to the next pixel and the next channel; `salt`, `pepper` and
    `random` are shares of the pixels that were replaced by white, black or anything.

    References
    ----------
    A. Foi, "Clipped noisy images: heteroskedastic modeling and practical denoising", Signal
    Processing 89 (2009).
    """

    name: Literal["measured"]
    a: _Variance  # in the dark, before clipping
    b: _Variance  # its growth from black to white
    clipped_black: bool
    clipped_white: bool
    across: _Correlation = 0.0
    down: _Correlation = 0.0
    channels: _Correlation = 0.0
    salt: _Hit = 0.0
    pepper: _Hit = 0.0
    random: _Hit = 0.0

    is_model: ClassVar[bool] = False

    @property
    def sharing(self) -> Sharing:
        """See `Noise.sharing`."""
        return Sharing(spread_of(self.across), spread_of(self.down), self.channels)

    @property
    def spares_pixels(self) -> bool:
        """See `Noise.spares_pixels`."""
        return bool(self._hit) and self.a + self.b < FAINTEST

    @property
    def _hit(self) -> float:
        return self.salt + self.pepper + self.random

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        raise ValueError("measured noise is not drawn: the images have it")

    def mean(self, clean: ArrayLike) -> np.ndarray:
        clean = np.asarray(clean, dtype=float)
        return (1 - self._hit) * self._clipped(clean) + self.salt + self.random / 2

    def _clipped(self, clean: np.ndarray) -> np.ndarray:
        """The mean of pixels that were not replaced."""
        if not (self.clipped_black or self.clipped_white):
            return clean
        mean = clipped_mean(clean, np.sqrt(self.variance(clean)))
        # far from one end, the other does not matter
        kept = np.where(clean < 1 / 2, not self.clipped_black, not self.clipped_white)
        return np.where(kept, clean, mean)

    def variance(self, clean: ArrayLike) -> np.ndarray:
        return np.maximum(self.a + self.b * np.asarray(clean, dtype=float), FAINTEST)

    def likelihood(self, noisy: ArrayLike, values: ArrayLike) -> np.ndarray:
        noisy = np.asarray(noisy, dtype=float)
        sigma = np.sqrt(self.variance(values))
        # where pixels are replaced by an end, what lies there has a probability, no density
        black, white = (
            (self.clipped_black or self.pepper > 0),
            (self.clipped_white or self.salt > 0),
        )
        seen = clipped_likelihood(noisy, values, sigma, black, white)
        replaced = self.salt * (noisy >= 1) + self.pepper * (noisy <= 0)
        replaced = replaced + self.random * ((noisy > 0) & (noisy < 1))
        return (1 - self._hit) * seen + replaced[:, None]
