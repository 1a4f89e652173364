"""The noise of images that are noisy already: a camera's, a microscope's, a scanner's."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from denoising.noise.base import Noise


class Real(Noise):
    """Nothing is known of it, and none is drawn. Its mean is taken for the clean pixel."""

    name: Literal["real"]

    invertible: ClassVar[bool] = False
    has_variance: ClassVar[bool] = False
    has_likelihood: ClassVar[bool] = False
    is_model: ClassVar[bool] = False

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        raise ValueError("real noise cannot be drawn")

    def mean(self, clean: ArrayLike) -> np.ndarray:
        return np.asarray(clean, dtype=float)
