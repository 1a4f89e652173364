"""What a network believes of each pixel, as a distribution, and what the noisy pixel adds to it.

The distribution is over `values` evenly spaced in [0, 1]: a Gaussian times the exponential of a
polynomial, all of which a network gives coefficients for. Free probabilities for each value would
be as general, but strong noise hardly tells neighbouring values apart, and their gradients fade:
on MNIST with sigma 0.5 a network learns next to nothing of them. The coefficients of a few smooth
functions are what such noise does tell.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from denoising.compute.backend import keras

DEGREE = 4  # of the polynomial
COEFFICIENTS = 2 + DEGREE  # of a channel: place and width of the Gaussian, then the polynomial's
GAIN = 4.0  # of the polynomial, so that a step of the optimizer is noticed
_WIDTH = 0.4  # of the Gaussian that an untrained network gives: nearly even over [0, 1]

ops = keras.ops


def log_prior(coefficients: Any, values: np.ndarray) -> Any:
    """Logarithms of the probabilities that a network gives to each value.

    Parameters
    ----------
    coefficients : tensor (N, H, W, C * COEFFICIENTS) float32
    values : ndarray (K,)

    Returns
    -------
    tensor (N, H, W, C, K) float32
    """
    shape = ops.shape(coefficients)
    channels = coefficients.shape[-1] // COEFFICIENTS
    by_channel = ops.reshape(coefficients, (*shape[:-1], channels, COEFFICIENTS))
    place = 0.5 + by_channel[..., 0:1]
    # narrower than a step between values, it would be one of them, and its place had no gradient
    step = float(values[1] - values[0])
    width = step + 2 * _WIDTH * ops.exp(-ops.softplus(by_channel[..., 1:2]))
    gaussian = -ops.square((values.astype(np.float32) - place) / width) / 2
    polynomial = ops.matmul(by_channel[..., 2:], ops.convert_to_tensor(_basis(values)))
    logits = gaussian + polynomial
    return logits - ops.logsumexp(logits, axis=-1, keepdims=True)


def _basis(values: np.ndarray) -> np.ndarray:
    """Legendre polynomials of degree 1 to `DEGREE` at the values: (DEGREE, K) float32."""
    legendre = np.polynomial.legendre.legvander(2 * values - 1, DEGREE)[:, 1:].T
    return (GAIN * legendre).astype(np.float32)


def log_likelihood(noisy: Any, table: Any, low: float, high: float) -> Any:
    """Logarithms of the likelihood of noisy pixels, read from a table.

    Parameters
    ----------
    noisy : tensor (N, H, W, C) float32
    table : tensor (2 + M, K) float32
        Of pixels at or below `low`, of those in the middle of M steps from `low` to `high`, and of
        those at or above `high`.
    low, high : float

    Returns
    -------
    tensor (N, H, W, C, K) float32
    """
    steps = table.shape[0] - 2
    inside = ops.floor((noisy - low) * (steps / (high - low)))
    row = 1 + ops.clip(inside, 0, steps - 1)
    row = ops.where(noisy <= low, 0.0, ops.where(noisy >= high, float(steps + 1), row))
    return ops.take(table, ops.cast(row, "int32"), axis=0)


def values_of(table: Any) -> np.ndarray:
    """The clean pixel values that a table's columns stand for: (K,)."""
    return np.linspace(0, 1, table.shape[1])


def surprise(coefficients: Any, noisy: Any, table: Any, low: float, high: float) -> Any:
    """Negative logarithm of the probability of what was observed, in nats: (N, H, W, C) float32.

    Parameters
    ----------
    coefficients : tensor (N, H, W, C * COEFFICIENTS) float32
    noisy : tensor (N, H, W, C) float32
    table, low, high
        See `log_likelihood`.
    """
    seen = log_likelihood(noisy, table, low, high)
    return -ops.logsumexp(log_prior(coefficients, values_of(table)) + seen, axis=-1)


@keras.saving.register_keras_serializable("denoising")
class Posterior(keras.layers.Layer):
    """The mean of what a pixel may be, after it was seen: what a network believes times likelihood.

    Takes what the network gives and the noisy image, gives the denoised one. The table is a weight
    that is not trained, so that a model file needs nothing beside it.

    Parameters
    ----------
    size : tuple (rows, values)
        Of the table; see `log_likelihood`.
    low, high : float
        Likewise.

    References
    ----------
    S. Laine, T. Karras, J. Lehtinen, T. Aila, "High-Quality Self-Supervised Deep Image Denoising",
    NeurIPS 2019.
    """

    def __init__(self, size: Sequence[int], low: float, high: float, **options: Any) -> None:
        super().__init__(**options)
        self.size, self.low, self.high = tuple(size), low, high

    def build(self, _: Any) -> None:
        """Make room for the table."""
        self.table = self.add_weight(
            shape=self.size, initializer="zeros", trainable=False, dtype="float32", name="table"
        )

    def call(self, inputs: Sequence[Any]) -> Any:
        """(N, H, W, C * COEFFICIENTS), (N, H, W, C) -> (N, H, W, C)."""
        coefficients, noisy = inputs
        values = values_of(self.table)
        seen = log_likelihood(noisy, self.table, self.low, self.high)
        together = ops.softmax(log_prior(coefficients, values) + seen, axis=-1)
        return ops.sum(together * values.astype(np.float32), axis=-1)

    def compute_output_shape(self, shapes: Sequence[Any]) -> Any:
        """That of the noisy image."""
        return shapes[1]

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        own = {"size": list(self.size), "low": self.low, "high": self.high}
        return super().get_config() | own
