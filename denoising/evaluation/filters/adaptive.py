"""What filters need that follow the noise level: a section's key for it, and an estimate of it."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import PlainValidator
from pydantic_core import PydanticKnownError

from denoising.methods.base import Assumption
from denoising.noise.estimate import estimated_sigma
from denoising.sections import Section

ESTIMATED: Literal["estimated"] = "estimated"
MOST_NOISE = 10.0  # pixel values, as of noise models


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

    Attributes
    ----------
    assumes : tuple of Assumption
        What makes it work, and its noise level be estimated right.
    """

    sigma: NoiseLevel

    assumes: ClassVar[tuple[Assumption, ...]] = (Assumption.INDEPENDENT, Assumption.GAUSSIAN)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        filtered = np.empty(images.shape, np.float32)
        for index, image in enumerate(images):
            pixels = image.astype(np.float64)  # sums over large images lose too much in float32
            sigma = estimated_sigma(pixels) if isinstance(self.sigma, str) else self.sigma
            filtered[index] = self.filtered(pixels, sigma) if sigma > 0 else pixels
        return filtered

    def filtered(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """One image (H, W, C) float64 with noise of standard deviation `sigma`, over 0."""
        raise NotImplementedError
