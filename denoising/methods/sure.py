"""SURE: the error against clean images, estimated from noisy ones whose noise level is known.

For Gaussian noise the mean squared error of a denoiser f is, in the mean over the noise,

    |f(y) - y|² - sigma² + 2 sigma² div f(y)     per pixel,

and the divergence is what f makes of a small random change of its input. A change that is itself
like the noise, with its variance at each noisy pixel and its correlations, gives sigma² div f at
once, and serves as well for noise that grows with the signal, such as Poisson's, and for noise that
neighbours share.

References
----------
C. Stein, "Estimation of the mean of a multivariate normal distribution", Annals of Statistics 9
(1981).
S. Ramani, T. Blu, M. Unser, "Monte-Carlo SURE", IEEE Trans. Image Processing 17 (2008).
S. Soltanayev, S. Y. Chun, "Training deep learning based denoisers without ground truth data",
NeurIPS 2018.
Y. Le Montagner, E. Angelini, J.-C. Olivo-Marin, "An unbiased risk estimator for image denoising in
the presence of mixed Poisson-Gaussian noise", IEEE Trans. Image Processing 23 (2014).
"""

from typing import Any, ClassVar, Literal

import numpy as np

from denoising.methods.base import (
    Assumption,
    Given,
    Inputs,
    Progress,
    SingleImages,
    Task,
    needs_variance,
    probed,
)
from denoising.noise.base import Noise
from denoising.sections import Positive


class Sure(SingleImages):
    """Learns by an estimate of the error itself.

    `step` is the change of the input that the divergence is taken from, in standard deviations of
    the noise: too small, and what a network computes in bfloat16 is rounding.
    """

    name: Literal["sure"]
    step: Positive

    assumes: ClassVar[tuple[Assumption, ...]] = (
        Assumption.ZERO_MEAN,
        Assumption.KNOWN_VARIANCE,
    )

    def of_images(
        self, images: np.ndarray, given: Given, rng: np.random.Generator
    ) -> tuple[Inputs, np.ndarray]:
        """Images, changes; images, what each change is times, variances: (N, H, W, 3 C)."""
        variance = given.noise.variance(np.clip(images, 0, 1)).astype(np.float32)
        like_noise, step = given.noise.more(images, rng), np.float32(self.step)
        targets = np.concatenate([images, like_noise / step, variance], axis=-1)
        return (images, step * like_noise), targets

    def task(self, network: Any, given: Given, progress: Progress) -> Task:
        import keras
        from keras import ops

        inputs, predictions = probed(network)
        model = keras.Model(inputs, ops.concatenate(predictions, axis=-1))

        def loss(targets: Any, predictions: Any) -> Any:
            images, probe, variance = ops.split(targets, 3, axis=-1)
            prediction, changed = ops.split(predictions, 2, axis=-1)
            shared = probe * (changed - prediction)  # with the noise
            error = ops.square(prediction - images) - variance + 2 * shared
            return ops.mean(error, axis=-1)

        return Task(model, loss, [])

    def problem(self, noise: Noise) -> str:
        return needs_variance(self.name, noise)
