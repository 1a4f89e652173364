import numpy as np
import pytest
import pywt
from skimage import data

from denoising.data import datasets
from denoising.evaluation import filters
from denoising.evaluation.filters import restoration
from denoising.files import InputError
from denoising.noise.estimate import estimated_sigma
from denoising.noise.gaussian import Gaussian
from denoising.noise.impulse import Impulse
from denoising.noise.salt_and_pepper import SaltAndPepper
from denoising.sections import validate
from denoising.sources import mnist

ARGUMENTS = {"identity": {}, "median": {"size": 3}, "mean": {"size": 3}, "gaussian": {"sigma": 1.0}}
ADAPTIVE = {
    "nlm": {"name": "nlm"},
    "tv": {"name": "tv"},
    "bayes": {"name": "wavelet"},
    "visu": {"name": "wavelet", "threshold": "visu"},
}
SIGMA = 25 / 255


def apply(name, images, **arguments):
    given = ARGUMENTS.get(name, {}) | arguments
    section = ADAPTIVE.get(name, {"name": name}) | given
    return filters.read(section, "filters.row")(images)


@pytest.fixture(scope="module")
def pair(mnist_folder):
    clean = datasets.to_unit(mnist.read_idx(mnist_folder / mnist.TEST)[::10])[..., None]
    return clean, Gaussian(name="gaussian", sigma=0.5, clip=True).corrupt(
        clean, np.random.default_rng(0)
    )


def photograph(kind):
    """Clean and noisy, (1, 128, 128, C)."""
    whole = {"grey": data.camera()[..., None], "colour": data.astronaut()}[kind]
    clean = datasets.to_unit(whole[None, 40:168, 180:308])
    noise = np.random.default_rng(0).standard_normal(clean.shape, np.float32)
    return clean, clean + np.float32(SIGMA) * noise


def psnr(images, clean):
    return -10 * np.log10(np.mean((images - clean) ** 2))


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


@pytest.mark.parametrize("name", [*ARGUMENTS, *ADAPTIVE])
def test_images_and_channels_do_not_leak_into_their_neighbours(name):
    images = np.zeros((3, 9, 9, 2), np.float32)
    images[1, ..., 0] = 1
    filtered = apply(name, images, **({"sigma": 0.1} if name in ADAPTIVE else {}))
    np.testing.assert_allclose(filtered, images, atol=1e-6)


SWITCHING = {"name": "switching_median", "size": 3, "threshold": 0.1}


@pytest.mark.parametrize(
    ("noise", "only_ends", "over", "gain"),
    [
        (SaltAndPepper(name="salt_and_pepper", amount=0.1, salt_vs_pepper=0.5), True, "median", 7),
        (SaltAndPepper(name="salt_and_pepper", amount=0.1, salt_vs_pepper=0.5), False, "median", 0),
        (Impulse(name="impulse", amount=0.1), False, "identity", 10),
    ],
)
@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_a_switching_median_leaves_what_was_not_replaced(kind, noise, only_ends, over, gain):
    clean, _ = photograph(kind)
    noisy = noise.corrupt(clean, np.random.default_rng(0))
    before = noisy.copy()
    found = filters.read(SWITCHING | {"only_ends": only_ends}, "filters.row")(noisy)
    np.testing.assert_array_equal(noisy, before)
    assert found.dtype == np.float32
    if only_ends:
        between = (noisy > 0) & (noisy < 1)
        np.testing.assert_array_equal(found[between], noisy[between])
    assert psnr(found, clean) > psnr(apply(over, noisy), clean) + gain


def test_a_chain_filters_what_the_one_before_has_left():
    salt, blur = SWITCHING | {"only_ends": True}, {"name": "gaussian", "sigma": 1.0}
    images = np.random.default_rng(0).random((2, 12, 12, 1), np.float32)
    images[:, 5, 5] = 1
    both = filters.read({"name": "chain", "filters": [salt, blur]}, "filters.row")
    expected = filters.read(blur, "one")(filters.read(salt, "other")(images))
    np.testing.assert_array_equal(both(images), expected)
    assert both.assumes == filters.read(blur, "one").assumes
    for wrong, said in (([], "at least one"), ([salt, {"name": "chain"}], "'chain'")):
        with pytest.raises(InputError, match=said):
            filters.read({"name": "chain", "filters": wrong}, "filters.row")


