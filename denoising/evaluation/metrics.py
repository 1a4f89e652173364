"""Measures of denoised images (N, H, W, C) against clean ones, pixel values on the scale [0, 1]."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

LOW, HIGH = -0.25, 1.25  # pixel values that histograms reach to
PSNR_LIMIT = 100.0  # dB; an exact reproduction would give infinity, which JSON cannot hold
SSIM_WINDOW = 11  # pixels; sigma 1.5, cut off at 3.5 sigma


def mse_per_image(prediction: ArrayLike, clean: np.ndarray) -> np.ndarray:
    """Mean squared error of each image: (N,) float64."""
    difference = np.asarray(prediction, np.float64) - clean
    return np.mean(difference**2, axis=(1, 2, 3))


def psnr(mse: ArrayLike) -> np.ndarray:
    """Peak signal-to-noise ratio in dB for a peak of 1, at most `PSNR_LIMIT`; elementwise.

    Of a colour image the mean squared error is over all pixels and channels together, as
    `mse_per_image` gives it: one PSNR, not the mean of one for each channel.
    """
    return -10 * np.log10(np.maximum(mse, 10 ** (-PSNR_LIMIT / 10)))


def ssim(prediction: ArrayLike, clean: ArrayLike) -> float:
    """Structural similarity of one image to another, the mean over its channels.

    Gaussian window of sigma 1.5 (11 x 11 pixels), data range 1.

    Parameters
    ----------
    prediction, clean : array_like (H, W, C)

    Returns
    -------
    float
        At most 1; NaN for images smaller than the window, for which it is not defined.

    References
    ----------
    Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli, "Image quality assessment: from error visibility to
    structural similarity", IEEE Transactions on Image Processing 13 (2004).
    """
    from skimage.metrics import structural_similarity  # takes half a second

    one, other = np.asarray(prediction, np.float64), np.asarray(clean, np.float64)
    if min(one.shape[:2]) < SSIM_WINDOW:
        return float("nan")
    options = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5}
    options |= {"use_sample_covariance": False, "channel_axis": -1}
    return float(structural_similarity(one, other, **options))


def ssim_per_image(prediction: ArrayLike, clean: ArrayLike) -> np.ndarray:
    """`ssim` of each image: (N,) float64, NaN where images are smaller than its window."""
    pairs = zip(np.asarray(prediction), np.asarray(clean), strict=True)
    return np.array([ssim(one, other) for one, other in pairs], np.float64)


def t_interval(values: np.ndarray) -> tuple[float, float] | None:
    """95 % interval (low, high) of the mean of few values (N,), by Student's t.

    Returns
    -------
    tuple or None
        None: of a single value nothing is known.
    """
    from scipy import stats

    if len(values) < 2:
        return None
    reach = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return float(np.mean(values)) - reach, float(np.mean(values)) + reach


def mean_interval(
    values: np.ndarray, resamples: int, seed: int = 0, weights: np.ndarray | None = None
) -> tuple[float, float]:
    """95 % percentile bootstrap interval (low, high) of the mean of values (N,).

    Images are resampled.

    Parameters
    ----------
    weights : ndarray (N,), optional
        Of the values in the mean, such as pixels per image.
    """
    from scipy import stats  # takes half a second, which stages that fail early should not wait for

    columns: tuple[np.ndarray, ...] = (values,)
    statistic: Callable[..., Any] = np.mean
    if weights is not None and np.ptp(weights) > 0:
        columns, statistic = (values * weights, weights), _ratio
    if len(values) < 2 or np.ptp(values) == 0:
        return float(np.mean(values)), float(np.mean(values))
    result = stats.bootstrap(
        columns,
        statistic,
        n_resamples=resamples,
        batch=100,
        method="percentile",
        paired=len(columns) > 1,
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def _ratio(weighted: np.ndarray, weights: np.ndarray, axis: int = -1) -> np.ndarray:
    return weighted.sum(axis=axis) / weights.sum(axis=axis)


def histogram(values: ArrayLike, step: float, counts: np.ndarray | None = None) -> np.ndarray:
    """Share of pixels in each bin of `histogram_counts`."""
    found = histogram_counts(values, step, counts)
    return found / found.sum()


def histogram_counts(
    values: ArrayLike, step: float, counts: np.ndarray | None = None
) -> np.ndarray:
    """Number of pixels in bins centred on the multiples of `step`, see `histogram_centres`.

    Parameters
    ----------
    values : array_like
        Pixel values. What lies outside is counted in the outermost bins.
    step : float
        Width of a bin.
    counts : ndarray of int, optional
        How many pixels have each of the values; None: one.
    """
    centres = histogram_centres(step)
    index = np.rint(np.asarray(values, np.float64).ravel() / step).astype(int)
    index -= round(centres[0] / step)
    places = np.clip(index, 0, len(centres) - 1)
    return np.bincount(places, weights=counts, minlength=len(centres))


def histogram_centres(step: float) -> np.ndarray:
    """The multiples of `step` from `LOW` to `HIGH`."""
    return np.arange(np.ceil(LOW / step - 1e-9), np.floor(HIGH / step + 1e-9) + 1) * step
