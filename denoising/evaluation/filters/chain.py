"""Filters one after another, and all that can be among them."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from denoising.evaluation.filters.calibrated import Calibrated
from denoising.evaluation.filters.fixed import Gaussian, Identity, Mean, Median
from denoising.evaluation.filters.restoration import NonLocalMeans, TotalVariation, Wavelet
from denoising.evaluation.filters.switching import SwitchingMedian
from denoising.evaluation.filters.zero_shot import ZeroShotNoise2Noise
from denoising.methods.base import Assumption
from denoising.sections import Section

Single = (
    Identity
    | Median
    | SwitchingMedian
    | Mean
    | Gaussian
    | NonLocalMeans
    | TotalVariation
    | Wavelet
    | Calibrated
    | ZeroShotNoise2Noise
)


class Chain(Section):
    """Filters one after another, each of what the one before has left."""

    name: Literal["chain"]
    filters: list[Annotated[Single, Field(discriminator="name")]] = Field(min_length=1)

    @property
    def assumes(self) -> tuple[Assumption, ...]:
        """What makes the last one work: that it does so, those before it see to."""
        return self.filters[-1].assumes

    def __call__(self, images: np.ndarray) -> np.ndarray:
        for one in self.filters:
            images = one(images)
        return images
