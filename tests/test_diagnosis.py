"""What noise is like, from noisy images alone, held against noise that is known."""

import numpy as np
import pytest
from scipy.ndimage import convolve
from skimage import color, data

from denoising.files import InputError
from denoising.formats.levels import to_unit
from denoising.noise.diagnosis import blocks, flat, line
from denoising.sources import bsd, polyu
from tests.test_public_sources import PROVIDED, needs


def photographs():
    grey = [data.camera(), data.moon(), data.coins(), data.clock(), data.brick()]
    colour = [data.astronaut(), data.coffee(), data.chelsea()]
    return [image / 255 for image in grey] + [color.rgb2gray(image) for image in colour]


PHOTOGRAPHS = [image[..., None].astype(np.float32) for image in photographs()]
KERNELS = {
    "across": np.array([[0.5, 0.5]]),
    "down": np.array([[0.5], [0.5]]),
    "both": np.full((2, 2), 0.25),
}


def noisy(images, sigma, kernel=None, seed=0):
    rng = np.random.default_rng(seed)
    noise = [rng.standard_normal(image.shape) for image in images]
    if kernel is not None:
        noise = [
            convolve(one, kernel[..., None] / np.sqrt((kernel**2).sum()), mode="wrap")
            for one in noise
        ]
    return [image + sigma * one for image, one in zip(images, noise, strict=True)]


def found(images):
    return flat.estimate(flat.collect(images))


@pytest.mark.parametrize("sigma", [5, 15, 25, 50])
def test_white_noise_of_photographs(sigma):
    result = found(noisy(PHOTOGRAPHS, sigma / 255))
    assert result.sigma * 255 == pytest.approx(sigma, rel=0.06)
    correlations = [value for name, value in result.correlations.items() if name != "channels"]
    assert np.abs(correlations).max() < 0.06


def autocovariance(kernel, lag):
    """Of white noise through a kernel, over its variance."""
    down, across = lag
    padded = np.pad(kernel, 3)
    shifted = np.roll(padded, (down, across), (0, 1))
    return (padded * shifted).sum() / (kernel**2).sum()


@pytest.mark.parametrize("shape", [(1024, 1024, 1), (60, 3000, 1)])  # of either block
@pytest.mark.parametrize("name", KERNELS)
def test_correlations_are_those_of_the_noise(name, shape):
    result = found(noisy([np.full(shape, 0.5)] * 4, 0.1, KERNELS[name]))
    few_neighbours = 0.06 if shape[0] < blocks.SMALL else 0.03
    assert result.sigma == pytest.approx(0.1, rel=few_neighbours)
    for lag in list(blocks.LAGS)[1:]:
        expected = np.mean([autocovariance(KERNELS[name], one) for one in blocks.LAGS[lag]])
        assert result.correlations[lag] == pytest.approx(expected, abs=0.04), lag


@pytest.mark.parametrize("name", KERNELS)
def test_correlated_noise_is_told_from_photographs(name):
    result = found(noisy(PHOTOGRAPHS, 25 / 255, KERNELS[name]))
    across, down = (result.correlations[lag] for lag in ("across", "down"))
    assert across == pytest.approx(0 if name == "down" else 0.5, abs=0.07)
    assert down == pytest.approx(0 if name == "across" else 0.5, abs=0.07)


def test_noise_that_channels_share():
    rng = np.random.default_rng(0)
    image = np.repeat(PHOTOGRAPHS[0], 3, axis=2)
    shared, own = rng.normal(0, 0.1, (*image.shape[:2], 1)), rng.normal(0, 0.1, image.shape)
    assert found([image + own]).correlations["channels"] == pytest.approx(0, abs=0.05)
    assert found([image + own + shared]).correlations["channels"] == pytest.approx(0.5, abs=0.05)


def test_an_image_that_is_drawn_twice_counts_twice():
    images = noisy(PHOTOGRAPHS[:1], 0.05) + noisy(PHOTOGRAPHS[1:2], 0.2)
    together = flat.collect(images)
    weak, strong = (
        flat.estimate(together, np.array(weights)).variances for weights in ([1, 0], [0, 1])
    )
    both = flat.estimate(together, np.array([1, 1])).variances
    shared = np.isfinite(weak) & np.isfinite(strong)
    assert shared.any()
    assert (weak[shared] < both[shared]).all()
    assert (both[shared] < strong[shared]).all()


