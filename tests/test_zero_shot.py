"""Filters that take all they know from the noisy image: calibrated ones, and Zero-Shot N2N."""

from typing import get_args

import numpy as np
import pytest
from skimage import data

from benchmarks import zero_shot as benchmark
from denoising.data import datasets
from denoising.evaluation import filters
from denoising.evaluation.filters import calibrated, zero_shot
from denoising.evaluation.filters.chain import Single
from denoising.evaluation.filters.switching import SwitchingMedian
from denoising.files import InputError, read_json
from denoising.methods.base import Assumption

KINDS = calibrated.KINDS
SIDE = {"nlm": 24, "tv": 32}  # pixels, of what takes long
SIGMA = 25 / 255


def section(name, **keys):
    return filters.read({"name": name} | keys, "filters.row")


def photograph(size=64, colour=False, sigma=SIGMA):
    """Clean and noisy, (size, size, C)."""
    whole = data.astronaut() if colour else data.camera()[..., None]
    clean = datasets.to_unit(whole[60 : 60 + size, 190 : 190 + size])
    noise = np.random.default_rng(0).standard_normal(clean.shape, np.float32)
    return clean, clean + np.float32(sigma) * noise


def mse(image, clean):
    return float(np.mean((image - clean) ** 2))


@pytest.mark.parametrize(
    ("kind", "colour"), [(kind, False) for kind in KINDS] + [("wavelet", True)]
)
def test_a_calibrated_filter_is_nearly_as_good_as_the_best_strength(kind, colour):
    clean, noisy = photograph(SIDE.get(kind, 64), colour)
    chosen = section("calibrated", filter=kind)
    before = noisy.copy()
    filtered = chosen(noisy[None])
    np.testing.assert_array_equal(noisy, before)
    assert (filtered.shape, filtered.dtype) == ((1, *noisy.shape), np.float32)
    strength = chosen.best(noisy).strength
    own = calibrated.filtered(kind, noisy.astype(float), strength)
    np.testing.assert_allclose(filtered[0], own, atol=1e-6)
    steps = 2.0 ** np.arange(-2, 2.5, 0.5) * strength
    others = calibrated.SIZES if kind == "median" else steps
    pixels = noisy.astype(float)
    best = min(mse(calibrated.filtered(kind, pixels, one), clean) for one in others)
    assert mse(filtered[0], clean) < 1.25 * best
    assert mse(filtered[0], clean) < 0.55 * mse(noisy, clean)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "nlm"])  # it takes long
def test_more_noise_is_given_more_strength(kind):
    chosen = section("calibrated", filter=kind)
    weak, strong = (
        chosen.best(photograph(SIDE.get(kind, 64), sigma=level)[1]).strength
        for level in (0.05, 0.4)
    )
    assert strong > 1.5 * weak


def test_the_strength_is_about_the_noise_that_the_filter_should_be_told():
    found = section("calibrated", filter="wavelet").best(photograph(size=128)[1]).strength
    assert found == pytest.approx(SIGMA, rel=0.5)


def test_a_strength_follows_the_scale_of_pixel_values():
    chosen, noisy = section("calibrated", filter="wavelet"), photograph()[1]
    small, own = (chosen.best(one).strength for one in (noisy / 64, noisy))
    assert small == pytest.approx(own / 64, rel=1e-5)


def test_any_filter_is_the_one_that_predicts_hidden_pixels_best():
    noisy = photograph(32)[1]
    each = [section("calibrated", filter=kind).best(noisy) for kind in KINDS]
    chosen = section("calibrated", filter="any")
    best = chosen.best(noisy)
    assert best == min(each, key=lambda one: one.loss)
    expected = section("calibrated", filter=best.kind)(noisy[None])
    np.testing.assert_array_equal(chosen(noisy[None]), expected)


def test_a_strength_is_each_images_own_and_a_large_ones_that_of_its_middle():
    chosen = section("calibrated", filter="gaussian")
    weak, strong = photograph(sigma=0.02)[1], photograph(sigma=0.4)[1]
    together = chosen(np.stack([weak, strong]))
    for image, filtered in zip((weak, strong), together, strict=True):
        np.testing.assert_array_equal(chosen(image[None])[0], filtered)
    large = np.zeros((300, 400, 1), np.float32)
    middle = np.random.default_rng(0).random((256, 256, 1), np.float32)
    large[22:278, 72:328] = middle
    assert chosen.best(large) == chosen.best(middle)


@pytest.mark.parametrize(
    ("shape", "count"), [((28, 28), 16), ((128, 128), 4), ((256, 256), 1), ((2, 9), 16)]
)
def test_hidden_pixels_are_enough_and_each_is_hidden_once(shape, count):
    masks = calibrated._masks((*shape, 1))
    times = np.zeros(shape, int)
    for mask in masks:
        times[mask] += 1
    assert len(masks) == count
    assert times.max() == 1
    assert times.sum() >= min(calibrated.HIDDEN, times.size)


FROM_IMAGES = (
    *({"name": "calibrated", "filter": kind} for kind in (*KINDS, calibrated.ANY)),
    {"name": "zs_n2n", "steps": 1},
)


