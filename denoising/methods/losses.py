"""What a network is asked to minimise, and which property of its targets it then learns.

A loss is a section with a `name`. What it learns of noisy targets:

- mse: their mean, which clipping moves
- mae: their median, which clipping leaves alone
- huber: in between, like mse for errors below `delta` and like mae beyond
- annealed_l0: their mode
- tobit: the mean that they had before clipping, given sigma
"""

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from denoising.methods.base import Given, LossFunction, Method, Progress, Task
from denoising.noise.base import Noise
from denoising.sections import Positive, Section

EPSILON = 1e-8  # of the annealed L0 loss, as in its paper

# log(erfc(z)) = log(t) - z² + P(t) with t = 2 / (2 + z), for z >= 0; erfc is then right to 1.2e-7
# of itself, however small: Press et al., Numerical Recipes, 2nd edition, section 6.2.
# Coefficients of P, the constant first.
_ERFC = (
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806,
    0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277,
)  # fmt: skip


class Loss(Section):
    """A loss. `learns` says which property of the targets its minimum is."""

    learns: ClassVar[str] = "mean"

    def function(self, noise: Noise, progress: Progress) -> LossFunction:
        """The loss as `keras.Model.compile` takes it.

        Parameters
        ----------
        noise : Noise
            Of the targets.
        progress : callable
            How much of the training is done, 0 to 1, a scalar tensor.
        """
        raise NotImplementedError


class MeanSquaredError(Loss):
    """Squared error."""

    name: Literal["mse"]

    def function(self, noise: Noise, progress: Progress) -> LossFunction:
        return self.name


class MeanAbsoluteError(Loss):
    """Absolute error."""

    name: Literal["mae"]
    learns: ClassVar[str] = "median"

    def function(self, noise: Noise, progress: Progress) -> LossFunction:
        return self.name


class Huber(Loss):
    """Squared error below `delta` (pixel values), absolute error beyond."""

    name: Literal["huber"]
    delta: Positive
    learns: ClassVar[str] = "something between mean and median"

    def function(self, noise: Noise, progress: Progress) -> LossFunction:
        import keras

        return keras.losses.Huber(delta=self.delta)


class AnnealedL0(Loss):
    """See `annealed_l0`."""

    name: Literal["annealed_l0"]
    learns: ClassVar[str] = "mode"

    def function(self, noise: Noise, progress: Progress) -> LossFunction:
        return annealed_l0(progress)


class Tobit(Loss):
    """See `tobit`. For noisy targets with clipped Gaussian noise."""

    name: Literal["tobit"]
    learns: ClassVar[str] = "mean before clipping"

    def function(self, noise: Noise, progress: Progress) -> LossFunction:
        gaussian: Any = noise
        return tobit(gaussian.sigma)


AnyLoss = Annotated[
    MeanSquaredError | MeanAbsoluteError | Huber | AnnealedL0 | Tobit, Field(discriminator="name")
]


class Regression(Method):
    """A method whose targets are images: the loss says what of them a network learns."""

    loss: AnyLoss

    def task(self, network: Any, given: Given, progress: Progress) -> Task:
        return Task(network, self.loss.function(given.noise, progress), ["mse"])

    def refused(self, reason: str) -> str:
        """The problem of a loss that does not fit."""
        return f"loss.name = {self.loss.name!r}: {reason}"

    @property
    def loss_name(self) -> str:
        """See `Method.loss_name`."""
        return self.loss.name

    @property
    def learns(self) -> str:
        """See `Method.learns`."""
        return self.loss.learns

    @property
    def tells_error(self) -> bool:
        """See `Method.tells_error`."""
        return self.loss.learns == "mean"


def annealed_l0(progress: Progress) -> LossFunction:
    """(|prediction - target| + 1e-8)**gamma, gamma falling linearly from 2 to 0 over the training.

    References
    ----------
    J. Lehtinen et al., "Noise2Noise: Learning Image Restoration without Clean Data", ICML 2018,
    section 3.3.
    """
    from keras import ops

    def loss(target: Any, prediction: Any) -> Any:
        gamma = 2 * (1 - ops.cast(progress(), prediction.dtype))
        return ops.mean(ops.power(ops.abs(prediction - target) + EPSILON, gamma), axis=-1)

    return loss


def tobit(sigma: float, low: float = 0.0, high: float = 1.0) -> LossFunction:
    """Negative log-likelihood of Gaussian targets that were clipped to [low, high].

    This is a censored, or Tobit, regression. A target inside is as likely as under the Gaussian;
    one at an end says only that the value was there or beyond. Scaled by 2 sigma² and without the
    Gaussian's constant, so that a target inside counts its squared error.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise before clipping, in pixel values.
    low, high : float
        The ends of the range.

    References
    ----------
    J. Tobin, "Estimation of relationships for limited dependent variables", Econometrica 26
    (1958).
    """
    from keras import ops

    def loss(target: Any, prediction: Any) -> Any:
        inside = ops.square(prediction - target)
        below = -2 * sigma**2 * log_ndtr((low - prediction) / sigma)
        above = -2 * sigma**2 * log_ndtr((prediction - high) / sigma)
        censored = ops.where(target <= low, below, ops.where(target >= high, above, inside))
        return ops.mean(censored, axis=-1)

    return loss


def log_ndtr(x: Any) -> Any:
    """Logarithm of the standard normal distribution function.

    Finite, with its gradient, for all finite float32 in +-1e18.
    """
    from keras import ops

    z = ops.abs(x) / math.sqrt(2)
    t = 2 / (2 + z)
    polynomial = ops.zeros_like(t)
    for coefficient in reversed(_ERFC):
        polynomial = polynomial * t + coefficient
    log_tail = ops.log(t / 2) - ops.square(z) + polynomial  # of the smaller of both tails
    return ops.where(x < 0, log_tail, ops.log1p(-ops.exp(log_tail)))
