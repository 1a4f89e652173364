import numpy as np
import pytest

from denoising.data import datasets
from denoising.noise.gaussian import Gaussian
from denoising.sections import validate
from denoising.sources import mnist
from stages.evaluate_filter import Row

ARGUMENTS = {"identity": {}, "median": {"size": 3}, "mean": {"size": 3}, "gaussian": {"sigma": 1.0}}


def apply(name, images):
    row = validate(Row, {"filter": {"name": name} | ARGUMENTS[name]})
    return row.filter(images)


@pytest.fixture(scope="module")
def pair(mnist_folder):
    clean = datasets.to_unit(mnist.read_idx(mnist_folder / mnist.TEST)[::10])[..., None]
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
    filtered = apply(name, noisy)
    np.testing.assert_array_equal(noisy, before)
    assert filtered.shape == noisy.shape
    assert filtered.dtype == noisy.dtype
    assert np.mean((filtered - clean) ** 2) == pytest.approx(
        reference, rel=0.02
    )  # there: all 10,000 images


@pytest.mark.parametrize("name", ARGUMENTS)
def test_images_and_channels_do_not_leak_into_their_neighbours(name):
    images = np.zeros((3, 9, 9, 2), np.float32)
    images[1, ..., 0] = 1
    filtered = apply(name, images)
    np.testing.assert_allclose(filtered, images, atol=1e-6)
