"""A network computed as the machine does it best, for images of any size."""

import functools

import numpy as np
import pytest

from denoising.compute import backend, tuning
from denoising.inference import tiles
from denoising.inference.prepared import KEPT, Prepared
from tests.test_networks import build

SHAPES = [(130, 90), (28, 28), (61, 257)]


@pytest.fixture(scope="module")
def network():
    backend.prepare(0)
    return build("win5rb", last_scale=1.0)


def image(shape, channels=1):
    return np.random.default_rng(0).random((*shape, channels), np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_tiles_by_fft_are_the_network_on_the_whole_image(network, shape):
    by_fft = Prepared(network, "fft", "float32")
    whole = network.predict_on_batch(image(shape)[None])[0]
    tiled = tiles.denoise(network, image(shape), by_fft, largest=96)
    assert np.abs(whole - image(shape)).max() > 0.01
    np.testing.assert_allclose(tiled, whole, atol=1e-4)


def test_channels_are_denoised_each_by_itself(network):
    pixels = image((70, 70), 3)
    by_fft = Prepared(network, "fft", "float32")
    each = by_fft.denoise_each(np.moveaxis(pixels, -1, 0)[..., None])
    np.testing.assert_allclose(by_fft.denoise(pixels), np.concatenate(each, -1), atol=1e-6)


def test_more_sizes_than_are_kept_come_and_go(network):
    by_fft = Prepared(network, "fft", "float32")
    sizes = [(8 + number, 9) for number in range(KEPT + 2)]
    first = by_fft(image(sizes[0])[None])
    for size in sizes:
        assert by_fft(image(size)[None]).shape == (1, *size, 1)
    np.testing.assert_array_equal(by_fft(image(sizes[0])[None]), first)


def test_what_is_measured_is_said_once_for_large_images_and_once_for_small_ones(
    network, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        tuning, "_seconds", lambda *_: {"direct": 2.0, "fft": 1.0, "taps": 1.5, "phases": 1.5}
    )
    kept = functools.partial(tuning.plan, cache=tmp_path / "convolution.json")
    monkeypatch.setattr(tuning, "plan", kept)
    lines = []
    auto = Prepared(network, precision="float32", log=lines.append)
    for shape in SHAPES[0], SHAPES[2], (1, 1), (17, 40):
        auto(image(shape)[None])
    assert len(lines) == len(set(lines)) == 6
    assert all("128x128 pixels" in line for line in lines[:3])
    assert all("28x28 pixels" in line for line in lines[3:])
