"""Noise models, and what clipping does to their mean."""

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import ndtr


class Gaussian(BaseModel):
    """White Gaussian noise of standard deviation `sigma`, added to pixel values in [0, 1].

    With `clip` the sum is cut to [0, 1]. The noise is then no longer zero-mean: see `clipped_mean`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Literal["gaussian"]
    sigma: float = Field(gt=0, le=10, allow_inf_nan=False)
    clip: bool

    def corrupt(self, clean, rng):
        """A noisy version of `clean`.

        Parameters
        ----------
        clean : ndarray
            Any shape, pixel values in [0, 1]; not modified.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of float32, the shape of `clean`
        """
        noisy = rng.standard_normal(clean.shape, dtype=np.float32)
        noisy *= self.sigma
        noisy += clean
        return np.clip(noisy, 0, 1, out=noisy) if self.clip else noisy

    def mean(self, clean):
        """E[noisy | clean], elementwise."""
        return clipped_mean(clean, self.sigma) if self.clip else np.asarray(clean, dtype=float)


def clipped_mean(clean, sigma):
    """g(y) = E[clip(y + n, 0, 1)] with n ~ N(0, sigma²): what a network trained by L2 on clipped noisy targets learns.

    Parameters
    ----------
    clean : array_like
        Pixel values y in [0, 1].
    sigma : float
        Standard deviation of the noise before clipping.

    Returns
    -------
    ndarray of float64

    References
    ----------
    A. Foi, "Clipped noisy images: heteroskedastic modeling and practical denoising", Signal Processing 89 (2009).
    """
    clean = np.asarray(clean, dtype=float)

    def expected_excess(distance):
        """E[max(n + distance, 0)]."""
        standard = distance / sigma
        return distance * ndtr(standard) + sigma * np.exp(-(standard**2) / 2) / np.sqrt(2 * np.pi)

    # clip(z, 0, 1) = max(z, 0) - max(z - 1, 0)
    return expected_excess(clean) - expected_excess(clean - 1)
