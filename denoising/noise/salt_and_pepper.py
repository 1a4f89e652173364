"""Salt-and-pepper noise."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from denoising.noise.base import Noise, Share, nearest


class SaltAndPepper(Noise):
    """A share `amount` of the pixels becomes white (of these `salt_vs_pepper`) or black."""

    name: Literal["salt_and_pepper"]
    amount: Share
    salt_vs_pepper: float = Field(ge=0, le=1)

    @property
    def spares_pixels(self) -> bool:
        """See `Noise.spares_pixels`."""
        return True

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        chance = rng.random(clean.shape, dtype=np.float32)
        noisy = np.where(chance < self.amount, np.float32(0), clean).astype(np.float32)
        noisy[chance < self.amount * self.salt_vs_pepper] = 1
        return noisy

    def mean(self, clean: ArrayLike) -> np.ndarray:
        clean = np.asarray(clean, dtype=float)
        return (1 - self.amount) * clean + self.amount * self.salt_vs_pepper

    def variance(self, clean: ArrayLike) -> np.ndarray:
        clean = np.asarray(clean, dtype=float)
        square = (1 - self.amount) * clean**2 + self.amount * self.salt_vs_pepper
        return square - self.mean(clean) ** 2

    def likelihood(self, noisy: ArrayLike, values: ArrayLike) -> np.ndarray:
        noisy, values = np.asarray(noisy, dtype=float), np.asarray(values, dtype=float)
        step = values[1] - values[0]
        salt = self.amount * self.salt_vs_pepper * (noisy >= 1)
        pepper = self.amount * (1 - self.salt_vs_pepper) * (noisy <= 0)
        # probabilities: a pixel that was not hit lies within half a step of its value
        kept = (1 - self.amount) * step * nearest(noisy, values)
        return kept + (salt + pepper)[:, None]
