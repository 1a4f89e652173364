"""Everything that is measured of one denoiser on one set of test images; networks and filters alike."""

import hashlib

import numpy as np
import pandas as pd

from denoising.data import datasets
from denoising.evaluation import metrics
from denoising.files import InputError


def evaluate(prediction, clean, noisy, settings):
    """Measure a denoiser by what it made of the noisy images.

    Parameters
    ----------
    prediction : ndarray (N, H, W) float32
        Not clipped.
    clean : ndarray (N, H, W) uint8
    noisy : ndarray (N, H, W) float16
    settings : denoising.params.Evaluation

    Returns
    -------
    scores : dict
        `mse` over all pixels, its 95 % interval `mse_low` .. `mse_high` (bootstrap over images), `mse_clipped` (prediction
        clipped to [0, 1]), `psnr` in dB and `ssim` (means over images, prediction clipped), the yardsticks `noisy_mse` and
        `constant_mse` (see `collapsed`), `images`, and `test_digest` of the test data.
    per_image : dict of str to ndarray
        `mse` (N,) and the first images as `clean`, `noisy`, `prediction`.

    Raises
    ------
    InputError
        If a prediction is not finite.
    """
    if not np.isfinite(prediction).all():
        raise InputError(
            "the predictions hold values that are not finite: the network has diverged"
        )
    noisy_unit, clean_unit = noisy.astype(np.float32), datasets.to_unit(clean)
    clipped = np.clip(prediction, 0, 1)
    errors = metrics.mse_per_image(prediction, clean_unit)
    clipped_errors = metrics.mse_per_image(clipped, clean_unit)
    low, high = metrics.mean_interval(errors, settings.bootstrap_resamples)
    mse, noisy_mse = (
        float(errors.mean()),
        float(metrics.mse_per_image(noisy_unit, clean_unit).mean()),
    )
    constant_mse = metrics.constant_mse(clean_unit)
    scores = {
        "mse": mse,
        "mse_low": low,
        "mse_high": high,
        "mse_clipped": float(clipped_errors.mean()),
        "psnr": float(metrics.psnr(clipped_errors).mean()),
        "ssim": float(metrics.ssim_per_image(clipped, clean_unit).mean()),
        "noisy_mse": noisy_mse,
        "constant_mse": constant_mse,
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


def collapsed(scores):
    """Is a trained network no better than the noisy input or than the best constant image?"""
    return not scores["mse"] < min(scores["noisy_mse"], scores["constant_mse"])


def histograms(step, **images):
    """Share of pixels by value, a column for each named set of images (pixel values on the scale [0, 1])."""
    columns = {name: metrics.histogram(values, step) for name, values in images.items()}
    return pd.DataFrame({"value": metrics.histogram_centres(step).round(6)} | columns)
