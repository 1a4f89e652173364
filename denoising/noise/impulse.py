"""Random-valued impulses."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from denoising.noise.base import Noise, Share


class Impulse(Noise):
    """A share `amount` of the pixels becomes a random value, uniform over [0, 1]."""

    name: Literal["impulse"]
    amount: Share

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        hit = rng.random(clean.shape, dtype=np.float32) < self.amount
        return np.where(hit, rng.random(clean.shape, dtype=np.float32), clean).astype(np.float32)

    def mean(self, clean: ArrayLike) -> np.ndarray:
        return (1 - self.amount) * np.asarray(clean, dtype=float) + self.amount / 2
