"""A plain CNN: convolutions with ReLU, no normalisation, no skip; the baseline of the article.

The article gives 64 filters 3x3 and an MSE of 0.01171 (10 epochs of 50,000 images, sigma
0.5); its depth is not known.
    make repro; then: dvc exp run -S networks.cnn.depth=3
"""

from typing import TYPE_CHECKING

from pydantic import Field

from denoising.networks.base import Filters, Initializer, OutputActivation
from denoising.sections import Odd, Section

if TYPE_CHECKING:
    import keras


class Network(Section):
    """Parameters of the CNN."""

    depth: int = Field(ge=2, le=200)  # convolutions
    filters: Filters
    kernel_size: Odd
    output_activation: OutputActivation
    initializer: Initializer


def build(section: Network, channels: int) -> "keras.Model":
    """The network with fresh weights."""
    import keras
    from keras import layers

    x = inputs = keras.Input((None, None, channels), name="input")  # (N, H, W, C)
    for index in range(1, section.depth):
        x = layers.Conv2D(
            section.filters,
            section.kernel_size,
            padding="same",
            activation="relu",
            kernel_initializer=section.initializer,
            name=f"conv{index}",
        )(x)  # (N, H, W, filters)
    x = layers.Conv2D(
        channels,
        section.kernel_size,
        padding="same",
        kernel_initializer=section.initializer,
        name=f"conv{section.depth}",
    )(x)  # (N, H, W, C)
    outputs = layers.Activation(section.output_activation, dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name="cnn")