def test_a_switching_median_takes_the_median_of_the_other_neighbours():
    image = np.full((1, 5, 5, 1), 0.5, np.float32)
    image[0, 2, 2] = 1
    image[0, 1, 1:4, 0] = 0.6, 0, 0.7
    found = filters.read(SWITCHING | {"only_ends": True}, "filters.row")(image)
    # of 0.6 and 0.7 and five of 0.5; black and white take no part
    assert found[0, 2, 2, 0] == 0.5
    assert found[0, 1, 2, 0] == 0.5
    assert found[0, 1, 1, 0] == np.float32(0.6)
    white = np.ones((1, 5, 5, 1), np.float32)  # an area of white is no noise
    np.testing.assert_array_equal(
        filters.read(SWITCHING | {"only_ends": True}, "filters.row")(white), white
    )


@pytest.mark.parametrize("sigma", [SIGMA, "estimated"])
@pytest.mark.parametrize("kind", ["grey", "colour"])
@pytest.mark.parametrize(("name", "gain"), [("nlm", 7), ("tv", 5.5), ("bayes", 5), ("visu", 2.5)])
def test_photographs_gain_from_filters_that_follow_the_noise(name, gain, kind, sigma):
    clean, noisy = photograph(kind)
    before = noisy.copy()
    filtered = apply(name, noisy, sigma=sigma)
    np.testing.assert_array_equal(noisy, before)
    assert (filtered.shape, filtered.dtype) == (noisy.shape, np.float32)
    assert psnr(filtered, clean) > psnr(noisy, clean) + gain  # dB


@pytest.mark.parametrize("name", ADAPTIVE)
def test_images_are_filtered_one_by_one_each_by_its_own_noise(name):
    clean, noisy = photograph("grey")
    images = np.concatenate([clean, noisy])
    together = apply(name, images, sigma="estimated")
    for index in range(2):
        alone = apply(name, images[index : index + 1], sigma="estimated")[0]
        np.testing.assert_array_equal(together[index], alone)


@pytest.mark.parametrize("kind", ["grey", "colour"])
@pytest.mark.parametrize("level", [10, 25, 75])
def test_noise_is_estimated(kind, level):
    clean, noisy = photograph(kind)
    noisy = clean + (noisy - clean) * (level / 25)
    assert estimated_sigma(noisy[0]) == pytest.approx(level / 255, rel=0.25 if level < 25 else 0.1)


@pytest.mark.parametrize("shape", [(1, 5000, 1), (5000, 2, 1), (3, 400, 3)])
def test_noise_of_a_few_rows_is_estimated_along_them(shape):
    image = 0.5 + 0.1 * np.random.default_rng(0).standard_normal(shape)
    assert estimated_sigma(image) == pytest.approx(0.1, rel=0.1)


def test_an_image_without_noise_has_none_and_stays_as_it_is():
    ramp = np.broadcast_to(np.linspace(0, 1, 32, dtype=np.float32)[:, None, None], (32, 32, 1))
    for image in (ramp, np.full((32, 32, 3), 0.5, np.float32)):
        assert estimated_sigma(image) == pytest.approx(0, abs=1e-7)
        for name in ADAPTIVE:
            filtered = apply(name, image[None], sigma="estimated")
            np.testing.assert_allclose(filtered[0], image, atol=1e-5)


@pytest.mark.parametrize("name", ADAPTIVE)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 3), (1, 300, 1), (300, 2, 3), (5, 7, 1)])
def test_any_size_is_filtered_with_a_given_sigma(name, shape):
    noisy = 0.5 + 0.1 * np.random.default_rng(0).standard_normal((1, *shape), np.float32)
    filtered = apply(name, noisy, sigma=0.1)
    assert filtered.shape == noisy.shape
    assert np.isfinite(filtered).all()
    assert filtered.std() <= noisy.std() + 1e-6


