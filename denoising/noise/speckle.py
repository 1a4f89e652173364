"""Speckle: multiplicative Gaussian noise."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from denoising.noise.base import Noise, Sigma
from denoising.noise.clipping import clipped_mean


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
        # a black pixel has no spread to divide by
        return clipped_mean(clean, self.sigma * np.maximum(clean, 1e-9))
