"""A convolutional autoencoder: max pooling down to a small latent image, nearest-neighbour upsampling back.

The article gives 64 filters 3x3 and an MSE of 0.00991 (10 epochs of 50,000 images, sigma 0.5); its depth is not known.
Height and width must be multiples of 2**levels.
    make repro; then: dvc exp run -S models.cae.convolutions_per_level=1
"""

import keras
from keras import layers


def build(section):
    def convolve(x, filters, name):
        return layers.Conv2D(
            filters,
            section.kernel_size,
            padding="same",
            activation="relu",
            kernel_initializer=section.initializer,
            name=name,
        )(x)

    x = inputs = keras.Input((None, None, 1), name="input")  # (N, H, W, 1)
    for level in range(1, section.levels + 1):
        for index in range(1, section.convolutions_per_level + 1):
            x = convolve(x, section.filters, f"encoder{level}_conv{index}")
        x = layers.MaxPooling2D(2, name=f"encoder{level}_pool")(
            x
        )  # (N, H / 2**level, W / 2**level, filters)
    x = convolve(
        x, section.latent_filters, "latent"
    )  # (N, H / 2**levels, W / 2**levels, latent_filters)
    for level in range(section.levels, 0, -1):
        x = layers.UpSampling2D(2, name=f"decoder{level}_up")(x)
        for index in range(1, section.convolutions_per_level + 1):
            x = convolve(x, section.filters, f"decoder{level}_conv{index}")
    x = layers.Conv2D(
        1,
        section.kernel_size,
        padding="same",
        kernel_initializer=section.initializer,
        name="output_conv",
    )(x)  # (N, H, W, 1)
    outputs = layers.Activation(section.output_activation, dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name="cae")
