"""Gaussian noise that neighbouring pixels share, as demosaicking, scaling or JPEG leave it."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field
from scipy.ndimage import gaussian_filter1d

from denoising.noise.base import Noise, Sigma
from denoising.noise.clipping import clipped_mean


class Correlated(Noise):
    """White Gaussian noise through a Gaussian filter, of standard deviation `sigma` afterwards.

    `across` and `down` are the filter's standard deviations in pixels; the correlation to the next
    pixel is about exp(-1 / (4 across²)), 0.37 at 0.5 and 0.78 at 1. With `clip` the sum is cut to
    [0, 1]. Images are (..., H, W, C); every window of an image has noise of its own, which does not
    go on in the next one.
    """

    name: Literal["correlated"]
    sigma: Sigma
    across: float = Field(ge=0, le=10)
    down: float = Field(ge=0, le=10)
    clip: bool

    has_likelihood: ClassVar[bool] = False  # of a pixel alone it is known, which is of little use

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        noisy = rng.standard_normal(clean.shape, dtype=np.float32)
        for axis, spread in ((-2, self.across), (-3, self.down)):
            if spread:
                noisy = gaussian_filter1d(noisy, spread, axis=axis, mode="wrap")
                noisy /= _norm(spread)
        noisy *= self.sigma
        noisy += clean
        return np.clip(noisy, 0, 1, out=noisy) if self.clip else noisy

    def mean(self, clean: ArrayLike) -> np.ndarray:
        clean = np.asarray(clean, dtype=float)
        return clipped_mean(clean, self.sigma) if self.clip else clean

    def variance(self, clean: ArrayLike) -> np.ndarray:
        return np.full_like(np.asarray(clean, dtype=float), self.sigma**2)


def _norm(spread: float) -> np.float32:
    """What the filter makes of white noise's standard deviation."""
    impulse = np.zeros(2 * int(4 * spread + 1) + 3)
    impulse[len(impulse) // 2] = 1
    return np.float32(np.sqrt((gaussian_filter1d(impulse, spread) ** 2).sum()))
