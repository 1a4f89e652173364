"""More noise for an image that is to be denoised several times, and the mean of what comes out.

See `denoising.methods.recorrupted`. The noise is the same for every image of a size, so that a
model file gives the same result each time.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from denoising.compute.backend import keras

SEED = 0

ops = keras.ops


@keras.saving.register_keras_serializable("denoising")
class Recorruption(keras.layers.Layer):
    """Several versions of each image, with more noise like that which it has.

    Parameters
    ----------
    draws : int
    alpha : float
        How strong it is, times the noise that is there.
    variances : sequence of three float
        Of the noise at black, middle grey and white; in between by a parabola.
    across, down : sequence of float
        Filters that the noise goes through, which leave it as strong as it was.
    channels : float
        Correlation between two channels.
    peak : float
        Over 0: photons of a white pixel, of which a share alpha is taken away instead.
    """

    def __init__(
        self,
        draws: int,
        alpha: float,
        variances: Sequence[float],
        across: Sequence[float] = (1.0,),
        down: Sequence[float] = (1.0,),
        channels: float = 0.0,
        peak: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.draws, self.alpha, self.channels, self.peak = draws, alpha, channels, peak
        self.variances, self.across, self.down = map(list, (variances, across, down))

    def call(self, images: Any) -> Any:
        """(N, H, W, C) -> (draws * N, H, W, C)."""
        images = ops.concatenate([images] * self.draws, axis=0)
        if self.peak:
            photons = ops.round(ops.maximum(images, 0) * self.peak)
            left = keras.random.binomial(
                ops.shape(images), photons, 1 - self.alpha, dtype="float32", seed=SEED
            )
            return left / (self.peak * (1 - self.alpha))
        return images + self.alpha * self._sigma(images) * self._noise(images)

    def _sigma(self, images: Any) -> Any:
        black, middle, white = self.variances
        curved = 2 * (white - 2 * middle + black)
        y = ops.clip(images, 0, 1)
        return ops.sqrt(ops.maximum(black + y * (white - black - curved + curved * y), 0))

    def _noise(self, images: Any) -> Any:
        """Of variance 1, drawn so much larger that the filters need nothing beyond its border."""
        count, height, width, channels = ops.shape(images)
        size = (count, height + len(self.down) - 1, width + len(self.across) - 1)
        noise = keras.random.normal((*size, channels), dtype="float32", seed=SEED)
        if self.channels:
            common = keras.random.normal((*size, 1), dtype="float32", seed=SEED + 1)
            noise = self.channels**0.5 * common + (1 - self.channels) ** 0.5 * noise
        kernel = np.outer(self.down, self.across)[..., None, None]
        if kernel.size == 1:
            return noise
        weights = ops.convert_to_tensor(np.repeat(kernel, images.shape[-1], axis=2), "float32")
        return ops.depthwise_conv(noise, weights, padding="valid")

    def compute_output_shape(self, shape: Any) -> Any:
        """Of so many more images."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        own = ("draws", "alpha", "variances", "across", "down", "channels", "peak")
        return super().get_config() | {name: getattr(self, name) for name in own}


@keras.saving.register_keras_serializable("denoising")
class Mean(keras.layers.Layer):
    """The mean of the denoised versions of each image: takes them and the images."""

    def __init__(self, draws: int, **options: Any) -> None:
        super().__init__(**options)
        self.draws = draws

    def call(self, inputs: Sequence[Any]) -> Any:
        """(draws * N, H, W, C), (N, H, W, C) -> (N, H, W, C)."""
        versions, images = inputs
        together = ops.reshape(versions, (self.draws, *ops.shape(images)))
        return ops.mean(together, axis=0)

    def compute_output_shape(self, shapes: Sequence[Any]) -> Any:
        """That of the images."""
        return shapes[1]

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return super().get_config() | {"draws": self.draws}
