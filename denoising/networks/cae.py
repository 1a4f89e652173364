"""A convolutional autoencoder: max pooling to a small latent image, and upsampling back.

Upsampling repeats the nearest pixel. The article gives 64 filters 3x3 and an MSE of 0.00991
(10 epochs of 50,000 images, sigma 0.5); its depth is not known.
Height and width must be multiples of 2**levels.
    make repro; then: dvc exp run -S networks.cae.convolutions_per_level=1
"""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from denoising.networks.base import Filters, Initializer, OutputActivation
from denoising.sections import Odd, Section

if TYPE_CHECKING:
    import keras


class Network(Section):
    """Parameters of the CAE."""

    levels: int = Field(ge=1, le=2)  # 28 pixels halve twice
    convolutions_per_level: int = Field(ge=1, le=20)
    filters: Filters
    latent_filters: Filters
    kernel_size: Odd
    output_activation: OutputActivation
    initializer: Initializer


def build(section: Network, channels: int) -> "keras.Model":
    """The network with fresh weights."""
    import keras
    from keras import layers

    def convolve(x: Any, filters: int, name: str) -> Any:
        return layers.Conv2D(
            filters,
            section.kernel_size,
            padding="same",
            activation="relu",
            kernel_initializer=section.initializer,
            name=name,
        )(x)

    x = inputs = keras.Input((None, None, channels), name="input")  # (N, H, W, C)
    for level in range(1, section.levels + 1):
        for index in range(1, section.convolutions_per_level + 1):
            x = convolve(x, section.filters, f"encoder{level}_conv{index}")
        # (N, H / 2**level, W / 2**level, filters)
        x = layers.MaxPooling2D(2, name=f"encoder{level}_pool")(x)
    # (N, H / 2**levels, W / 2**levels, latent_filters)
    x = convolve(x, section.latent_filters, "latent")
    for level in range(section.levels, 0, -1):
        x = layers.UpSampling2D(2, name=f"decoder{level}_up")(x)
        for index in range(1, section.convolutions_per_level + 1):
            x = convolve(x, section.filters, f"decoder{level}_conv{index}")
    x = layers.Conv2D(
        channels,
        section.kernel_size,
        padding="same",
        kernel_initializer=section.initializer,
        name="output_conv",
    )(x)  # (N, H, W, C)
    outputs = layers.Activation(section.output_activation, dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name="cae")
