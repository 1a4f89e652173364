import numpy as np
import pytest

from denoising.data.collapse import collapsed
from denoising.evaluation import evaluate, metrics
from denoising.evaluation.evaluate import Evaluation
from denoising.files import InputError

RNG = np.random.default_rng(0)
SETTINGS = Evaluation(batch_size=8, bootstrap_resamples=500, histogram_step=0.025, examples=3)


def test_mse_and_psnr_of_a_known_error():
    clean = RNG.random((5, 12, 12, 3))
    np.testing.assert_allclose(metrics.mse_per_image(clean + 0.1, clean), 0.01)
    assert metrics.psnr(np.array([0.01])) == pytest.approx(20)
    assert metrics.psnr(np.zeros(1)) == metrics.PSNR_LIMIT


def test_ssim_is_one_for_the_image_itself_and_falls_with_noise():
    clean = RNG.random((3, 28, 28, 1))
    np.testing.assert_allclose(metrics.ssim_per_image(clean, clean), 1)
    weak, strong = (
        metrics.ssim_per_image(clean + s * RNG.standard_normal(clean.shape), clean).mean()
        for s in (0.1, 0.5)
    )
    assert strong < weak < 1


def test_interval_covers_the_true_mean_about_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        low, high = metrics.mean_interval(
            np.random.default_rng(seed).exponential(size=200), resamples=300
        )
        covered += low <= 1 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_histogram_counts_every_pixel_and_is_centred_on_black_and_white():
    values = np.array([0, 0, 1, 0.5, -3, 7.0])
    shares = metrics.histogram(values, 0.025)
    centres = metrics.histogram_centres(0.025)
    assert shares.sum() == pytest.approx(1)
    assert shares[np.argmin(np.abs(centres))] == pytest.approx(2 / 6)
    assert shares[np.argmin(np.abs(centres - 1))] == pytest.approx(1 / 6)
    assert shares[0] == shares[-1] == pytest.approx(1 / 6)


def test_evaluation_knows_a_denoiser_from_a_collapsed_one():
    clean = (RNG.random((40, 28, 28, 1)) > 0.8).astype(np.uint8) * 255
    noisy = np.clip(clean / 255 + 0.5 * RNG.standard_normal(clean.shape), 0, 1).astype(np.float16)
    good, per_image = evaluate.evaluate(
        (clean / 255 + 0.01).astype(np.float32), clean, noisy, SETTINGS
    )
    assert good["mse"] == pytest.approx(1e-4, rel=1e-3)
    assert good["mse_low"] <= good["mse"] <= good["mse_high"]
    assert good["mse_clipped"] < good["mse"]
    assert not collapsed(good["mse"], good["noisy_mse"], good["constant_mse"])
    assert {name: len(array) for name, array in per_image.items()} == {
        "mse": 40,
        "clean": 3,
        "noisy": 3,
        "prediction": 3,
    }
    for worthless in (np.zeros(clean.shape), noisy, np.full(clean.shape, 0.2)):
        scores, _ = evaluate.evaluate(worthless.astype(np.float32), clean, noisy, SETTINGS)
        assert collapsed(scores["mse"], scores["noisy_mse"], scores["constant_mse"])


def test_predictions_that_are_not_finite_are_an_error():
    clean, noisy = np.zeros((2, 28, 28, 1), np.uint8), np.zeros((2, 28, 28, 1), np.float16)
    with pytest.raises(InputError, match="diverged"):
        evaluate.evaluate(np.full(clean.shape, np.nan, np.float32), clean, noisy, SETTINGS)


def test_other_test_data_has_another_digest():
    clean, noisy = np.zeros((2, 28, 28, 1), np.uint8), np.zeros((2, 28, 28, 1), np.float16)
    prediction = np.zeros(clean.shape, np.float32)
    one, _ = evaluate.evaluate(prediction, clean, noisy, SETTINGS)
    two, _ = evaluate.evaluate(prediction, clean, noisy + np.float16(1), SETTINGS)
    assert one["test_digest"] != two["test_digest"]
