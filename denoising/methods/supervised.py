"""Clean targets: the network sees a noisy image and is told the clean one."""

from typing import ClassVar, Literal

import numpy as np

from denoising.data.datasets import INPUT
from denoising.data.store import as_unit
from denoising.methods.base import Method, Order
from denoising.noise.base import Noise


class Supervised(Method):
    """Learns from pairs of a noisy and a clean image."""

    name: Literal["supervised"]

    table: ClassVar[str] = "supervised"
    targets: ClassVar[Literal["clean", "noisy"]] = "clean"
    versions: ClassVar[int] = 1

    def pairs(
        self, clean: np.ndarray, noisy: np.ndarray, order: Order = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        return noisy[INPUT][order].astype(np.float32), as_unit(clean[order])

    def problem(self, noise: Noise) -> str:
        return "is for noisy targets" if self.loss.name == "tobit" else ""
