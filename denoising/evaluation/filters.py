"""The classical filters that the article names as the traditional methods.

Each is a section that is told apart by its `name`, and takes images (N, H, W, C).
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scipy import ndimage

from denoising.sections import Odd, Positive, Section


class Identity(Section):
    """The images themselves: the baseline of doing nothing."""

    name: Literal["identity"]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return images


class Median(Section):
    """Median over size x size pixels, reflecting border."""

    name: Literal["median"]
    size: Odd

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return ndimage.median_filter(images, size=(1, self.size, self.size, 1), mode="reflect")


class Mean(Section):
    """Moving average over size x size pixels, reflecting border."""

    name: Literal["mean"]
    size: Odd

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return ndimage.uniform_filter(images, size=(0, self.size, self.size, 0), mode="reflect")


class Gaussian(Section):
    """Gaussian blur of standard deviation `sigma` pixels, reflecting border."""

    name: Literal["gaussian"]
    sigma: Positive

    def __call__(self, images: np.ndarray) -> np.ndarray:
        sigmas = (0, self.sigma, self.sigma, 0)
        return ndimage.gaussian_filter(images, sigma=sigmas, mode="reflect")


Filter = Annotated[Identity | Median | Mean | Gaussian, Field(discriminator="name")]