@pytest.mark.parametrize("name", ADAPTIVE)
def test_an_image_too_small_to_tell_its_noise_is_refused_in_one_line(name):
    with pytest.raises(InputError, match=r"an image of 1 x 3 pixels: too small .* as a number$"):
        apply(name, np.zeros((1, 1, 3, 1), np.float32), sigma="estimated")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "filter.sigma = 0: should be a number over 0, up to 10, or estimated"),
        (True, "should be a number over 0"),
        ("guessed", "filter.sigma = 'guessed': should be a number over 0, up to 10, or estimated"),
        ("1e-1", "filter.sigma = '1e-1': should be a number; write 1.0e-1"),
        (float("nan"), "should be a number over 0"),
        ([0.1], "should be a number over 0"),
    ],
)
def test_a_sigma_that_is_none_is_refused_in_one_line(value, message):
    with pytest.raises(InputError) as caught:
        apply("nlm", np.zeros((1, 9, 9, 1), np.float32), sigma=value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"filter\.sigma: missing"):
        apply("nlm", np.zeros((1, 9, 9, 1), np.float32))


@pytest.mark.parametrize("sigma", [0.1, 1, "estimated"])
def test_a_validated_filter_is_what_was_read(sigma):
    content = {"filter": {"name": "wavelet", "sigma": sigma}}
    assert validate(filters.Row, content).model_dump(exclude_unset=True) == content


@pytest.mark.parametrize(
    ("level", "channels", "patch", "window", "ratio"),
    [
        (1, 1, 3, 21, 0.40),
        (15, 1, 3, 21, 0.40),
        (16, 1, 5, 21, 0.40),
        (30, 1, 5, 21, 0.40),
        (45, 1, 7, 35, 0.35),
        (75, 1, 9, 35, 0.35),
        (76, 1, 11, 35, 0.30),
        (127.5, 1, 11, 35, 0.30),
        (25, 3, 3, 21, 0.55),
        (26, 3, 5, 35, 0.40),
        (55, 3, 5, 35, 0.40),
        (100, 3, 7, 35, 0.35),
    ],
)
def test_non_local_means_have_the_published_parameters(
    monkeypatch, level, channels, patch, window, ratio
):
    seen = {}

    def record(image, **options):
        seen.update(options)
        return image

    monkeypatch.setattr("skimage.restoration.denoise_nl_means", record)
    apply("nlm", np.zeros((1, 8, 8, channels), np.float32), sigma=level / 255)
    assert (seen["patch_size"], 2 * seen["patch_distance"] + 1) == (patch, window)
    assert seen["h"] == pytest.approx(ratio * level / 255)
    assert seen["sigma"] == pytest.approx(level / 255)


def test_total_variation_lowers_a_step_by_sigma_on_both_sides():
    """Of a step, the flattest image at a residual of sigma is the step with a smaller height."""
    step = np.zeros((1, 16, 16, 1), np.float32)
    step[:, :, 8:] = 1
    filtered = apply("tv", step, sigma=0.1)
    np.testing.assert_allclose(filtered, 0.1 + 0.8 * step, atol=0.005)


def test_total_variation_leaves_a_residual_as_large_as_the_noise():
    _, noisy = photograph("colour")
    filtered = apply("tv", noisy, sigma=SIGMA)
    residual = (noisy - filtered).std(axis=(0, 1, 2))
    np.testing.assert_allclose(residual, SIGMA, rtol=1.1 * restoration.TOLERANCE)
    flat = noisy[:, :16, :16] * 0.01
    np.testing.assert_allclose(
        apply("tv", flat, sigma=SIGMA), np.broadcast_to(flat.mean((1, 2)), flat.shape), atol=1e-6
    )


@pytest.mark.parametrize("name", ["bayes", "visu"])
def test_wavelet_thresholds_are_the_published_ones(name):
    noisy = photograph("grey")[1].astype(np.float64)
    bands = pywt.wavedec2(noisy[0, ..., 0], "sym8", level=3)  # 128 pixels allow three scales

    def soft(band):
        signal = np.sqrt(max(np.mean(band**2) - SIGMA**2, 1e-30))
        universal = SIGMA * np.sqrt(2 * np.log(noisy.size))
        threshold = SIGMA**2 / signal if name == "bayes" else universal
        return np.sign(band) * np.maximum(np.abs(band) - threshold, 0)

    expected = pywt.waverec2([bands[0], *(tuple(map(soft, three)) for three in bands[1:])], "sym8")
    filtered = apply(name, noisy.astype(np.float32), sigma=SIGMA)
    np.testing.assert_allclose(filtered[0, ..., 0], expected, atol=1e-5)