@pytest.mark.parametrize("keys", FROM_IMAGES)
def test_any_size_is_filtered_and_one_line_is_refused(keys):
    chosen = section(**keys)
    for shape in [(2, 3, 3), (7, 5, 1)]:
        noisy = 0.5 + 0.1 * np.random.default_rng(0).standard_normal((1, *shape), np.float32)
        filtered = chosen(noisy)
        assert filtered.shape == noisy.shape
        assert np.isfinite(filtered).all()
    flat = np.full((2, 6, 6, 1), 0.25, np.float32)
    np.testing.assert_array_equal(chosen(flat), flat)
    with pytest.raises(InputError, match=r"^an image of 1 x 9 pixels: too small to"):
        chosen(np.linspace(0, 1, 9, dtype=np.float32).reshape(1, 1, 9, 1))


def test_what_is_wrong_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"filter\.filter = 'mean': should be 'wavelet', 'tv'"):
        section("calibrated", filter="mean")
    with pytest.raises(InputError, match=r"filter\.steps = 0: should be greater than or equal"):
        section("zs_n2n", steps=0)
    assert section("zs_n2n").steps == 2000


def test_halves_are_the_papers_convolutions():
    """Kernels [[0, 1/2], [1/2, 0]] and [[1/2, 0], [0, 1/2]] with stride 2, channel by channel."""
    image = np.random.default_rng(0).random((1, 6, 8, 3), np.float32)
    found = np.asarray(zero_shot.halves(image))
    for half, kernel in zip(found, ([[0, 0.5], [0.5, 0]], [[0.5, 0], [0, 0.5]]), strict=True):
        for row, column in np.ndindex(3, 4):
            cell = image[0, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            expected = np.tensordot(kernel, cell, axes=2)
            np.testing.assert_allclose(half[row, column], expected, rtol=1e-6)


@pytest.fixture(scope="module")
def training():
    return zero_shot.training_for(64, 64, 1)


def test_the_network_and_the_loss_are_the_papers(training):
    """Both losses of the untrained network, by the paper's formulas."""
    shapes = [weight.shape for weight in training._network.trainable_weights]
    assert shapes == [(3, 3, 1, 48), (48,), (3, 3, 48, 48), (48,), (1, 1, 48, 1), (1,)]
    image = photograph()[1]
    training.start(image)

    def denoise(image):
        return image - np.asarray(training._network(image[None]))[0]

    first, second = np.asarray(zero_shot.halves(image[None]))
    denoised = np.asarray(zero_shot.halves(denoise(image)[None]))
    residual = mse(denoise(first), second) + mse(denoise(second), first)
    consistency = mse(denoise(first), denoised[0]) + mse(denoise(second), denoised[1])
    assert training.go_on(1) == pytest.approx((residual + consistency) / 2, rel=0.02)


def test_the_loss_falls_and_a_start_forgets_all(training):
    image = photograph()[1]
    runs = []
    for other in (image, image[::-1].copy(), image):
        training.start(other)
        runs.append([training.go_on(steps) for steps in (1, 60, 7)])
    assert runs[0] == runs[2] != runs[1]
    assert runs[0][0] > runs[0][1] > runs[0][2]


@pytest.mark.parametrize(("shape", "channels"), [((64, 64), 1), ((63, 61), 3)])
def test_zero_shot_removes_noise_and_repeats_itself(shape, channels):
    clean, noisy = (image[: shape[0], : shape[1]] for image in photograph(colour=channels == 3))
    chosen = section("zs_n2n", steps=150)
    before = noisy.copy()
    both = chosen(np.stack([noisy, noisy[::-1]]))
    np.testing.assert_array_equal(noisy, before)
    assert (both.shape, both.dtype) == ((2, *noisy.shape), np.float32)
    assert mse(both[0], clean) < 0.45 * mse(noisy, clean)
    np.testing.assert_array_equal(chosen(noisy[None])[0], both[0])


def test_a_dark_image_of_low_contrast_is_denoised_like_a_bright_one():
    clean, noisy = photograph()
    filtered = section("zs_n2n", steps=150)(0.3 + 0.01 * noisy[None])[0]
    assert mse((filtered - 0.3) / 0.01, clean) < 0.45 * mse(noisy, clean)


def test_a_large_image_is_learned_from_its_middle_and_denoised_in_bands(training, monkeypatch):
    image = np.random.default_rng(0).random((301, 400, 1), np.float32)
    np.testing.assert_array_equal(zero_shot.window(image), image[22:278, 72:328])
    training.start(photograph()[1])
    whole = training.noise(image)
    assert image.size < zero_shot.BAND
    monkeypatch.setattr(zero_shot, "BAND", 20 * 400)
    np.testing.assert_allclose(training.noise(image), whole, atol=2e-3)  # of bfloat16


def test_every_filter_says_what_it_takes_for_granted():
    sections = get_args(Single)
    # one's is a matter of its keys
    of_keys = SwitchingMedian(name="switching_median", size=3, threshold=0.1, only_ends=True)
    assumed = {
        one.model_fields["name"].annotation.__args__[0]: (
            of_keys if one is SwitchingMedian else one
        ).assumes
        for one in sections
    }
    assert assumed["identity"] == ()
    assert all(assumed[name] for name in assumed if name != "identity")
    assert all(isinstance(one, Assumption) for given in assumed.values() for one in given)
    assert Assumption.GAUSSIAN in assumed["nlm"]
    assert Assumption.GAUSSIAN not in (*assumed["calibrated"], *assumed["zs_n2n"])


def test_the_benchmarks_table_is_that_of_its_measurements():
    cases = read_json(benchmark.FILE, "cases")["cases"]
    assert benchmark.report(cases) == benchmark.FILE.with_suffix(".md").read_text()
