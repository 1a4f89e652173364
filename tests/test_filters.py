import numpy as np
import pytest

from denoising.data import datasets
from denoising.evaluation import filters
from denoising.noise.models import Gaussian
from denoising.sources import mnist

ARGUMENTS = {"identity": {}, "median": {"size": 3}, "mean": {"size": 3}, "gaussian": {"sigma": 1.0}}


@pytest.fixture(scope="module")
def pair(mnist_folder):
    clean = datasets.to_unit(mnist.read_idx(mnist_folder / mnist.TEST)[::10])
    return clean, Gaussian(name="gaussian", sigma=0.5, clip=True).corrupt(
        clean, np.random.default_rng(0)
    )


@pytest.mark.parametrize(
    ("name", "reference"),
    [("identity", 0.1156), ("mean", 0.0593), ("gaussian", 0.0591), ("median", 0.0386)],
)
def test_errors_on_real_digits_are_the_known_ones(pair, name, reference):
    clean, noisy = pair
    before = noisy.copy()
    filtered = filters.FILTERS[name](noisy, **ARGUMENTS[name])
    np.testing.assert_array_equal(noisy, before)
    assert filtered.shape == noisy.shape
    assert filtered.dtype == noisy.dtype
    assert np.mean((filtered - clean) ** 2) == pytest.approx(
        reference, rel=0.02
    )  # there: all 10,000 images


@pytest.mark.parametrize("name", ARGUMENTS)
def test_images_do_not_leak_into_their_neighbours(name):
    images = np.zeros((3, 9, 9), np.float32)
    images[1] = 1
    filtered = filters.FILTERS[name](images, **ARGUMENTS[name])
    np.testing.assert_allclose(filtered, images, atol=1e-6)
