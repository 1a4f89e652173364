import numpy as np
import pytest

from denoising.data.collapse import collapsed
from denoising.evaluation import evaluate, metrics
from denoising.evaluation.evaluate import Evaluation
from denoising.evaluation.kept import Examples
from denoising.evaluation.shots import umse_per_image
from denoising.evaluation.unreferenced import Unreferenced
from denoising.files import InputError

RNG = np.random.default_rng(0)
SETTINGS = Evaluation(batch_size=8, bootstrap_resamples=500, histogram_step=0.025, examples=3)


def measured(*groups, crop=None, **options):
    found = evaluate.Measured(SETTINGS, Examples(SETTINGS.examples, crop), **options)
    for prediction, clean, noisy in groups if isinstance(groups[0], tuple) else [groups]:
        found.add(prediction, clean, noisy)
    return found.scores(), found.per_image()


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


def test_psnr_of_a_colour_image_is_one_over_all_its_channels():
    clean = np.zeros((1, 12, 12, 3))
    one_channel = clean + np.array([0.3, 0, 0])
    assert metrics.psnr(metrics.mse_per_image(one_channel, clean))[0] == pytest.approx(
        -10 * np.log10(0.3**2 / 3)
    )


def test_ssim_is_the_mean_over_channels_and_that_of_each_image():
    clean = RNG.random((2, 20, 30, 3), np.float32)
    noisy = clean + RNG.standard_normal(clean.shape).astype(np.float32) * np.array([0.05, 0.2, 0.5])
    values = metrics.ssim_per_image(noisy, clean)
    for value, one, other in zip(values, noisy, clean, strict=True):
        assert metrics.ssim(one, other) == value
        channels = [metrics.ssim(one[..., [c]], other[..., [c]]) for c in range(3)]
        assert value == pytest.approx(np.mean(channels))
        assert channels[0] > channels[1] > channels[2]


def test_ssim_of_a_constant_shift_is_the_known_one():
    """Without variance the formula is (2 a b + c) / (a**2 + b**2 + c), c = 0.01**2."""
    one, other = np.full((16, 16, 1), 0.5), np.full((16, 16, 1), 0.7)
    known = (2 * 0.5 * 0.7 + 1e-4) / (0.5**2 + 0.7**2 + 1e-4)
    assert metrics.ssim(one, other) == pytest.approx(known)


@pytest.mark.parametrize("shape", [(1, 1, 1), (10, 400, 3), (400, 10, 1)])
def test_ssim_is_not_defined_for_images_smaller_than_its_window(shape):
    image = RNG.random(shape)
    assert np.isnan(metrics.ssim(image, image))
    assert np.isnan(metrics.ssim_per_image(image[None], image[None])).all()
    assert metrics.ssim(*[RNG.random((11, 11, 1))] * 2) == pytest.approx(1)


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
    good, per_image = measured((clean / 255 + 0.01).astype(np.float32), clean, noisy)
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
        scores, _ = measured(worthless.astype(np.float32), clean, noisy)
        assert collapsed(scores["mse"], scores["noisy_mse"], scores["constant_mse"])


def test_predictions_that_are_not_finite_are_an_error():
    clean, noisy = np.zeros((2, 28, 28, 1), np.uint8), np.zeros((2, 28, 28, 1), np.float16)
    with pytest.raises(InputError, match="diverged"):
        measured(np.full(clean.shape, np.nan, np.float32), clean, noisy)


def test_other_test_data_has_another_digest():
    clean, noisy = np.zeros((2, 28, 28, 1), np.uint8), np.zeros((2, 28, 28, 1), np.float16)
    prediction = np.zeros(clean.shape, np.float32)
    one, _ = measured(prediction, clean, noisy)
    two, _ = measured(prediction, clean, noisy + np.float16(1))
    assert one["test_digest"] != two["test_digest"]


def photographs():
    """Groups of one image each, of three sizes: prediction, clean, noisy."""
    for height, width in [(20, 30), (60, 40), (12, 300)]:
        clean = RNG.random((1, height, width, 3), np.float32)
        noise = 0.1 * RNG.standard_normal(clean.shape, np.float32)
        yield clean + noise * np.float32(height / 60), clean, clean + noise


def test_what_is_measured_over_pixels_and_over_images_is_told_apart():
    groups = list(photographs())
    scores, per_image = measured(*groups, any_size=True, crop=(12, 30))
    errors = [np.square(denoised - clean).mean() for denoised, clean, _ in groups]
    everything = np.concatenate([(one - clean).ravel() for one, clean, _ in groups])
    assert scores["mse"] == pytest.approx(np.square(everything).mean(), rel=1e-5)
    assert scores["mse_images"] == pytest.approx(np.mean(errors), rel=1e-5)
    assert scores["mse_low"] < scores["mse"] < scores["mse_high"]
    clipped = [np.square(one.clip(0, 1) - clean).mean() for one, clean, _ in groups]
    assert scores["psnr"] == pytest.approx(np.mean(-10 * np.log10(clipped)), rel=1e-5)
    assert scores["psnr_pixels"] == pytest.approx(-10 * np.log10(scores["mse_clipped"]))
    pixels = np.concatenate([clean.ravel() for _, clean, _ in groups])
    assert scores["constant_mse"] == pytest.approx(pixels.var(), rel=1e-5)
    assert per_image["clean"].shape == (3, 12, 30, 3)
    np.testing.assert_array_equal(per_image["clean"][1], groups[1][1][0, 24:36, 5:35])


