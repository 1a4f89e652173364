"""Noise2Noise: input and target are two noisy versions of one image; no clean image is needed.

References
----------
J. Lehtinen et al., "Noise2Noise: Learning Image Restoration without Clean Data", ICML 2018.
"""

from typing import ClassVar, Literal

import numpy as np

from denoising.data.datasets import INPUT, TARGET
from denoising.methods.base import Method, Order
from denoising.noise.base import Noise


class Noise2Noise(Method):
    """Learns from pairs of two noisy images; what it learns of the second is the loss's matter."""

    name: Literal["noise2noise"]

    table: ClassVar[str] = "noise2noise"
    targets: ClassVar[Literal["clean", "noisy"]] = "noisy"
    versions: ClassVar[int] = 2

    def pairs(
        self, clean: np.ndarray, noisy: np.ndarray, order: Order = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        return noisy[INPUT][order].astype(np.float32), noisy[TARGET][order].astype(np.float32)

    def problem(self, noise: Noise) -> str:
        clipped_gaussian = getattr(noise, "name", "") == "gaussian" and getattr(noise, "clip", 0)
        if self.loss.name == "tobit" and not clipped_gaussian:
            return "is for clipped Gaussian noise"
        return ""
