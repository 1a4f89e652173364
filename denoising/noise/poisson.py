"""Shot noise."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field
from scipy.special import gammaln, pdtr, pdtrc, xlogy

from denoising.noise.base import Noise


class Poisson(Noise):
    """White is `peak` photons in the mean, a pixel is their number over `peak`.

    `clip` cuts it at 1.
    """

    name: Literal["poisson"]
    peak: float = Field(ge=1, le=1e6)
    clip: bool

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        photons = rng.poisson(np.asarray(clean, dtype=float) * self.peak)
        noisy = (photons / self.peak).astype(np.float32)
        return np.minimum(noisy, 1, out=noisy) if self.clip else noisy

    def mean(self, clean: ArrayLike) -> np.ndarray:
        clean = np.asarray(clean, dtype=float)
        if not self.clip:
            return clean
        # the sum over k <= m of k P(k) is the rate times P(K <= m - 1)
        rate, most = clean * self.peak, np.floor(self.peak)
        return clean * pdtr(most - 1, rate) + 1 - pdtr(most, rate)

    def variance(self, clean: ArrayLike) -> np.ndarray:
        return np.asarray(clean, dtype=float) / self.peak

    def likelihood(self, noisy: ArrayLike, values: ArrayLike) -> np.ndarray:
        photons = np.maximum(np.asarray(noisy, dtype=float)[:, None] * self.peak, 0)
        rate = np.asarray(values, dtype=float) * self.peak
        inside = np.exp(xlogy(photons, rate) - rate - gammaln(photons + 1))
        at_white = self.clip & (photons >= self.peak)
        return np.where(at_white, pdtrc(np.ceil(self.peak) - 1, rate), inside)
