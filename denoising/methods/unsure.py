"""UNSURE: SURE without knowing the noise level.

Among all denoisers whose divergence is zero in the mean, the one closest to the noisy images: the
multiplier of that constraint is learned beside the network, and comes out near the noise's
variance. What is lost against SURE is little where neighbours tell much about a pixel.

References
----------
J. Tachella, M. Davies, L. Jacques, "UNSURE: self-supervised learning with Unknown Noise level and
Stein's Unbiased Risk Estimate", ICLR 2025.
"""

from typing import Any, ClassVar, Literal

import numpy as np

from denoising.methods.base import Assumption, Given, Inputs, Progress, SingleImages, Task, probed
from denoising.sections import Positive

_START = 0.02  # of the multiplier, pixel values squared: sigma = 0.14
DAMPING = 4  # of the oscillations between both, which a squared constraint gives and does not shift
RATE = 10  # times the network's learning rate, for the multiplier's logarithm


class Unsure(SingleImages):
    """Learns without clean images, pairs or a noise level.

    `step` is the change of the input that the divergence is taken from, in pixel values.
    """

    name: Literal["unsure"]
    step: Positive

    assumes: ClassVar[tuple[Assumption, ...]] = (
        Assumption.INDEPENDENT,
        Assumption.ZERO_MEAN,
        Assumption.GAUSSIAN,
    )

    def of_images(
        self, images: np.ndarray, given: Given, rng: np.random.Generator
    ) -> tuple[Inputs, np.ndarray]:
        """Images, changes; images, changes over their size: (N, H, W, 2 C)."""
        signs = rng.integers(0, 2, images.shape).astype(np.float32) * 2 - 1
        step = np.float32(self.step)
        return (images, step * signs), np.concatenate([images, signs / step], axis=-1)

    def task(self, network: Any, given: Given, progress: Progress) -> Task:
        import keras
        from keras import ops

        inputs, both = probed(network)
        logarithm = keras.layers.Dense(
            1,
            use_bias=False,
            kernel_initializer=keras.initializers.Constant(np.log(_START) / RATE),
            dtype="float32",
            name="multiplier",
        )(ops.ones_like(inputs[0][..., :1]))
        model = keras.Model(inputs, ops.concatenate([*both, logarithm], axis=-1))

        def loss(targets: Any, predictions: Any) -> Any:
            """The network descends, the multiplier ascends; neither sees the other's gradient."""
            image, probe = ops.split(targets, 2, axis=-1)
            logarithm = predictions[..., -1]
            prediction, changed = ops.split(predictions[..., :-1], 2, axis=-1)
            error = ops.mean(ops.square(prediction - image), axis=-1)
            divergence = ops.mean(probe * (changed - prediction), axis=-1)
            multiplier = ops.stop_gradient(ops.exp(RATE * logarithm))
            step = logarithm - ops.stop_gradient(logarithm)  # zero, but for its gradient
            ascent = step * ops.stop_gradient(divergence)
            damping = DAMPING * multiplier * ops.square(ops.mean(divergence))
            return error + 2 * multiplier * divergence - ascent + damping

        return Task(model, loss, [])
