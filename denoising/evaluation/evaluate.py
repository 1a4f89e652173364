"""All that is measured of one denoiser on one set of test images, networks and filters alike."""

import hashlib
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from denoising.data import datasets
from denoising.data.collapse import constant_mse
from denoising.evaluation import metrics
from denoising.files import InputError
from denoising.sections import Section

Arrays = dict[str, np.ndarray]


class Evaluation(Section):
    """How denoisers are evaluated."""

    batch_size: Annotated[int, Field(ge=1, le=65_536)]  # images per prediction step
    bootstrap_resamples: Annotated[int, Field(ge=100, le=1_000_000)]
    histogram_step: Annotated[float, Field(ge=0.001, le=0.5)]  # pixel values
    examples: Annotated[int, Field(ge=1, le=1000)]  # images kept for the grid


def evaluate(
    prediction: np.ndarray, clean: np.ndarray, noisy: np.ndarray, settings: Evaluation
) -> tuple[dict[str, Any], Arrays]:
    """Measure a denoiser by what it made of the noisy images.

    Parameters
    ----------
    prediction : ndarray (N, H, W, C) float32
        Not clipped.
    clean : ndarray (N, H, W, C) uint8
    noisy : ndarray (N, H, W, C) float16

    Returns
    -------
    scores : dict
        `mse` over all pixels, its 95 % interval `mse_low` .. `mse_high` (bootstrap over images),
        `mse_clipped` (prediction clipped to [0, 1]), `psnr` in dB and `ssim` (means over images,
        prediction clipped), the baselines `noisy_mse` and `constant_mse` (see
        `denoising.data.collapse`), `images`, and `test_digest` of the test data.
    per_image : dict of str to ndarray
        `mse` (N,) and the first images as `clean`, `noisy`, `prediction`.

    Raises
    ------
    InputError
        If a prediction is not finite.
    """
    if not np.isfinite(prediction).all():
        raise InputError("the predictions are not finite numbers: the network has diverged")
    noisy_unit, clean_unit = noisy.astype(np.float32), datasets.to_unit(clean)
    clipped = np.clip(prediction, 0, 1)
    errors = metrics.mse_per_image(prediction, clean_unit)
    clipped_errors = metrics.mse_per_image(clipped, clean_unit)
    low, high = metrics.mean_interval(errors, settings.bootstrap_resamples)
    scores = {
        "mse": float(errors.mean()),
        "mse_low": low,
        "mse_high": high,
        "mse_clipped": float(clipped_errors.mean()),
        "psnr": float(metrics.psnr(clipped_errors).mean()),
        "ssim": float(metrics.ssim_per_image(clipped, clean_unit).mean()),
        "noisy_mse": float(metrics.mse_per_image(noisy_unit, clean_unit).mean()),
        "constant_mse": constant_mse(clean_unit),
        "images": len(clean),
        "test_digest": hashlib.sha256(clean.tobytes() + noisy.tobytes()).hexdigest()[:12],
    }
    shown = slice(settings.examples)
    per_image = {
        "mse": errors,
        "clean": clean[shown],
        "noisy": noisy[shown],
        "prediction": prediction[shown].astype(np.float16),
    }
    return scores, per_image


Pixels = np.ndarray | tuple[np.ndarray, np.ndarray]


def histograms(step: float, **images: Pixels) -> pd.DataFrame:
    """Share of pixels by value, one column per named set of images.

    Parameters
    ----------
    step : float
        Width of a bin, pixel values.
    images : ndarray, or tuple (values, counts)
        Pixel values on the scale [0, 1]; with counts: each value occurs so often.
    """
    columns: dict[str, np.ndarray] = {"value": metrics.histogram_centres(step).round(6)}
    for name, pixels in images.items():
        values, counts = pixels if isinstance(pixels, tuple) else (pixels, None)
        columns[name] = metrics.histogram(values, step, counts=counts)
    return pd.DataFrame(columns)
