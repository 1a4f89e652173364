"""The classical filters that the article names as the traditional methods."""

from typing import ClassVar, Literal

import numpy as np
from scipy import ndimage

from denoising.methods.base import Assumption
from denoising.sections import Odd, Positive, Section

# of an average of neighbours; noise that these share becomes weaker too, only less
_AVERAGE = (Assumption.ZERO_MEAN, Assumption.SMOOTH)


class Identity(Section):
    """The images themselves: the baseline of doing nothing."""

    name: Literal["identity"]

    assumes: ClassVar[tuple[Assumption, ...]] = ()

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return images


class Median(Section):
    """Median over size x size pixels, reflecting border."""

    name: Literal["median"]
    size: Odd

    assumes: ClassVar[tuple[Assumption, ...]] = (Assumption.SMOOTH,)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return ndimage.median_filter(images, size=(1, self.size, self.size, 1), mode="reflect")


class Mean(Section):
    """Moving average over size x size pixels, reflecting border."""

    name: Literal["mean"]
    size: Odd

    assumes: ClassVar[tuple[Assumption, ...]] = _AVERAGE

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return ndimage.uniform_filter(images, size=(0, self.size, self.size, 0), mode="reflect")


class Gaussian(Section):
    """Gaussian blur of standard deviation `sigma` pixels, reflecting border."""

    name: Literal["gaussian"]
    sigma: Positive

    assumes: ClassVar[tuple[Assumption, ...]] = _AVERAGE

    def __call__(self, images: np.ndarray) -> np.ndarray:
        sigmas = (0, self.sigma, self.sigma, 0)
        return ndimage.gaussian_filter(images, sigma=sigmas, mode="reflect")
