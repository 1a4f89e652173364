import numpy as np
import pytest

from denoising.noise import Gaussian, clipped_mean


@pytest.fixture
def clean():
    return np.linspace(0, 1, 28 * 28, dtype=np.float32).reshape(1, 28, 28).repeat(500, axis=0)


def test_noise_has_the_standard_deviation_asked_for(clean):
    noisy = Gaussian(name="gaussian", sigma=0.3, clip=False).corrupt(clean, np.random.default_rng(0))
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


@pytest.mark.parametrize("sigma", [0.1, 0.5, 0.7])
def test_mean_of_clipped_noise_is_what_sampling_gives(clean, sigma):
    model = Gaussian(name="gaussian", sigma=sigma, clip=True)
    sampled = model.corrupt(clean, np.random.default_rng(1)).mean(axis=0)
    assert np.abs(sampled - model.mean(clean[0])).max() < 5 * sigma / np.sqrt(len(clean))


def test_clipped_mean_at_sigma_one_half_and_without_noise():
    np.testing.assert_allclose(clipped_mean([0, 0.5, 1], 0.5), [0.1952, 0.5, 0.8048], atol=5e-5)
    np.testing.assert_allclose(clipped_mean([0, 0.3, 1], 1e-6), [0, 0.3, 1], atol=1e-6)


def test_unclipped_noise_keeps_the_mean(clean):
    np.testing.assert_array_equal(Gaussian(name="gaussian", sigma=0.5, clip=False).mean(clean), clean)
