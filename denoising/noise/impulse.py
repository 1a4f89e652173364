"""Random-valued impulses."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from denoising.noise.base import Noise, Share, nearest


class Impulse(Noise):
    """A share `amount` of the pixels becomes a random value, uniform over [0, 1]."""

    name: Literal["impulse"]
    amount: Share

    @property
    def spares_pixels(self) -> bool:
        """See `Noise.spares_pixels`."""
        return True

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        hit = rng.random(clean.shape, dtype=np.float32) < self.amount
        return np.where(hit, rng.random(clean.shape, dtype=np.float32), clean).astype(np.float32)

    def mean(self, clean: ArrayLike) -> np.ndarray:
        return (1 - self.amount) * np.asarray(clean, dtype=float) + self.amount / 2

    def variance(self, clean: ArrayLike) -> np.ndarray:
        clean = np.asarray(clean, dtype=float)
        square = (1 - self.amount) * clean**2 + self.amount / 3
        return square - self.mean(clean) ** 2

    def likelihood(self, noisy: ArrayLike, values: ArrayLike) -> np.ndarray:
        return (1 - self.amount) * nearest(noisy, values) + self.amount
