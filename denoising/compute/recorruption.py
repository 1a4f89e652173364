"""More noise for an image that is to be denoised several times, and the mean of what comes out.

See `denoising.methods.recorrupted`. The noise is the same for every image of a size, so that a
model file gives the same result each time.
"""

from collections.abc import Sequence
from typing import Any

from denoising.compute.backend import keras

SEED = 0

ops = keras.ops


@keras.saving.register_keras_serializable("denoising")
class Recorruption(keras.layers.Layer):
    """Several versions of each image, with noise of variance alpha² (a + b y) added.

    Parameters
    ----------
    draws : int
    alpha, a, b : float
    peak : float
        Over 0: photons of a white pixel, of which a share alpha is taken away instead.
    """

    def __init__(
        self, draws: int, alpha: float, a: float, b: float, peak: float, **options: Any
    ) -> None:
        super().__init__(**options)
        self.own = {"draws": draws, "alpha": alpha, "a": a, "b": b, "peak": peak}

    def call(self, images: Any) -> Any:
        """(N, H, W, C) -> (draws * N, H, W, C)."""
        draws, alpha, a, b, peak = self.own.values()
        images = ops.concatenate([images] * int(draws), axis=0)
        if peak:
            photons = ops.round(ops.maximum(images, 0) * peak)
            left = keras.random.binomial(
                ops.shape(images), photons, 1 - alpha, dtype="float32", seed=SEED
            )
            return left / (peak * (1 - alpha))
        sigma = ops.sqrt(a + b * ops.clip(images, 0, 1))
        drawn = keras.random.normal(ops.shape(images), dtype="float32", seed=SEED)
        return images + alpha * sigma * drawn

    def compute_output_shape(self, shape: Any) -> Any:
        """Of so many more images."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return super().get_config() | self.own


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
