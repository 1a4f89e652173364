"""What clipping does to noise: the mean of a clipped pixel, the way back, and how to notice it.

References
----------
A. Foi, "Clipped noisy images: heteroskedastic modeling and practical denoising", Signal Processing
89 (2009).
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from denoising.noise.base import NODES, inverse


def clipped_mean(clean: ArrayLike, sigma: ArrayLike) -> np.ndarray:
    """g(y) = E[clip(y + n, 0, 1)] with n ~ N(0, sigma²).

    This is what a network learns that is trained by squared error on clipped noisy targets.

    Parameters
    ----------
    clean : array_like
        Pixel values y in [0, 1].
    sigma : array_like
        Standard deviation of the noise before clipping, over 0.

    Returns
    -------
    ndarray of float64
    """
    clean = np.asarray(clean, dtype=float)

    def expected_excess(distance: np.ndarray) -> np.ndarray:
        """E[max(n + distance, 0)]."""
        standard = distance / sigma
        density = np.exp(-(standard**2) / 2) / np.sqrt(2 * np.pi)
        return distance * ndtr(standard) + sigma * density

    # clip(z, 0, 1) = max(z, 0) - max(z - 1, 0)
    return expected_excess(clean) - expected_excess(clean - 1)


def unclipped_mean(means: ArrayLike, sigma: float) -> np.ndarray:
    """The inverse of `clipped_mean`: pixel values y in [0, 1] with g(y) = `means`.

    What lies beyond g(0) and g(1) becomes 0 and 1. g is strictly increasing; its inverse is read
    from a table of g, exact to 1e-6 for sigma >= 0.001.
    """
    return inverse(means, clipped_mean(np.linspace(0, 1, NODES), float(sigma)))


def clipped_likelihood(
    noisy: ArrayLike, values: ArrayLike, sigma: ArrayLike, black: bool, white: bool
) -> np.ndarray:
    """How likely noisy pixels are under Gaussian noise that is cut to [0, 1], given clean ones.

    Parameters
    ----------
    noisy : array_like (N,)
    values : array_like (K,)
        Clean pixel values in [0, 1].
    sigma : array_like (K,)
        Standard deviation of the noise of each before clipping, over 0.
    black, white : bool
        Is it cut at 0, at 1?

    Returns
    -------
    ndarray (N, K) of float64
        A density inside, a probability at an end.
    """
    noisy = np.asarray(noisy, dtype=float)[:, None]
    values, sigma = np.asarray(values, dtype=float), np.asarray(sigma, dtype=float)
    standard = (noisy - values) / sigma
    density = np.exp(-(standard**2) / 2) / (np.sqrt(2 * np.pi) * sigma)
    at_black, at_white = black & (noisy <= 0), white & (noisy >= 1)
    return np.where(
        at_black, ndtr(-values / sigma), np.where(at_white, ndtr((values - 1) / sigma), density)
    )


def clipped_share(noisy: ArrayLike) -> tuple[float, float]:
    """Share of the pixels at or beyond black (0), and at or beyond white (1).

    Where clipping was at work they pile up there: half of the noisy blacks, whatever sigma.
    """
    noisy = np.asarray(noisy)
    return float(np.mean(noisy <= 0)), float(np.mean(noisy >= 1))
