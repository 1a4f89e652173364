import numpy as np
import pytest

from denoising.noise.clipping import clipped_mean, clipped_share, unclipped_mean
from denoising.noise.gaussian import Gaussian
from denoising.sections import kind, kinds, read_kind

MODELS = [
    {"name": "gaussian", "sigma": 0.1, "clip": True},
    {"name": "gaussian", "sigma": 0.5, "clip": True},
    {"name": "gaussian", "sigma": 0.5, "clip": False},
    {"name": "speckle", "sigma": 0.6, "clip": True},
    {"name": "speckle", "sigma": 0.6, "clip": False},
    {"name": "poisson", "peak": 4.5, "clip": True},
    {"name": "poisson", "peak": 1.0, "clip": True},
    {"name": "poisson", "peak": 30.0, "clip": False},
    {"name": "salt_and_pepper", "amount": 0.4, "salt_vs_pepper": 0.3},
    {"name": "impulse", "amount": 0.4},
    {"name": "quantization", "bits": 2},
]


def test_every_model_is_tested():
    drawn = {name for name in kinds("noise") if kind("noise", name).is_model}
    assert {model["name"] for model in MODELS} == drawn


def test_real_noise_is_not_drawn():
    real = read_kind("noise", {"name": "real"}, "noise")
    with pytest.raises(ValueError, match="cannot be drawn"):
        real.corrupt(np.zeros((2, 2)), np.random.default_rng(0))
    with pytest.raises(ValueError, match="several pixel values"):
        real.debias([0.5])


@pytest.fixture(params=MODELS, ids=lambda model: "-".join(map(str, model.values())))
def model(request):
    return read_kind("noise", request.param, "noise")


@pytest.fixture
def clean():
    return np.linspace(0, 1, 28 * 28, dtype=np.float32).reshape(1, 28, 28).repeat(500, axis=0)


def test_noise_has_the_standard_deviation_asked_for(clean):
    noisy = Gaussian(name="gaussian", sigma=0.3, clip=False).corrupt(
        clean, np.random.default_rng(0)
    )
    assert noisy.dtype == np.float32
    assert noisy.shape == clean.shape
    assert np.std(noisy - clean) == pytest.approx(0.3, rel=0.01)
    assert np.mean(noisy - clean) == pytest.approx(0, abs=0.003)


def test_clipping_keeps_pixels_in_range_and_the_input_is_not_modified(clean):
    before = clean.copy()
    noisy = Gaussian(name="gaussian", sigma=0.5, clip=True).corrupt(clean, np.random.default_rng(0))
    assert noisy.min() == 0
    assert noisy.max() == 1
    np.testing.assert_array_equal(clean, before)


def test_a_noise_model_knows_its_mean(model, clean):
    noisy = model.corrupt(clean, np.random.default_rng(1))
    assert noisy.dtype == np.float32
    assert noisy.shape == clean.shape
    five_errors = 5 * np.maximum(noisy.std(axis=0), 0.05) / np.sqrt(len(clean))
    assert (np.abs(noisy.mean(axis=0, dtype=float) - model.mean(clean[0])) < five_errors).all()


def test_debiasing_takes_the_mean_back(model):
    values = np.linspace(0, 1, 1234)
    if not model.invertible:
        with pytest.raises(ValueError, match="same noisy mean"):
            model.debias(values)
        return
    np.testing.assert_allclose(model.debias(model.mean(values)), values, atol=1e-6)
    low, high = model.mean([0.0, 1.0])
    np.testing.assert_array_equal(model.debias([low - 0.3, high + 0.3]), [0, 1])


@pytest.mark.parametrize("sigma", [0.001, 0.1, 0.5, 0.7, 10])
def test_unclipped_mean_is_the_inverse_of_the_clipped_mean(sigma):
    values = np.random.default_rng(0).random((20, 30))
    np.testing.assert_allclose(
        unclipped_mean(clipped_mean(values, sigma), sigma), values, atol=1e-6
    )


def test_clipping_piles_pixels_up_at_the_ends_of_the_range(clean):
    black = np.zeros_like(clean)
    low, high = clipped_share(
        Gaussian(name="gaussian", sigma=0.5, clip=True).corrupt(black, np.random.default_rng(0))
    )
    assert low == pytest.approx(0.5, abs=0.01)
    assert high == pytest.approx(0.0228, abs=0.001)  # beyond two sigma


def test_clipped_mean_at_sigma_one_half_and_without_noise():
    np.testing.assert_allclose(clipped_mean([0, 0.5, 1], 0.5), [0.1952, 0.5, 0.8048], atol=5e-5)
    np.testing.assert_allclose(clipped_mean([0, 0.3, 1], 1e-6), [0, 0.3, 1], atol=1e-6)


def test_unclipped_noise_keeps_the_mean(clean):
    np.testing.assert_array_equal(
        Gaussian(name="gaussian", sigma=0.5, clip=False).mean(clean), clean
    )
