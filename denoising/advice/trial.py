"""How much of the noise a filter leaves that costs nothing, tried on a few of the images."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from denoising.advice.candidates import CALIBRATED
from denoising.evaluation import sure
from denoising.evaluation.filters.calibrated import SHORTEST, Calibrated, Choice, filtered
from denoising.middle import middle
from denoising.noise.base import Noise

IMAGES = 4
SIDE = 128  # pixels, in the middle of each
DRAWS = 2  # of the change that tells the error


class Reached(NamedTuple):
    """What a filter reaches that chooses itself by each image.

    Attributes
    ----------
    mse : float
        Estimated without a truth, by SURE.
    share : float
        Of the variance of the noise, that is left.
    """

    mse: float
    share: float


def reached(images: Sequence[np.ndarray], noise: Noise) -> Reached | None:
    """What the calibrated filter reaches on some of the images.

    Parameters
    ----------
    images : sequence of ndarray (H, W, C)
        Noisy ones, on the scale [0, 1].
    noise : Noise
        As it was measured.

    Returns
    -------
    Reached or None
        None: with such noise, errors cannot be estimated.
    """
    if sure.problem(noise):
        return None
    by, rng = Calibrated(**CALIBRATED), np.random.default_rng(0)
    errors, variances = [], []
    for index in np.unique(np.linspace(0, len(images) - 1, IMAGES).astype(int)):
        image = images[int(index)]
        image = image[middle(image.shape, SIDE)]
        best = by.best(image) if min(image.shape[:2]) >= SHORTEST else None
        if best is not None:
            found = sure.error_map(_as(best), image[np.newaxis], noise, rng, draws=DRAWS)
            errors.append(float(found.mean()))
            variances.append(float(sure.variance(noise, image).mean()))
    variance = float(np.mean(variances)) if variances else 0.0
    if variance <= 0:
        return None
    mse = max(float(np.mean(errors)), 0.0)  # of little error, the estimate may be below zero
    return Reached(mse, mse / variance)


def _as(best: Choice) -> sure.Denoise:
    """The filter that was chosen, of images (n, H, W, C)."""
    return lambda images: np.stack(
        [filtered(best.kind, one.astype(np.float64), best.strength) for one in images]
    )
