"""Clean targets: the network sees a noisy image and is told the clean one."""

from typing import ClassVar, Literal

import numpy as np

from denoising.data.datasets import INPUT
from denoising.data.store import as_unit
from denoising.methods.base import Assumption, Given, Inputs
from denoising.methods.losses import Regression
from denoising.noise.base import Noise


class Supervised(Regression):
    """Learns from pairs of a noisy and a clean image."""

    name: Literal["supervised"]

    table: ClassVar[str] = "supervised"
    targets: ClassVar[Literal["clean", "noisy"]] = "clean"
    versions: ClassVar[int] = 1
    assumes: ClassVar[tuple[Assumption, ...]] = (Assumption.CLEAN,)

    def examples(
        self,
        clean: np.ndarray | None,
        noisy: np.ndarray,
        given: Given,
        rng: np.random.Generator,
    ) -> tuple[Inputs, np.ndarray]:
        assert clean is not None
        return noisy[INPUT].astype(np.float32), as_unit(clean)

    def problem(self, noise: Noise) -> str:
        return self.refused("is for noisy targets") if self.loss.name == "tobit" else ""
