"""What a network is asked to minimise, and which property of noisy targets it then learns.

- mse: their mean, which clipping moves
- mae: their median, which clipping leaves alone
- huber: in between, like mse for errors below `delta` and like mae beyond
- annealed_l0: their mode
- tobit: the mean that they had before clipping, given sigma
"""

import math

import keras
from keras import ops

EPSILON = 1e-8  # of the annealed L0 loss, as in its paper

# log(erfc(z)) = log(t) - z² + P(t) with t = 2 / (2 + z), for z >= 0; erfc is then right to 1.2e-7 of itself, however small:
# Press et al., Numerical Recipes, 2nd edition, section 6.2. Coefficients of P, the constant first.
_ERFC = (
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806,
    0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277,
)  # fmt: skip


def build(run, noise, progress):
    """The loss of a run, as `keras.Model.compile` takes it.

    Parameters
    ----------
    run : denoising.params.Run
        `delta` belongs to huber.
    noise : denoising.noise.Noise
        Of the targets. The Tobit loss wants its `sigma`.
    progress : callable
        How much of the training is done, 0 to 1, a scalar tensor.
    """
    match run.loss:
        case "huber":
            return keras.losses.Huber(delta=run.delta)
        case "annealed_l0":
            return annealed_l0(progress)
        case "tobit":
            return tobit(noise.sigma)
        case plain:
            return plain


def annealed_l0(progress):
    """(|prediction - target| + 1e-8)**gamma, with gamma falling linearly from 2 to 0 over the training.

    References
    ----------
    J. Lehtinen et al., "Noise2Noise: Learning Image Restoration without Clean Data", ICML 2018, section 3.3.
    """

    def loss(target, prediction):
        gamma = 2 * (1 - ops.cast(progress(), prediction.dtype))
        return ops.mean(ops.power(ops.abs(prediction - target) + EPSILON, gamma), axis=-1)

    return loss


def tobit(sigma, low=0.0, high=1.0):
    """Negative log-likelihood of Gaussian targets that were clipped to [low, high]: a censored, or Tobit, regression.

    A target inside is as likely as under the Gaussian; one at a rail says only that the value was there or beyond. Scaled by
    2 sigma² and without the Gaussian's constant, so that a target inside counts its squared error.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise before clipping, in pixel values.
    low, high : float
        The rails.

    References
    ----------
    J. Tobin, "Estimation of relationships for limited dependent variables", Econometrica 26 (1958).
    """

    def loss(target, prediction):
        inside = ops.square(prediction - target)
        below = -2 * sigma**2 * log_ndtr((low - prediction) / sigma)
        above = -2 * sigma**2 * log_ndtr((prediction - high) / sigma)
        return ops.mean(
            ops.where(target <= low, below, ops.where(target >= high, above, inside)), axis=-1
        )

    return loss


def log_ndtr(x):
    """Logarithm of the standard normal distribution function, finite with its gradient for all finite float32 in +-1e18."""
    z = ops.abs(x) / math.sqrt(2)
    t = 2 / (2 + z)
    polynomial = ops.zeros_like(t)
    for coefficient in reversed(_ERFC):
        polynomial = polynomial * t + coefficient
    log_tail = ops.log(t / 2) - ops.square(z) + polynomial  # of the smaller of both tails
    return ops.where(x < 0, log_tail, ops.log1p(-ops.exp(log_tail)))
