"""The error of a denoiser from further noisy shots of the same scenes: uMSE and uPSNR.

A second shot `a` differs from the denoised image by the error and by its own noise. How strong that
noise is, two more shots say by what they differ: so nothing need be known of the noise but that it
is independent from shot to shot and leaves the mean alone. With the denoised shot itself as `b`,
three shots are enough. Of two shots alone, `denoising.evaluation.evaluate.Measured` takes the
second for `a` and both for `b` and `c`: that asks for equally strong noise in both.

References
----------
A. Marcos Morales, M. Leibovich, S. Mohan, J. L. Vincent, P. Haluai, M. Tan, P. Crozier,
C. Fernandez-Granda, "Evaluating Unsupervised Denoising Requires Unsupervised Metrics", ICML 2023,
arXiv:2210.05553.
"""

import numpy as np
from numpy.typing import ArrayLike

from denoising.evaluation import metrics


def umse_per_image(
    prediction: ArrayLike, a: np.ndarray, b: np.ndarray, c: np.ndarray
) -> np.ndarray:
    """Estimated mean squared error of each image: mean (a - f)² - mean (b - c)² / 2.

    Parameters
    ----------
    prediction : array_like (N, H, W, C)
        Made without `a`.
    a, b, c : ndarray (N, H, W, C)
        Noisy shots, float32 or float64 on the scale [0, 1] and what noise moved beyond. `b` or `c`
        may be the shot that was denoised.

    Returns
    -------
    ndarray (N,) of float64
        Below zero where the error is smaller than what the estimate is uncertain by.
    """
    noise = metrics.mse_per_image(b, np.asarray(c, np.float64)) / 2
    return metrics.mse_per_image(prediction, np.asarray(a, np.float64)) - noise


def upsnr_per_image(
    prediction: ArrayLike, a: np.ndarray, b: np.ndarray, c: np.ndarray
) -> np.ndarray:
    """PSNR in dB that follows from `umse_per_image`, for a peak of 1: (N,) float64.

    NaN of an image whose uMSE is not above 0.
    """
    found = umse_per_image(prediction, a, b, c)
    return np.where(found > 0, metrics.psnr(found), np.nan)


def umse(
    prediction: ArrayLike,
    a: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    resamples: int = 2000,
) -> tuple[float, float, float]:
    """uMSE over all images, and its 95 % interval (low, high), bootstrap over images."""
    found = umse_per_image(prediction, a, b, c)
    return float(found.mean()), *metrics.mean_interval(found, resamples)
