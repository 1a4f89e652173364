"""Win5-RB: a shallow network that is wide in filters and kernels, with a residual around it.

(depth - 1) times convolution + batch normalisation + ReLU; convolution to the image's channels +
batch normalisation; plus the input. The article gives 5 layers, 128 filters 7x7 and an MSE of
0.00873 (10 epochs of 50,000 images, sigma 0.5), or 0.0425 when it learns from noisy targets.
    make repro; then: dvc exp run -S networks.win5rb.kernel_size=5

References
----------
P. Liu, R. Fang, "Wide Inference Network for Image Denoising via Learning Pixel-distribution
Prior", arXiv:1707.05414 (2017).
"""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from denoising.networks.base import Filters, Initializer
from denoising.sections import Fraction, Odd, Positive, Section

if TYPE_CHECKING:
    import keras


class Network(Section):
    """Parameters of Win5-RB."""

    depth: int = Field(ge=2, le=200)  # convolutions
    filters: Filters
    kernel_size: Odd
    batch_norm_momentum: Fraction
    batch_norm_epsilon: Positive
    last_scale: float = Field(ge=0, le=10)  # initial scale of the last batch norm
    initializer: Initializer


def build(section: Network, channels: int) -> "keras.Model":
    """The network with fresh weights."""
    import keras
    from keras import layers

    def convolve_and_normalise(x: Any, filters: int, index: int, scale: float) -> Any:
        x = layers.Conv2D(
            filters,
            section.kernel_size,
            padding="same",
            use_bias=False,  # the batch normalisation would take it out again
            kernel_initializer=section.initializer,
            name=f"conv{index}",
        )(x)
        return layers.BatchNormalization(
            momentum=section.batch_norm_momentum,
            epsilon=section.batch_norm_epsilon,
            gamma_initializer=keras.initializers.Constant(scale),
            name=f"norm{index}",
        )(x)

    x = inputs = keras.Input((None, None, channels), name="input")  # (N, H, W, C)
    for index in range(1, section.depth):
        x = convolve_and_normalise(x, section.filters, index, scale=1.0)  # (N, H, W, filters)
        x = layers.ReLU(name=f"relu{index}")(x)
    # (N, H, W, C)
    residual = convolve_and_normalise(x, channels, section.depth, section.last_scale)
    outputs = layers.Add(dtype="float32", name="output")([inputs, residual])
    return keras.Model(inputs, outputs, name="win5rb")
