"""How strong white Gaussian noise is, from each image by itself.

By a wavelet (`denoising.noise.estimate`), and by the covariance of patches: natural patches lie in
few of its dimensions, and noise in all of them alike.

References
----------
G. Chen, F. Zhu, P. A. Heng, "An efficient statistical method for image noise level estimation",
ICCV (2015).
"""

import math
from collections.abc import Callable

import numpy as np

from denoising.files import InputError
from denoising.noise.diagnosis.samples import Samples
from denoising.noise.estimate import estimated_sigma

PATCHES = (8, 5, 3)  # pixels of a patch's side: the first of which an image has enough
ENOUGH = 5  # patches for each pixel of one
COARSE = 128  # pixels, the shorter side: from there on, every third patch will do
STRIDE = 3


def patch_sigma(image: np.ndarray) -> float:
    """The standard deviation of white noise by the covariance of patches.

    Parameters
    ----------
    image : ndarray (H, W, C)

    Returns
    -------
    float
        In pixel values, the root mean square over the channels; NaN of images too small.
    """
    height, width, channels = image.shape
    stride = STRIDE if min(height, width) >= COARSE else 1
    for side in PATCHES:
        count = max(0, height - side + 1) * max(0, width - side + 1) // stride**2
        if count >= ENOUGH * side**2:
            found = [_variance(image[..., k], side, stride) for k in range(channels)]
            return float(np.sqrt(np.mean(found)))
    return math.nan


def _variance(plane: np.ndarray, side: int, stride: int) -> float:
    views = np.lib.stride_tricks.sliding_window_view(plane, (side, side))[::stride, ::stride]
    patches = views.reshape(-1, side**2) - plane.mean()
    mean = patches.mean(axis=0, dtype=np.float64)
    covariance = (patches.T @ patches) / len(patches) - np.outer(mean, mean)
    return noise_variance(np.linalg.eigvalsh(covariance))


def noise_variance(eigenvalues: np.ndarray) -> float:
    """The mean of the eigenvalues that are left when it is their median: noise's.

    The largest are dropped one by one, since these have the image. Those of noise alone scatter to
    both sides of its variance.

    Parameters
    ----------
    eigenvalues : ndarray (D,)
        In increasing order.
    """
    for count in range(len(eigenvalues), 0, -1):
        left = eigenvalues[:count]
        mean = left.mean()
        if np.sum(left > mean) >= np.sum(left < mean):
            break
    return max(float(mean), 0.0)


def wavelet_sigma(image: np.ndarray) -> float:
    """`estimated_sigma`; NaN of images too small."""
    try:
        return estimated_sigma(image)
    except InputError:
        return math.nan


def by_unit(samples: Samples, estimator: Callable[[np.ndarray], float]) -> np.ndarray:
    """Sigma of every unit (units,): the mean over its windows or tiles that are large enough.

    Where no tile is, all units have the windows' mean, and an interval of no width.
    """
    total, counts = np.zeros(samples.units), np.zeros(samples.units)
    for window in samples.windows:
        for unit, rows, columns in window.parts:
            sigma = estimator(window.pixels[rows, columns])
            if math.isfinite(sigma):
                total[unit] += sigma
                counts[unit] += 1
    if not counts.any() and samples.unit == "tiles":
        whole = [estimator(window.pixels) for window in samples.windows]
        there = [sigma for sigma in whole if math.isfinite(sigma)]
        return np.full(samples.units, np.mean(there) if there else math.nan)
    with np.errstate(invalid="ignore"):
        return total / counts
