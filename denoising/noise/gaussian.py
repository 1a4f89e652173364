"""White Gaussian noise."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from denoising.noise.base import Noise, Sigma
from denoising.noise.clipping import clipped_likelihood, clipped_mean


class Gaussian(Noise):
    """White Gaussian noise of standard deviation `sigma`, added to pixel values in [0, 1].

    With `clip` the sum is cut to [0, 1]. The noise is then no longer zero-mean: see
    `clipped_mean`.
    """

    name: Literal["gaussian"]
    sigma: Sigma
    clip: bool

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        noisy = rng.standard_normal(clean.shape, dtype=np.float32)
        noisy *= self.sigma
        noisy += clean
        return np.clip(noisy, 0, 1, out=noisy) if self.clip else noisy

    def mean(self, clean: ArrayLike) -> np.ndarray:
        clean = np.asarray(clean, dtype=float)
        return clipped_mean(clean, self.sigma) if self.clip else clean

    def variance(self, clean: ArrayLike) -> np.ndarray:
        return np.full_like(np.asarray(clean, dtype=float), self.sigma**2)

    def likelihood(self, noisy: ArrayLike, values: ArrayLike) -> np.ndarray:
        return clipped_likelihood(noisy, values, self.sigma, self.clip, self.clip)
