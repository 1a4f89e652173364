"""The noise of images that are noisy already, as it was measured."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from denoising.noise.base import Noise
from denoising.noise.clipping import clipped_likelihood, clipped_mean

FAINTEST = 1e-8  # variance that a black pixel has at least


class Measured(Noise):
    """Gaussian noise of variance `a` + `b` y, cut to black or white where the images say so.

    None is drawn: the images have it. Unlike `real`, of which nothing is known.

    References
    ----------
    A. Foi, "Clipped noisy images: heteroskedastic modeling and practical denoising", Signal
    Processing 89 (2009).
    """

    name: Literal["measured"]
    a: float = Field(ge=0, le=100)  # variance in the dark, before clipping
    b: float = Field(ge=0, le=100)  # its growth from black to white
    clipped_black: bool
    clipped_white: bool

    is_model: ClassVar[bool] = False

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        raise ValueError("measured noise is not drawn: the images have it")

    def mean(self, clean: ArrayLike) -> np.ndarray:
        clean = np.asarray(clean, dtype=float)
        if not (self.clipped_black or self.clipped_white):
            return clean
        mean = clipped_mean(clean, np.sqrt(self.variance(clean)))
        # far from one end, the other does not matter
        kept = np.where(clean < 1 / 2, not self.clipped_black, not self.clipped_white)
        return np.where(kept, clean, mean)

    def variance(self, clean: ArrayLike) -> np.ndarray:
        return np.maximum(self.a + self.b * np.asarray(clean, dtype=float), FAINTEST)

    def likelihood(self, noisy: ArrayLike, values: ArrayLike) -> np.ndarray:
        sigma = np.sqrt(self.variance(values))
        return clipped_likelihood(noisy, values, sigma, self.clipped_black, self.clipped_white)
