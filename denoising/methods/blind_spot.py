"""A blind spot with a likelihood: single images, and noise that is known, clipping included.

The network says from a pixel's neighbours what the pixel may be, a distribution; the noise says
how likely the observed value is, given each; the network learns to make what is observed likely.
The answer is the mean of both together: the best there is, if noise is independent from pixel to
pixel. Clipping needs no correction: a pixel at an end says that it was there or beyond.

References
----------
S. Laine, T. Karras, J. Lehtinen, T. Aila, "High-Quality Self-Supervised Deep Image Denoising",
NeurIPS 2019.
A. Krull, T. Vicar, M. Prakash, M. Lalit, F. Jug, "Probabilistic Noise2Void: Unsupervised
Content-Aware Denoising", Frontiers in Computer Science 2 (2020).
"""

from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from denoising.methods.base import Assumption, Given, Inputs, Progress, SingleImages, Task
from denoising.noise.base import Noise

STEPS = 1024  # of noisy pixel values that are told apart
BEYOND = 6  # standard deviations, that noisy values may lie outside [0, 1]
FEWEST, MOST = 32, 256  # clean pixel values that are told apart
PER_SIGMA = 6  # of them within a standard deviation of the weakest noise
UNMOVED = 1e-6  # difference of a pixel's mean that is rounding
FAINTEST = 1e-30  # likelihood, for its logarithm


class Table(NamedTuple):
    """See `denoising.compute.beliefs.log_likelihood`.

    Attributes
    ----------
    logarithms : ndarray (2 + STEPS, K) float32
    low, high : float
    """

    logarithms: np.ndarray
    low: float
    high: float


class BlindSpot(SingleImages):
    """Learns what a pixel may be from its neighbours, and weighs it with what was observed."""

    name: Literal["blind_spot"]

    assumes: ClassVar[tuple[Assumption, ...]] = (Assumption.INDEPENDENT, Assumption.KNOWN_NOISE)
    networks: ClassVar[tuple[str, ...]] = ("blind_spot",)

    def of_images(
        self, images: np.ndarray, given: Given, rng: np.random.Generator
    ) -> tuple[Inputs, np.ndarray]:
        return images, images

    def outputs(self, channels: int) -> int:
        """See `Method.outputs`."""
        from denoising.compute.beliefs import COEFFICIENTS

        return channels * COEFFICIENTS

    def task(self, network: Any, given: Given, progress: Progress) -> Task:
        from keras import ops

        from denoising.compute import beliefs

        table = likelihoods(given.noise)
        logarithms = ops.convert_to_tensor(table.logarithms)

        def loss(noisy: Any, coefficients: Any) -> Any:
            """Nats per pixel, the mean over the channels."""
            nats = beliefs.surprise(coefficients, noisy, logarithms, table.low, table.high)
            return ops.mean(nats, axis=-1)

        return Task(network, loss, [])

    def denoiser(self, network: Any, given: Given) -> Any:
        from denoising.compute import beliefs, execution

        table = likelihoods(given.noise)
        posterior = beliefs.Posterior(
            table.logarithms.shape, table.low, table.high, dtype="float32", name="output"
        )
        model = execution.continued(network, posterior)
        posterior.set_weights([table.logarithms])
        return model

    def problem(self, noise: Noise) -> str:
        name = noise.model_dump()["name"]
        if not noise.has_likelihood:
            return f"name = 'blind_spot': its noise should have a known likelihood, {name} has none"
        if not noise.is_independent:
            return "name = 'blind_spot': its noise should be independent from pixel to pixel"
        return ""

    @property
    def loss_name(self) -> str:
        """See `Method.loss_name`."""
        return "likelihood"

    @property
    def learns(self) -> str:
        """See `Method.learns`."""
        return "distribution before the noise"


def likelihoods(noise: Noise) -> Table:
    """The likelihood of noisy pixel values, given clean ones, as a table."""
    sigmas = np.sqrt(noise.variance(np.linspace(0, 1, 256)))
    finest = 0 if noise.spares_pixels else sigmas.min()
    count = int(np.clip(np.ceil(PER_SIGMA / max(finest, 1e-6)), FEWEST, MOST))
    values = np.linspace(0, 1, count)
    low, high = _reach(noise, sigmas)
    step = (high - low) / STEPS
    middles = low + step * (np.arange(STEPS) + 0.5)
    seen = noise.likelihood(np.concatenate([[low], middles, [high]]), values)
    return Table(np.log(np.maximum(seen, FAINTEST)).astype(np.float32), low, high)


def _reach(noise: Noise, sigmas: np.ndarray) -> tuple[float, float]:
    """Between which values noisy pixels are told apart: [0, 1] where noise is cut there."""
    values = np.linspace(0, 1, 65)
    moved = np.abs(noise.mean(values) - values) > UNMOVED
    low = 0.0 if moved[values < 1 / 2].any() else -BEYOND * float(sigmas[0])
    high = 1.0 if moved[values > 1 / 2].any() else 1 + BEYOND * float(sigmas[-1])
    return low, high
