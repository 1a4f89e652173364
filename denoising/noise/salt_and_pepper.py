"""Salt-and-pepper noise."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from denoising.noise.base import Noise, Share


class SaltAndPepper(Noise):
    """A share `amount` of the pixels becomes white (of these `salt_vs_pepper`) or black."""

    name: Literal["salt_and_pepper"]
    amount: Share
    salt_vs_pepper: float = Field(ge=0, le=1)

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        chance = rng.random(clean.shape, dtype=np.float32)
        noisy = np.where(chance < self.amount, np.float32(0), clean).astype(np.float32)
        noisy[chance < self.amount * self.salt_vs_pepper] = 1
        return noisy

    def mean(self, clean: ArrayLike) -> np.ndarray:
        clean = np.asarray(clean, dtype=float)
        return (1 - self.amount) * clean + self.amount * self.salt_vs_pepper