def test_images_in_one_group_or_in_several_give_the_same():
    clean = RNG.integers(0, 256, (6, 16, 16, 1), dtype=np.uint8)
    noisy = (clean / 255 + 0.1 * RNG.standard_normal(clean.shape)).astype(np.float16)
    prediction = noisy.astype(np.float32) * np.float32(0.9)
    whole = evaluate.Measured(SETTINGS, Examples(3))
    whole.add(prediction, clean, noisy)
    parts = evaluate.Measured(SETTINGS, Examples(3))
    for index in range(6):
        part = slice(index, index + 1)
        parts.add(prediction[part], clean[part], noisy[part])
    one, other = whole.scores(), parts.scores()
    for key in set(one) - {"test_digest"}:
        assert one[key] == pytest.approx(other[key], rel=1e-12), key
    np.testing.assert_array_equal(whole.histogram().to_numpy(), parts.histogram().to_numpy())
    for name, images in whole.per_image().items():
        np.testing.assert_array_equal(images, parts.per_image()[name])


@pytest.mark.parametrize(("count", "truth"), [(2, "second shots"), (3, "second and third shots")])
def test_further_shots_stand_for_the_clean_image(count, truth):
    """Errors that are estimated from noisy images alone are the true ones, on average."""
    clean = np.tile(np.linspace(0.2, 0.8, 200, dtype=np.float32), (1, 200, 1))[..., None]
    noise = 0.1 * RNG.standard_normal((count, *clean.shape), np.float32)
    prediction = clean + np.float32(0.3) * noise[0] + np.float32(0.02)
    true, _ = measured(prediction, clean, clean + noise[0], any_size=True)
    found = evaluate.Measured(SETTINGS, Examples(3), any_size=True, second_shots=True)
    shots = clean + noise
    third = shots[2] if count > 2 else None
    found.add(prediction, shots[1], shots[0], third=third)
    estimated = found.scores()
    for key in ("mse", "mse_clipped", "noisy_mse", "constant_mse"):
        assert estimated[key] == pytest.approx(true[key], rel=0.15), key
    assert estimated["psnr"] == pytest.approx(true["psnr"], abs=0.7)
    assert (estimated["ssim"], estimated["truth"]) == (None, truth)
    expected = umse_per_image(prediction, shots[1], shots[0], shots[-1])
    assert estimated["mse"] == pytest.approx(expected[0], rel=1e-5)


def test_an_image_in_bands_is_an_image():
    clean = RNG.random((1, 120, 60, 3), np.float32)
    noisy = clean + 0.1 * RNG.standard_normal(clean.shape, np.float32)
    prediction = clean + np.float32(0.3) * (noisy - clean)
    other = tuple(images[:, :50, :40] for images in (prediction, clean, noisy))
    whole = evaluate.Measured(SETTINGS, Examples(3, (20, 20)), any_size=True)
    whole.add(prediction, clean, noisy)
    whole.add(*other)
    bands = evaluate.Measured(SETTINGS, Examples(3, (20, 20)), any_size=True)
    for start, stop in ((0, 48), (48, 96), (96, 120)):
        band = (images[:, start:stop] for images in (prediction, clean, noisy))
        bands.add(*band, goes_on=start > 0)
    bands.add(*other)
    one, same = whole.scores(), bands.scores()
    for key in set(one) - {"test_digest", "ssim"}:
        assert same[key] == pytest.approx(one[key], rel=1e-6), key
    assert same["ssim"] == pytest.approx(one["ssim"], abs=0.01)
    assert same["images"] == 2
    assert len(bands.per_image()["clean"]) == 2


def test_without_a_truth_it_is_said_what_was_removed():
    clean = np.tile(np.linspace(0.2, 0.8, 200, dtype=np.float32), (1, 150, 1))[..., None]
    noise = 0.1 * RNG.standard_normal(clean.shape, np.float32)
    found = Unreferenced(0.025, Examples(2))
    found.add(clean, clean + noise)
    found.add(clean[:, :2, :2], (clean + noise)[:, :2, :2])  # too small for an estimate
    scores = found.scores()
    assert scores["removed"] == pytest.approx(0.1, rel=0.03)
    assert scores["noise_sigma"] == pytest.approx(0.1, rel=0.1)
    assert (scores["truth"], scores["images"]) == ("none", 2)
    with pytest.raises(InputError, match="diverged"):
        found.add(clean * np.nan, clean)
