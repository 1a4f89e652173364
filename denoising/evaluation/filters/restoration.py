"""Non-local means, total variation and wavelet thresholding, as scikit-image computes them."""

import warnings
from typing import Literal

import numpy as np

from denoising.evaluation.filters.adaptive import Adaptive

# Buades, Coll and Morel's parameters of non-local means by noise level on the scale of 8 bits:
# up to this sigma, the sides of patch and research window in pixels, and h / sigma
NLM_GREY = (
    (15, 3, 21, 0.40),
    (30, 5, 21, 0.40),
    (45, 7, 35, 0.35),
    (75, 9, 35, 0.35),
    (100, 11, 35, 0.30),
)
NLM_COLOUR = ((25, 3, 21, 0.55), (55, 5, 35, 0.40), (100, 7, 35, 0.35))

TOLERANCE = 0.01  # of the residual's standard deviation, relative
STEPS = 10  # of the iteration for the weight; later ones change it by a few percent
# of scikit-image's solver, whose own stop before the image is the flattest: edges are still blurred
CONVERGED, ITERATIONS = 1e-5, 500

WAVELET, SCALES = "sym8", 4


class NonLocalMeans(Adaptive):
    """Non-local means: the mean of pixels whose surroundings look alike.

    Patch, research window and h follow the noise level by the table that Buades, Coll and Morel
    published, one for grey images and one for colour, whose channels are compared together; more
    noise than 100/255 has the last row. scikit-image's fast mode compares patches by their plain
    mean squared difference, as published, less what noise adds to it. Unlike the published program
    it averages pixels, not whole patches.

    References
    ----------
    A. Buades, B. Coll, J.-M. Morel, "Non-Local Means Denoising", Image Processing On Line 1 (2011).
    J. Darbon, A. Cunha, T. Chan, S. Osher, G. Jensen, "Fast nonlocal filtering applied to electron
    cryomicroscopy", IEEE International Symposium on Biomedical Imaging (2008): the fast mode.
    """

    name: Literal["nlm"]

    def filtered(self, image: np.ndarray, sigma: float) -> np.ndarray:
        from skimage.restoration import denoise_nl_means  # takes half a second

        table = NLM_GREY if image.shape[-1] == 1 else NLM_COLOUR
        level = round(255 * sigma, 1)  # a sigma of 25/255 is often written as 0.0981
        _, patch, window, ratio = next((row for row in table if level <= row[0]), table[-1])
        filtered = denoise_nl_means(
            image,
            patch_size=patch,
            patch_distance=window // 2,
            h=ratio * sigma,
            sigma=sigma,
            fast_mode=True,
            channel_axis=-1,
        )
        return filtered.reshape(image.shape)  # a single channel's axis is lost


class TotalVariation(Adaptive):
    """Total variation: the flattest image whose difference to the noisy one is as large as noise.

    Each channel by itself. The weight of the total variation is the one that leaves a residual of
    standard deviation `sigma` (discrepancy principle), found by Chambolle's iteration: multiply it
    by `sigma` over the residual's, to `TOLERANCE` or `STEPS` times. A channel that varies less than
    its noise becomes its mean.

    References
    ----------
    L. Rudin, S. Osher, E. Fatemi, "Nonlinear total variation based noise removal algorithms",
    Physica D 60 (1992).
    A. Chambolle, "An algorithm for total variation minimization and applications", Journal of
    Mathematical Imaging and Vision 20 (2004), section 4.
    """

    name: Literal["tv"]

    def filtered(self, image: np.ndarray, sigma: float) -> np.ndarray:
        channels = np.moveaxis(image, -1, 0)
        return np.stack([_least_variation(channel, sigma) for channel in channels], axis=-1)


def smoothed(noisy: np.ndarray, weight: float) -> np.ndarray:
    """One channel (H, W) with the weight that its total variation has, in pixel values."""
    from skimage.restoration import denoise_tv_chambolle  # takes half a second

    return denoise_tv_chambolle(noisy, weight=weight, eps=CONVERGED, max_num_iter=ITERATIONS)


def _least_variation(noisy: np.ndarray, sigma: float) -> np.ndarray:
    """One channel (H, W), denoised by total variation to a residual of `sigma`."""
    if noisy.std() <= sigma:  # no weight leaves so large a residual, the largest is the mean
        return np.full_like(noisy, noisy.mean())
    weight, filtered = sigma, noisy
    for _ in range(STEPS):
        filtered = smoothed(noisy, weight)
        residual = (noisy - filtered).std()
        if abs(residual - sigma) <= TOLERANCE * sigma:
            break
        weight *= sigma / residual
    return filtered


class Wavelet(Adaptive):
    """Soft thresholding of wavelet coefficients.

    Chang, Yu and Vetterli's setting: Daubechies' least asymmetric wavelet with eight vanishing
    moments, four scales, fewer where the image is too small for them. `threshold` is theirs, from
    the variance of each band ("bayes", BayesShrink), or Donoho and Johnstone's universal one, the
    same for all bands ("visu", VisuShrink), which smooths more. Colour images are taken apart into
    luma and two differences of colours (YCbCr), in which the channels of photographs have less in
    common.

    References
    ----------
    S. G. Chang, B. Yu, M. Vetterli, "Adaptive wavelet thresholding for image denoising and
    compression", IEEE Transactions on Image Processing 9 (2000).
    D. Donoho, I. Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81 (1994).
    """

    name: Literal["wavelet"]
    threshold: Literal["bayes", "visu"] = "bayes"

    def filtered(self, image: np.ndarray, sigma: float) -> np.ndarray:
        import pywt
        from skimage.restoration import denoise_wavelet  # takes half a second

        largest = pywt.dwtn_max_level(image.shape[:2], WAVELET)
        with warnings.catch_warnings():  # one scale of a small image is better than none
            warnings.filterwarnings("ignore", "Level value of 1 is too high", UserWarning)
            return denoise_wavelet(
                image,
                sigma=sigma,
                wavelet=WAVELET,
                wavelet_levels=min(SCALES, max(1, largest)),
                method={"bayes": "BayesShrink", "visu": "VisuShrink"}[self.threshold],
                mode="soft",
                convert2ycbcr=image.shape[-1] == 3,
                channel_axis=-1,
            )
