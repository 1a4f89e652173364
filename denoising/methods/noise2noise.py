"""Noise2Noise: input and target are two noisy versions of one image; no clean image is needed.

Nothing says which of both is the input. With `both_directions` they change places at random,
image by image and epoch by epoch: twice as many pairs for the same work.

References
----------
J. Lehtinen et al., "Noise2Noise: Learning Image Restoration without Clean Data", ICML 2018.
"""

from typing import ClassVar, Literal

import numpy as np

from denoising.data.datasets import INPUT, TARGET
from denoising.methods.base import Assumption, Given, Inputs
from denoising.methods.losses import Regression
from denoising.noise.base import Noise


class Noise2Noise(Regression):
    """Learns from pairs of two noisy images; what it learns of the second is the loss's matter."""

    name: Literal["noise2noise"]
    both_directions: bool = False

    table: ClassVar[str] = "noise2noise"
    targets: ClassVar[Literal["clean", "noisy"]] = "noisy"
    versions: ClassVar[int] = 2
    assumes: ClassVar[tuple[Assumption, ...]] = (Assumption.SHOTS, Assumption.ZERO_MEAN)

    def examples(
        self,
        clean: np.ndarray | None,
        noisy: np.ndarray,
        given: Given,
        rng: np.random.Generator,
    ) -> tuple[Inputs, np.ndarray]:
        inputs, targets = (noisy[version].astype(np.float32) for version in (INPUT, TARGET))
        if self.both_directions:
            changed = rng.random(len(inputs)) < 0.5
            inputs[changed], targets[changed] = targets[changed], inputs[changed]
        return inputs, targets

    def problem(self, noise: Noise) -> str:
        clipped_gaussian = getattr(noise, "name", "") == "gaussian" and getattr(noise, "clip", 0)
        if self.loss.name == "tobit" and not clipped_gaussian:
            return self.refused("is for clipped Gaussian noise")
        return ""
