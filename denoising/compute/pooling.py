"""Pooling that does not alias."""

from typing import Any

import numpy as np

from denoising.compute.backend import keras

_BINOMIAL = np.array([1, 2, 1]) / 4

ops = keras.ops


@keras.saving.register_keras_serializable("denoising")
class BlurredMaxPooling2D(keras.layers.Layer):
    """The maximum around every pixel, blurred, and every second pixel of that.

    Parameters
    ----------
    pool_size : int or tuple of int
        2: other sizes are not there.

    References
    ----------
    R. Zhang, "Making Convolutional Networks Shift-Invariant Again", ICML 2019.
    """

    def __init__(self, pool_size: Any = 2, **options: Any) -> None:
        super().__init__(**options)
        if pool_size not in (2, (2, 2), [2, 2]):
            raise ValueError(f"pool_size = {pool_size}: should be 2")
        self.pool_size = self.strides = (2, 2)

    def call(self, images: Any) -> Any:
        """(N, H, W, C) -> (N, H / 2, W / 2, C)."""
        channels = images.shape[-1]
        kernel = np.outer(_BINOMIAL, _BINOMIAL)[..., None, None]
        kernel = ops.cast(np.repeat(kernel, channels, axis=2), images.dtype)
        largest = ops.max_pool(images, 2, strides=1, padding="same")
        return ops.depthwise_conv(largest, kernel, strides=2, padding="same")

    def compute_output_shape(self, shape: Any) -> Any:
        """Half the height, half the width."""
        count, height, width, channels = shape
        return count, height and -(-height // 2), width and -(-width // 2), channels

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return super().get_config() | {"pool_size": 2}
