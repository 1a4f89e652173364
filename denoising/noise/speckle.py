"""Speckle: multiplicative Gaussian noise."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from denoising.noise.base import Noise, Sigma
from denoising.noise.clipping import clipped_likelihood, clipped_mean

DARKEST = 1e-9  # a black pixel has no spread to divide by


class Speckle(Noise):
    """y becomes y (1 + n) with n of standard deviation `sigma`; `clip` cuts it to [0, 1]."""

    name: Literal["speckle"]
    sigma: Sigma
    clip: bool

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        noisy = rng.standard_normal(clean.shape, dtype=np.float32)
        noisy *= self.sigma
        noisy += 1
        noisy *= clean
        return np.clip(noisy, 0, 1, out=noisy) if self.clip else noisy

    def mean(self, clean: ArrayLike) -> np.ndarray:
        clean = np.asarray(clean, dtype=float)
        if not self.clip:
            return clean
        return clipped_mean(clean, self.sigma * np.maximum(clean, DARKEST))

    def variance(self, clean: ArrayLike) -> np.ndarray:
        return (self.sigma * np.asarray(clean, dtype=float)) ** 2

    def likelihood(self, noisy: ArrayLike, values: ArrayLike) -> np.ndarray:
        values = np.asarray(values, dtype=float)
        # of a black pixel: as narrow as the steps between values can tell
        spread = np.maximum(values, (values[1] - values[0]) / 2)
        return clipped_likelihood(noisy, values, self.sigma * spread, self.clip, self.clip)
