"""Images through a network."""

import sys

import keras
import numpy as np


def denoise(model, images, batch_size):
    """Denoised images (N, H, W) float32 of noisy ones (N, H, W), pixel values on the scale [0, 1]; not clipped.

    Raises
    ------
    ValueError
        If the network needs a height and width that are multiples of a number, and these are not.
    """
    multiple = size_multiple(model)
    height, width = images.shape[1:]
    if height % multiple or width % multiple:
        raise ValueError(
            f"images of {height} x {width} pixels: network {model.name} needs multiples of {multiple}"
        )
    inputs = images.astype(np.float32)[..., None]
    return model.predict(inputs, batch_size=batch_size, verbose=1 if sys.stdout.isatty() else 0)[
        ..., 0
    ]


def size_multiple(model):
    """What height and width must be multiples of: the product of the network's pooling steps."""
    pools = (
        layer.pool_size[0] for layer in model.layers if isinstance(layer, keras.layers.MaxPooling2D)
    )
    return int(np.prod(list(pools), dtype=int))
