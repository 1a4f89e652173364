"""Recorrupted2Recorrupted: two noisy versions with independent noise, made of a single one.

To noise that is known more is added, once as it is and once with the opposite sign, so that what
the two have in common is the image alone: y + alpha z and y - z / alpha, z having the noise's
covariance. For Poisson noise photons are split at random instead, a share `alpha` of them to the
target. The network then learns as by Noise2Noise; it sees somewhat more noise than there is, and
several versions of an image are denoised and averaged in the end.

References
----------
T. Pang, H. Zheng, Y. Quan, H. Ji, "Recorrupted-to-Recorrupted: Unsupervised Deep Learning for
Image Denoising", CVPR 2021.
B. Monroy, J. Bacca, J. Tachella, "Generalized Recorrupted-to-Recorrupted: Self-Supervised Learning
Beyond Gaussian Noise", CVPR 2025.
"""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from denoising.methods.base import (
    Assumption,
    Given,
    Inputs,
    Progress,
    SingleImages,
    Task,
    needs_variance,
)
from denoising.noise.base import Noise, kernel_of


class Recorrupted(SingleImages):
    """Learns from two versions of single noisy images, made anew in every epoch.

    `alpha` is how much more noise the input gets, or the target's share of the photons; `draws` how
    many versions of an image are averaged in the end.
    """

    name: Literal["recorrupted"]
    alpha: Annotated[float, Field(gt=0, lt=1)]
    draws: Annotated[int, Field(ge=1, le=64)]

    assumes: ClassVar[tuple[Assumption, ...]] = (
        Assumption.ZERO_MEAN,
        Assumption.KNOWN_VARIANCE,
    )

    def of_images(
        self, images: np.ndarray, given: Given, rng: np.random.Generator
    ) -> tuple[Inputs, np.ndarray]:
        if peak := _peak(given.noise):
            photons = np.round(np.maximum(images, 0) * peak).astype(np.int64)
            taken = rng.binomial(photons, self.alpha)
            rest = (photons - taken) / (peak * (1 - self.alpha))
            return rest.astype(np.float32), (taken / (peak * self.alpha)).astype(np.float32)
        more = given.noise.more(images, rng)
        return images + np.float32(self.alpha) * more, images - more / np.float32(self.alpha)

    def task(self, network: Any, given: Given, progress: Progress) -> Task:
        return Task(network, "mse", ["mse"])

    def denoiser(self, network: Any, given: Given) -> Any:
        from denoising.compute import execution, recorruption

        across, down, channels = given.noise.sharing
        again = recorruption.Recorruption(
            self.draws,
            self.alpha,
            given.noise.variance([0.0, 0.5, 1.0]).tolist(),
            kernel_of(across).tolist(),
            kernel_of(down).tolist(),
            channels,
            _peak(given.noise),
            dtype="float32",
            name="recorruption",
        )
        mean = recorruption.Mean(self.draws, dtype="float32", name="output")
        return execution.continued(network, mean, again)

    def problem(self, noise: Noise) -> str:
        return needs_variance(self.name, noise)


def _peak(noise: Noise) -> float:
    """Photons of a white pixel, where the noise is theirs alone; else 0."""
    return float(getattr(noise, "peak", 0)) if noise.model_dump()["name"] == "poisson" else 0.0
