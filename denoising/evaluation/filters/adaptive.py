"""What filters need that follow the noise level: a section's key for it, and an estimate of it."""

import warnings
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import PlainValidator
from pydantic_core import PydanticKnownError

from denoising.files import InputError
from denoising.sections import Section

ESTIMATED = "estimated"
MOST_NOISE = 10.0  # pixel values, as of noise models
SHORTEST = 4  # pixels; the length of the wavelet that noise is estimated with


def _noise_level(value: Any) -> Any:
    """A number or `ESTIMATED`, refused as one value: a union would name each of its types."""
    wanted = f"should be a number over 0, up to {MOST_NOISE:g}, or {ESTIMATED}"
    if isinstance(value, str) and value != ESTIMATED:
        try:
            float(value)
        except ValueError:
            raise ValueError(wanted) from None
        raise PydanticKnownError("float_type")  # a number as only one kind of YAML reads it
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value != ESTIMATED and not (is_number and 0 < value <= MOST_NOISE):
        raise ValueError(wanted)
    return value


NoiseLevel = Annotated[float | Literal["estimated"], PlainValidator(_noise_level)]


class Adaptive(Section):
    """A filter whose strength follows the standard deviation of the noise, image by image.

    `sigma` is that standard deviation, pixel values on the scale [0, 1], the same in all channels;
    "estimated": `estimated_sigma` of each image. An image in which no noise is found stays as it
    is.
    """

    sigma: NoiseLevel

    def __call__(self, images: np.ndarray) -> np.ndarray:
        filtered = np.empty(images.shape, np.float32)
        for index, image in enumerate(images):
            pixels = image.astype(np.float64)  # sums over large images lose too much in float32
            sigma = estimated_sigma(pixels) if isinstance(self.sigma, str) else self.sigma
            filtered[index] = self._filter(pixels, sigma) if sigma > 0 else pixels
        return filtered

    def _filter(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """One image (H, W, C) float64 with noise of standard deviation `sigma`, over 0."""
        raise NotImplementedError


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
            f"an image of {height} x {width} pixels: too small to estimate its noise from; "
            f"give the filter's sigma as a number"
        )
    if min(height, width) < SHORTEST:
        along = image if width > height else image.swapaxes(0, 1)
        image = along.reshape(-1, channels)
    with warnings.catch_warnings():
        # of small sides, which might have been channels, and of the mean of no details
        warnings.simplefilter("ignore")
        found = [estimate_sigma(image[..., channel]) for channel in range(channels)]
    return float(np.mean(np.nan_to_num(found)))
