"""What every method does.

A method is what a network learns from. One per file of this folder: a section of params.yaml that
is told apart by its `name`, and says what a batch is, what the loss is, and what the network's
output then means.
"""

from typing import Any, ClassVar, Literal

import numpy as np

from denoising.methods.losses import AnyLoss, LossFunction, Progress
from denoising.noise.base import Noise
from denoising.sections import Section

Order = Any  # an index of images: slice or array of int


class Method(Section):
    """A method.

    Attributes
    ----------
    table : str
        Which of the report's tables its rows stand in: a key of
        `denoising.reporting.tables.TABLES`.
    targets : {"clean", "noisy"}
        What its targets are.
    versions : int
        How many independent noisy versions of an image it needs.
    """

    loss: AnyLoss

    table: ClassVar[str]
    targets: ClassVar[Literal["clean", "noisy"]]
    versions: ClassVar[int]

    def pairs(
        self, clean: np.ndarray, noisy: np.ndarray, order: Order = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets to learn from, (N, H, W, C) float32.

        Parameters
        ----------
        clean : ndarray (N, H, W, C) uint8, or float32 on the scale [0, 1]
        noisy : ndarray (D, N, H, W, C) float16 or float32
        order : index, optional
            Which images, in which order.
        """
        raise NotImplementedError

    def loss_function(self, noise: Noise, progress: Progress) -> LossFunction:
        """The loss as `keras.Model.compile` takes it; see `denoising.methods.losses.Loss`."""
        return self.loss.function(noise, progress)

    def problem(self, noise: Noise) -> str:
        """Why the method is not for this noise; "" where it is."""
        return ""

    @property
    def learns_mean_of_targets(self) -> bool:
        """Is the network's output the mean of its targets, so that its MSE against them tells?"""
        return self.loss.learns == "mean"

    @property
    def about(self) -> dict[str, str]:
        """What evaluation and report need to know of it, in words."""
        own: Any = self
        return {
            "method": own.name,
            "table": self.table,
            "targets": self.targets,
            "loss": self.loss.name,
            "learns": self.loss.learns,
        }
