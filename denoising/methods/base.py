"""What every method does.

A method is what a network learns from. One per file of this folder: a section of params.yaml that
is told apart by its `name`, and says what a batch is, what the loss is, and what the network's
output then means. What it takes for granted of images and noise is data, which advice reads.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from denoising.data.datasets import INPUT
from denoising.noise.base import Noise
from denoising.sections import Section

Inputs = np.ndarray | tuple[np.ndarray, ...]
LossFunction = str | Callable[..., Any]
Progress = Callable[[], Any]


class Assumption(StrEnum):
    """What a method takes for granted; in words that end "it presumes that ..."."""

    CLEAN = "there are clean images"
    SHOTS = "there are two shots of each scene, with independent noise"
    ZERO_MEAN = "the noise leaves the mean of a pixel alone"
    INDEPENDENT = "the noise of a pixel is independent of its neighbours'"
    GAUSSIAN = "the noise is Gaussian, of the same level everywhere"
    KNOWN_VARIANCE = "the noise's variance is known at every pixel value, and its correlations are"
    KNOWN_NOISE = "it is known how the noise changes a pixel value, clipping included"
    SMOOTH = "neighbouring pixels are nearly equal without noise"
    REPLACED = "the noise replaces some pixels, and leaves the others as they are"
    BLACK_OR_WHITE = "the noise makes some pixels black or white, and leaves the others as they are"


class Given(NamedTuple):
    """What a method is told besides images.

    Attributes
    ----------
    noise : Noise
        Of the noisy images.
    multiple : int
        What height and width of a network's images must be multiples of.
    """

    noise: Noise
    multiple: int = 1


class Task(NamedTuple):
    """What is fitted.

    Attributes
    ----------
    model : keras.Model
        Takes what `Method.examples` gives, and computes with the network's own weights.
    loss : str or callable
        As `keras.Model.compile` takes it.
    metrics : list of str
        Likewise; "mse" where targets are images.
    """

    model: Any
    loss: LossFunction
    metrics: list[str]


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
    assumes : tuple of Assumption
        What makes it work.
    networks : tuple of str
        The networks that it works with; empty: all that give an image.
    """

    table: ClassVar[str]
    targets: ClassVar[Literal["clean", "noisy"]]
    versions: ClassVar[int]
    assumes: ClassVar[tuple[Assumption, ...]]
    networks: ClassVar[tuple[str, ...]] = ()

    def examples(
        self,
        clean: np.ndarray | None,
        noisy: np.ndarray,
        given: Given,
        rng: np.random.Generator,
    ) -> tuple[Inputs, np.ndarray]:
        """Inputs and targets to learn from, (N, H, W, C) float32 each, or tuples of such inputs.

        Parameters
        ----------
        clean : ndarray (N, H, W, C) uint8, or float32 on the scale [0, 1], or None
        noisy : ndarray (D, N, H, W, C) float16 or float32
            At least `versions` of each image.
        given : Given
        rng : Generator
            For what the method draws itself, such as masks.
        """
        raise NotImplementedError

    def outputs(self, channels: int) -> int:
        """How many values a network gives at each pixel of an image with so many channels."""
        return channels

    def task(self, network: Any, given: Given, progress: Progress) -> Task:
        """What is fitted, with the weights of a network.

        Parameters
        ----------
        network : keras.Model
        given : Given
        progress : callable
            How much of the training is done, 0 to 1, a scalar tensor.
        """
        raise NotImplementedError

    def denoiser(self, network: Any, given: Given) -> Any:
        """The trained network as one from a noisy image to the denoised one, a `keras.Model`."""
        return network

    def problem(self, noise: Noise) -> str:
        """Why the method is not for this noise; "" where it is. Begins with a key of its own."""
        return ""

    @property
    def loss_name(self) -> str:
        """The loss, in a word."""
        return "mse"

    @property
    def learns(self) -> str:
        """Which property of its targets a network learns, clean images apart."""
        return "mean"

    @property
    def tells_error(self) -> bool:
        """Is the loss's metric "mse" the error against the targets, so that a collapse shows?"""
        return False

    @property
    def about(self) -> dict[str, str]:
        """What evaluation and report need to know of it, in words."""
        own: Any = self
        return {
            "method": own.name,
            "table": self.table,
            "targets": self.targets,
            "loss": self.loss_name,
            "learns": self.learns,
        }


class SingleImages(Method):
    """A method for noisy images that are there once, and nothing else."""

    table: ClassVar[str] = "single"
    targets: ClassVar[Literal["clean", "noisy"]] = "noisy"
    versions: ClassVar[int] = 1

    def examples(
        self,
        clean: np.ndarray | None,
        noisy: np.ndarray,
        given: Given,
        rng: np.random.Generator,
    ) -> tuple[Inputs, np.ndarray]:
        return self.of_images(noisy[INPUT].astype(np.float32), given, rng)

    def of_images(
        self, images: np.ndarray, given: Given, rng: np.random.Generator
    ) -> tuple[Inputs, np.ndarray]:
        """See `Method.examples`, of noisy images (N, H, W, C) float32."""
        raise NotImplementedError


def probed(network: Any) -> tuple[list[Any], list[Any]]:
    """What a network makes of images, and of the same with a change added.

    Returns
    -------
    inputs : list of two symbolic tensors (N, H, W, C)
        Images, and changes.
    predictions : list of two symbolic tensors
    """
    import keras

    shape = (None, None, network.inputs[0].shape[-1])
    images, change = keras.Input(shape), keras.Input(shape)
    return [images, change], [network(images), network(images + change)]


def needs_variance(name: str, noise: Noise) -> str:
    """The problem of a noise whose variance is not known, or which moves the mean."""
    kind = noise.model_dump()["name"]
    if not noise.has_variance:
        return f"name = {name!r}: the variance of its noise should be known, that of {kind} is not"
    if not noise.keeps_mean:
        return f"name = {name!r}: its noise should leave the mean alone; {kind} moves it here"
    return ""
