"""A plain CNN: convolutions with ReLU, no normalisation, no skip; the baseline of the article.

The article gives 64 filters 3x3 and an MSE of 0.01171 (10 epochs of 50,000 images, sigma 0.5); its depth is not known.
    make repro; then: dvc exp run -S models.cnn.depth=3
"""

import keras
from keras import layers


def build(section):
    x = inputs = keras.Input((None, None, 1), name="input")  # (N, H, W, 1)
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
        1,
        section.kernel_size,
        padding="same",
        kernel_initializer=section.initializer,
        name=f"conv{section.depth}",
    )(x)  # (N, H, W, 1)
    outputs = layers.Activation(section.output_activation, dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name="cnn")
