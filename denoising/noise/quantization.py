"""Quantisation."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from denoising.noise.base import Noise


class Quantization(Noise):
    """Rounding to 2**`bits` levels, without dither.

    The error is a function of the pixel, so there is no way back.
    """

    name: Literal["quantization"]
    bits: int = Field(ge=1, le=16)

    invertible: ClassVar[bool] = False
    has_variance: ClassVar[bool] = False
    has_likelihood: ClassVar[bool] = False

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return self.mean(clean).astype(np.float32)

    def mean(self, clean: ArrayLike) -> np.ndarray:
        steps = 2**self.bits - 1
        return np.round(np.asarray(clean, dtype=float) * steps) / steps
