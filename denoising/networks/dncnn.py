"""DnCNN: a deep network that predicts the noise and subtracts it from its input.

Convolution + ReLU; (depth - 2) times convolution without bias + batch normalisation + ReLU;
convolution. The article gives 17 layers, 64 filters 3x3 and an MSE of 0.00943 (10 epochs of
50,000 images, sigma 0.5).
    make repro; then: dvc exp run -S networks.dncnn.depth=10

References
----------
K. Zhang, W. Zuo, Y. Chen, D. Meng, L. Zhang, "Beyond a Gaussian Denoiser: Residual Learning of
Deep CNN for Image Denoising", IEEE Transactions on Image Processing 26 (2017).
"""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from denoising.networks.base import Filters, Initializer
from denoising.sections import Fraction, Odd, Positive, Section

if TYPE_CHECKING:
    import keras


class Network(Section):
    """Parameters of DnCNN."""

    depth: int = Field(ge=3, le=200)  # convolutions
    filters: Filters
    kernel_size: Odd
    batch_norm_momentum: Fraction
    batch_norm_epsilon: Positive
    initializer: Initializer
    zero_output: bool = False  # the last layer starts at zero: untrained, it is the identity


def build(section: Network, channels: int) -> "keras.Model":
    """The network with fresh weights."""
    import keras
    from keras import layers

    def convolve(x: Any, filters: int, index: int, **options: Any) -> Any:
        options = {"kernel_initializer": section.initializer} | options
        return layers.Conv2D(
            filters, section.kernel_size, padding="same", name=f"conv{index}", **options
        )(x)

    x = inputs = keras.Input((None, None, channels), name="input")  # (N, H, W, C)
    x = convolve(x, section.filters, 1, activation="relu")  # (N, H, W, filters)
    for index in range(2, section.depth):
        x = convolve(x, section.filters, index, use_bias=False)
        x = layers.BatchNormalization(
            momentum=section.batch_norm_momentum,
            epsilon=section.batch_norm_epsilon,
            name=f"norm{index}",
        )(x)
        x = layers.ReLU(name=f"relu{index}")(x)
    last = "zeros" if section.zero_output else section.initializer
    noise = convolve(x, channels, section.depth, kernel_initializer=last)  # (N, H, W, C)
    outputs = layers.Subtract(dtype="float32", name="output")([inputs, noise])
    return keras.Model(inputs, outputs, name="dncnn")
