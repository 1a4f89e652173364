"""Measures of denoised images (N, H, W, C) against clean ones, pixel values on the scale [0, 1]."""

import numpy as np
from numpy.typing import ArrayLike

PSNR_LIMIT = 100.0  # dB; an exact reproduction would give infinity, which JSON cannot hold


def mse_per_image(prediction: ArrayLike, clean: np.ndarray) -> np.ndarray:
    """Mean squared error of each image: (N,) float64."""
    difference = np.asarray(prediction, np.float64) - clean
    return np.mean(difference**2, axis=(1, 2, 3))


def psnr(mse: ArrayLike) -> np.ndarray:
    """Peak signal-to-noise ratio in dB for a peak of 1, at most `PSNR_LIMIT`; elementwise."""
    return -10 * np.log10(np.maximum(mse, 10 ** (-PSNR_LIMIT / 10)))


def ssim_per_image(prediction: ArrayLike, clean: ArrayLike) -> np.ndarray:
    """Structural similarity of each image, the mean over its channels: (N,) float64.

    Gaussian window of sigma 1.5 (11 x 11 pixels), data range 1.

    References
    ----------
    Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli, "Image quality assessment: from error visibility to
    structural similarity", IEEE Transactions on Image Processing 13 (2004).
    """
    from skimage.metrics import structural_similarity  # takes half a second

    pairs = zip(np.asarray(prediction, np.float64), np.asarray(clean, np.float64), strict=True)
    options = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5}
    options |= {"use_sample_covariance": False, "channel_axis": -1}
    return np.array([structural_similarity(a, b, **options) for a, b in pairs])


def mean_interval(values: np.ndarray, resamples: int, seed: int = 0) -> tuple[float, float]:
    """95 % percentile bootstrap interval (low, high) of the mean of values (N,).

    Images are resampled.
    """
    from scipy import stats  # takes half a second, which stages that fail early should not wait for

    if len(values) < 2 or np.ptp(values) == 0:
        return float(np.mean(values)), float(np.mean(values))
    result = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        batch=100,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def histogram(
    values: ArrayLike,
    step: float,
    low: float = -0.25,
    high: float = 1.25,
    counts: np.ndarray | None = None,
) -> np.ndarray:
    """Share of pixels in bins centred on the multiples of `step` within [low, high].

    Parameters
    ----------
    values : array_like
        Pixel values. What lies outside is counted in the outermost bins.
    step, low, high : float
        For the bins' centres see `histogram_centres`.
    counts : ndarray of int, optional
        How many pixels have each of the values; None: one.
    """
    centres = histogram_centres(step, low, high)
    index = np.rint(np.asarray(values, np.float64).ravel() / step).astype(int)
    index -= round(centres[0] / step)
    places = np.clip(index, 0, len(centres) - 1)
    found = np.bincount(places, weights=counts, minlength=len(centres))
    return found / found.sum()


def histogram_centres(step: float, low: float = -0.25, high: float = 1.25) -> np.ndarray:
    """The multiples of `step` within [low, high]."""
    return np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
