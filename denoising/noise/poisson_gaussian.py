"""A camera's noise: shot noise, and that of its electronics."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from denoising.noise.base import Noise, Sigma
from denoising.noise.clipping import clipped_likelihood, clipped_mean


class PoissonGaussian(Noise):
    """White is `peak` photons in the mean; `sigma` is the noise that is there in the dark.

    With `clip` the sum is cut to [0, 1]. Its mean and likelihood take the sum for Gaussian noise of
    variance sigma² + y / peak, which it nearly is from some ten photons on.

    References
    ----------
    A. Foi et al., "Practical Poissonian-Gaussian noise modeling and fitting for single-image
    raw-data", IEEE Trans. Image Processing 17 (2008).
    """

    name: Literal["poisson_gaussian"]
    peak: float = Field(ge=1, le=1e6)
    sigma: Sigma
    clip: bool

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        photons = rng.poisson(np.asarray(clean, dtype=float) * self.peak)
        noisy = rng.standard_normal(clean.shape, dtype=np.float32)
        noisy *= self.sigma
        noisy += (photons / self.peak).astype(np.float32)
        return np.clip(noisy, 0, 1, out=noisy) if self.clip else noisy

    def mean(self, clean: ArrayLike) -> np.ndarray:
        clean = np.asarray(clean, dtype=float)
        return clipped_mean(clean, np.sqrt(self.variance(clean))) if self.clip else clean

    def variance(self, clean: ArrayLike) -> np.ndarray:
        return self.sigma**2 + np.asarray(clean, dtype=float) / self.peak

    def likelihood(self, noisy: ArrayLike, values: ArrayLike) -> np.ndarray:
        sigma = np.sqrt(self.variance(values))
        return clipped_likelihood(noisy, values, sigma, self.clip, self.clip)
