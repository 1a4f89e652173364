"""What can be said of a denoiser where the truth is not known: no error, but what it removes.

What is removed should be as strong as the noise. Less: noise remains; more: details are gone.
"""

import hashlib
from typing import Any

import numpy as np
import pandas as pd

from denoising.evaluation.kept import Arrays, Examples, Histograms, check_finite
from denoising.files import InputError
from denoising.noise.estimate import estimated_sigma


class Unreferenced:
    """What a denoiser removes from noisy images, one by one.

    Parameters
    ----------
    histogram_step : float
        Width of a bin, pixel values.
    examples : Examples
        The first images are kept there.
    """

    def __init__(self, histogram_step: float, examples: Examples) -> None:
        self._examples, self._histograms = examples, Histograms(histogram_step)
        self._removed: list[float] = []
        self._sigmas: list[float] = []
        self._pixels: list[int] = []
        self._images = 0
        self._digest = hashlib.sha256()

    def add(self, prediction: np.ndarray, noisy: np.ndarray, goes_on: bool = False) -> None:
        """Look at one image, or at a band of one.

        Parameters
        ----------
        prediction, noisy : ndarray (1, H, W, C) float32
            Not clipped.
        goes_on : bool
            Is it a further band of the image before?

        Raises
        ------
        InputError
            If a prediction is not finite.
        """
        check_finite(prediction)
        self._removed.append(float(np.mean((noisy.astype(np.float64) - prediction) ** 2)))
        try:
            self._sigmas.append(estimated_sigma(noisy[0]))
        except InputError:  # too small to tell
            self._sigmas.append(np.nan)
        self._pixels.append(noisy.size)
        self._digest.update(noisy.tobytes())
        self._histograms.add(noisy_images=noisy, predictions=prediction)
        if not goes_on:
            self._images += 1
            self._examples.add(noisy=noisy, prediction=prediction.astype(np.float16))

    def scores(self) -> dict[str, Any]:
        """What was found.

        Returns
        -------
        dict
            `removed`, the root mean square of what was removed, over all pixels; `noise_sigma`, the
            noise level that is estimated from the noisy images, over all pixels likewise, null
            where they are too small; both in pixel values. `truth`, which says "none", `images`
            and `test_digest`.
        """
        sigmas, pixels = np.array(self._sigmas), np.array(self._pixels)
        known = ~np.isnan(sigmas)
        sigma = None
        if known.any():
            sigma = float(np.sqrt(np.average(sigmas[known] ** 2, weights=pixels[known])))
        return {
            "truth": "none",
            "removed": float(np.sqrt(np.average(self._removed, weights=pixels))),
            "noise_sigma": sigma,
            "images": self._images,
            "test_digest": self._digest.hexdigest()[:12],
        }

    def histogram(self) -> pd.DataFrame:
        """Shares of pixels by value; see `Histograms.shares`."""
        return self._histograms.shares()

    def per_image(self) -> Arrays:
        """The first images as `noisy` and `prediction`."""
        return self._examples.arrays()
