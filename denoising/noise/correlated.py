"""Gaussian noise that neighbouring pixels share, as demosaicking, scaling or JPEG leave it."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from denoising.noise.base import Noise, Sharing, Sigma, smoothed
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

    has_likelihood: ClassVar[bool] = False  # of a pixel alone it is, which is not that of an image

    @property
    def sharing(self) -> Sharing:
        """See `Noise.sharing`."""
        return Sharing(self.across, self.down)

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        noisy = self.sigma * smoothed(
            rng.standard_normal(clean.shape, dtype=np.float32), self.across, self.down
        )
        noisy += clean
        return np.clip(noisy, 0, 1, out=noisy) if self.clip else noisy

    def mean(self, clean: ArrayLike) -> np.ndarray:
        clean = np.asarray(clean, dtype=float)
        return clipped_mean(clean, self.sigma) if self.clip else clean

    def variance(self, clean: ArrayLike) -> np.ndarray:
        return np.full_like(np.asarray(clean, dtype=float), self.sigma**2)