def test_images_too_small_say_nothing():
    assert flat.collect([np.zeros((11, 200, 1))]) is None
    small = np.random.default_rng(0).normal(0.5, 0.1, (11, 11, 1))
    large = noisy([np.full((200, 200, 1), 0.5)], 0.1)
    assert (flat.collect([small, *large]).counts.sum(axis=1) > 0).tolist() == [False, True]


def test_images_without_noise():
    even = np.full((64, 64, 1), 0.5)
    steps = np.full((96, 1, 3), [1, 0.7, 0.4]) * (np.arange(192) // 48 * 0.2 + 0.1)[:, None]
    for images in ([even], [steps.astype(np.float32)]):
        result = found(images)
        assert result.sigma == pytest.approx(0, abs=1e-6)
        assert np.isnan(list(result.correlations.values())).all()  # not those of rounding


# real noise


@needs("polyu")
def test_noise_of_cameras_is_correlated_in_every_channel(tmp_path):
    catalogue = polyu.PolyU(name="polyu").scan(PROVIDED, tmp_path, str)
    images = [
        to_unit(np.concatenate(list(image.read["noisy"]())), 0, 255)
        for image in catalogue.images[::4]
    ]
    for channel in range(3):
        one = found([image[..., channel : channel + 1] for image in images]).correlations
        assert 0.5 < one["across"] < 0.85
        assert 0.5 < one["down"] < 0.85
    assert found(images).correlations["channels"] > 0.5


@needs("bsd")
@pytest.mark.parametrize("sigma", [5, 25, 50])
def test_white_noise_of_bsd68_is_white(tmp_path, sigma):
    catalogue = bsd.BSD(name="bsd").scan(PROVIDED, tmp_path, str)
    images = [
        to_unit(np.concatenate(list(image.read["clean"]())), 0, 255)
        for image in catalogue.images
        if image.name.startswith("BSD68/")
    ]
    assert len(images) == 68
    result = found(noisy(images, sigma / 255))
    assert result.sigma * 255 == pytest.approx(sigma, rel=0.03)
    correlations = [value for name, value in result.correlations.items() if name != "channels"]
    assert np.abs(correlations).max() < 0.05


# variance = a + b mean


def test_variance_of_clipped_noise():
    clean, sigma = np.linspace(0, 1.2, 7), np.array([0.02, 0.1, 0.3, 0.5, 0.5, 1.0, 0.1])
    variance = line.clipped_variance(clean, sigma)
    drawn = np.random.default_rng(0).normal(clean, sigma, (1_000_000, 7)).clip(0, 1)
    np.testing.assert_allclose(variance, drawn.var(axis=0), rtol=0.01, atol=1e-9)


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize(("a", "b"), [(0.001, 0), (0.0001, 0.005), (0, 0.01), (0.01, 0.03)])
def test_the_line_of_photographs(a, b, clip):
    rng = np.random.default_rng(1)
    images = [
        image + rng.standard_normal(image.shape) * np.sqrt(a + b * image) for image in PHOTOGRAPHS
    ]
    if clip:
        images = [image.clip(0, 1) for image in images]
    together = flat.collect(images)
    result = flat.estimate(together)
    fitted = line.fit(result.means, result.variances, together.shares, (clip, clip))
    for mean in (0.2, 0.5, 0.8):
        assert fitted.a + fitted.b * mean == pytest.approx(a + b * mean, rel=0.12)
    assert fitted.b == pytest.approx(b, rel=0.15, abs=0.1 * a)


def test_clipping_that_is_not_reckoned_with_is_taken_for_weak_noise():
    images = [
        image.clip(0, 1) for image in noisy([np.full((512, 512, 1), v) for v in (0, 0.5)], 0.3)
    ]
    together = flat.collect(images)
    result = flat.estimate(together)
    fits = [
        line.fit(result.means, result.variances, together.shares, (clip, clip))
        for clip in (False, True)
    ]
    at_black = [np.sqrt(fitted.a + fitted.b * 0) for fitted in fits]
    assert at_black[1] == pytest.approx(0.3, rel=0.1)
    assert at_black[0] < 0.2


def test_a_line_needs_noise_at_two_levels():
    nan = np.full(3, np.nan)
    with pytest.raises(InputError, match="noise is found at 1 levels: a line needs 2"):
        line.fit(np.array([0.1, 0.2, 0.3]), np.array([0.1, 0, np.nan]), nan, (False, False))
