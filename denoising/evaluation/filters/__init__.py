"""Filters that need no training: the article's traditional methods, and those for photographs.

Each is a section that is told apart by its `name`, and takes images (N, H, W, C) float32, pixel
values on the scale [0, 1], which noise may have moved outside.
"""

from typing import Annotated

from pydantic import Field

from denoising.evaluation.filters.fixed import Gaussian, Identity, Mean, Median
from denoising.evaluation.filters.restoration import NonLocalMeans, TotalVariation, Wavelet

Filter = Annotated[
    Identity | Median | Mean | Gaussian | NonLocalMeans | TotalVariation | Wavelet,
    Field(discriminator="name"),
]
