"""Measures of denoised images (N, H, W) against clean ones, pixel values on the scale [0, 1]."""

import numpy as np
from skimage.metrics import structural_similarity

PSNR_LIMIT = 100.0  # dB; an exact reproduction would give infinity, which JSON cannot hold


def mse_per_image(prediction, clean):
    """Mean squared error of each image: (N,) float64."""
    difference = np.asarray(prediction, np.float64) - clean
    return np.mean(difference**2, axis=(1, 2))


def psnr(mse):
    """Peak signal-to-noise ratio in dB for a peak of 1, at most `PSNR_LIMIT`; elementwise."""
    return -10 * np.log10(np.maximum(mse, 10 ** (-PSNR_LIMIT / 10)))


def ssim_per_image(prediction, clean):
    """Structural similarity of each image: (N,) float64.

    Gaussian window of sigma 1.5 (11 x 11 pixels), data range 1.

    References
    ----------
    Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli, "Image quality assessment: from error visibility to structural
    similarity", IEEE Transactions on Image Processing 13 (2004).
    """
    return np.array(
        [
            structural_similarity(
                a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
            )
            for a, b in zip(
                np.asarray(prediction, np.float64), np.asarray(clean, np.float64), strict=True
            )
        ]
    )


def mean_interval(values, resamples, seed=0):
    """95 % percentile bootstrap interval of the mean of values (N,), resampled over images.

    Returns
    -------
    low, high : float
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


def constant_mse(clean):
    """Error of the best constant image, the variance of all pixels: a network that does no better has collapsed."""
    return float(np.var(np.asarray(clean, np.float64)))


def histogram(values, step, low=-0.25, high=1.25):
    """Share of pixels in bins centred on the multiples of `step` within [low, high].

    What lies outside is counted in the outermost bins. For `centres` see `histogram_centres`.
    """
    centres = histogram_centres(step, low, high)
    index = np.rint(np.asarray(values, np.float64).ravel() / step).astype(int) - round(
        centres[0] / step
    )
    counts = np.bincount(np.clip(index, 0, len(centres) - 1), minlength=len(centres))
    return counts / counts.sum()


def histogram_centres(step, low=-0.25, high=1.25):
    return np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
