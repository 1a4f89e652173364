"""How strong the noise of an image is, from the image alone."""

import warnings

import numpy as np

from denoising.files import InputError

SHORTEST = 4  # pixels; the length of the wavelet that noise is estimated with


def estimated_sigma(image: np.ndarray) -> float:
    """The standard deviation of white Gaussian noise in an image, from its finest details.

    The median of the absolute coefficients of a wavelet's diagonal details over that of a standard
    normal distribution, the mean over the channels. An image of one to three rows or columns counts
    as one line. Noise that was cut to [0, 1] is estimated too low, fine texture counts as noise.

    Parameters
    ----------
    image : ndarray (H, W, C)

    Returns
    -------
    float
        In pixel values; 0 where there are no details.

    Raises
    ------
    InputError
        If no side has four pixels.

    References
    ----------
    D. Donoho, I. Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81 (1994),
    section 4.2.
    """
    from skimage.restoration import estimate_sigma  # takes half a second

    height, width, channels = image.shape
    if max(height, width) < SHORTEST:
        raise InputError(
            f"an image of {height} x {width} pixels: too small to estimate its noise from; give "
            "sigma as a number"
        )
    if min(height, width) < SHORTEST:
        along = image if width > height else image.swapaxes(0, 1)
        image = along.reshape(-1, channels)
    with warnings.catch_warnings():
        # of small sides, which might have been channels, and of the mean of no details
        warnings.simplefilter("ignore")
        found = [estimate_sigma(image[..., channel]) for channel in range(channels)]
    return float(np.mean(np.nan_to_num(found)))
