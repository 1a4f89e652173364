import numpy as np
import pytest

from denoising.files import InputError
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
    {"name": "poisson_gaussian", "peak": 30.0, "sigma": 0.1, "clip": True},
    {"name": "poisson_gaussian", "peak": 30.0, "sigma": 0.1, "clip": False},
    {"name": "correlated", "sigma": 0.3, "across": 1.0, "down": 0.0, "clip": True},
    {"name": "correlated", "sigma": 0.3, "across": 0.7, "down": 0.7, "clip": False},
    {
        "name": "mixture",
        "parts": [
            {"name": "gaussian", "sigma": 0.1, "clip": True},
            {"name": "salt_and_pepper", "amount": 0.1, "salt_vs_pepper": 0.5},
        ],
    },
]
MEASURED = [
    {"name": "measured", "a": 0.01, "b": 0.0, "clipped_black": True, "clipped_white": False},
    {"name": "measured", "a": 0.001, "b": 0.02, "clipped_black": False, "clipped_white": False},
    {"name": "measured", "a": 0.25, "b": 0.0, "clipped_black": True, "clipped_white": True},
]
HIT = MEASURED[2] | {"salt": 0.05, "pepper": 0.1, "random": 0.02}
SHARED = MEASURED[1] | {"across": 0.62, "down": 0.4, "channels": 0.8}


def of(content):
    return "-".join(map(str, content.values())).replace("{", "").replace("}", "")


def test_every_model_is_tested():
    drawn = {name for name in kinds("noise") if kind("noise", name).is_model}
    assert {model["name"] for model in MODELS} == drawn


@pytest.mark.parametrize("content", [{"name": "real"}, MEASURED[0]], ids=of)
def test_noise_that_images_have_is_not_drawn(content):
    with pytest.raises(ValueError, match="drawn"):
        read_kind("noise", content, "noise").corrupt(np.zeros((2, 2)), np.random.default_rng(0))


def test_real_noise_has_no_way_back():
    real = read_kind("noise", {"name": "real"}, "noise")
    with pytest.raises(ValueError, match="several pixel values"):
        real.debias([0.5])


@pytest.fixture(params=MODELS, ids=of)
def model(request):
    return read_kind("noise", request.param, "noise")


@pytest.fixture
def clean():
    images = np.linspace(0, 1, 28 * 28, dtype=np.float32).reshape(1, 28, 28, 1)
    return images.repeat(500, axis=0)


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


def known(contents):
    return [one for one in contents if read_kind("noise", one, "noise").has_likelihood]


VALUES = np.linspace(0, 1, 65)
FINE = np.arange(-6, 7, 1 / 2048) + 1 / 4096


def observable(content, noise):
    """All that can be seen of a pixel, and what makes a probability of each likelihood."""
    if content["name"] == "poisson":
        photons = np.arange(0, 40 * content["peak"] + 1)
        seen = photons / content["peak"]
        seen = np.append(seen[seen < 1], 1.0) if content["clip"] else seen
        return seen, np.ones(len(seen))
    if content["name"] == "salt_and_pepper":  # pixels that are spared lie at one of the values
        return VALUES, np.ones(len(VALUES))
    if content["name"] == "impulse":
        seen = FINE[(FINE > 0) & (FINE < 1)]
        return seen, np.full(len(seen), 1 / 2048)
    moved = np.abs(noise.mean(VALUES) - VALUES) > 1e-6
    black, white = moved[VALUES < 1 / 2].any(), moved[VALUES > 1 / 2].any()
    seen = FINE[((FINE > 0) | (not black)) & ((FINE < 1) | (not white))]
    ends = [end for end, cut in ((0.0, black), (1.0, white)) if cut]
    weights = [np.full(len(seen), 1 / 2048), np.ones(len(ends))]
    return np.append(seen, ends), np.concatenate(weights)


@pytest.mark.parametrize("content", known([*MODELS, *MEASURED, HIT]), ids=of)
def test_likelihood_gives_the_mean_of_what_is_seen(content):
    noise = read_kind("noise", content, "noise")
    seen, weights = observable(content, noise)
    likelihood = noise.likelihood(seen, VALUES)
    assert likelihood.shape == (len(seen), len(VALUES))
    assert (likelihood >= 0).all()
    middle = slice(4, -4)  # the ends' own steps reach beyond
    np.testing.assert_allclose(weights @ likelihood[:, middle], 1, atol=0.005)
    means = (weights * seen) @ likelihood[:, middle]
    np.testing.assert_allclose(means, noise.mean(VALUES[middle]), atol=0.005)


@pytest.mark.parametrize("content", known(MODELS), ids=of)
def test_a_noise_model_knows_its_variance_before_clipping(content):
    unclipped = content | ({"clip": False} if "clip" in content else {})
    noise = read_kind("noise", unclipped, "noise")
    for value in (0.1, 0.5, 0.9):
        drawn = noise.corrupt(
            np.full((1, 400, 400, 1), value, np.float32), np.random.default_rng(0)
        )
        assert drawn.var(dtype=float) == pytest.approx(float(noise.variance(value)), rel=0.03)


@pytest.mark.parametrize("content", MEASURED, ids=of)
def test_measured_noise_knows_what_clipping_does(content):
    noise = read_kind("noise", content, "noise")
    rng = np.random.default_rng(0)
    for value in (0.0, 0.5, 1.0):
        drawn = rng.normal(value, np.sqrt(content["a"] + content["b"] * value), 200_000)
        low = 0 if content["clipped_black"] else -np.inf
        high = 1 if content["clipped_white"] else np.inf
        assert noise.mean(value) == pytest.approx(drawn.clip(low, high).mean(), abs=0.003)
    assert noise.keeps_mean == (not (content["clipped_black"] or content["clipped_white"]))


def test_a_mixture_of_what_cannot_be_mixed_is_refused():
    for part in ({"name": "real"}, {"name": "gaussian", "sigma": -1.0, "clip": True}):
        with pytest.raises(InputError, match="part 2"):
            read_kind("noise", {"name": "mixture", "parts": [MODELS[0], part]}, "noise")


def test_correlated_noise_is_correlated_as_it_says():
    noise = read_kind("noise", MODELS[-3] | {"sigma": 0.2, "clip": False}, "noise")
    drawn = noise.corrupt(np.zeros((1, 512, 512, 1), np.float32), np.random.default_rng(0))[
        0, ..., 0
    ]
    across = np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]
    down = np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]
    assert across == pytest.approx(np.exp(-1 / (4 * noise.across**2)), abs=0.03)
    assert down == pytest.approx(np.exp(-1 / (4 * noise.down**2)) if noise.down else 0, abs=0.03)


@pytest.mark.parametrize("content", [MODELS[1], MODELS[5], MODELS[-2], SHARED], ids=of)
def test_more_noise_is_like_the_noise(content):
    noise = read_kind("noise", content, "noise")
    images = np.full((2, 512, 512, 3), 0.5, np.float32)
    drawn = noise.more(images, np.random.default_rng(0))
    assert drawn.dtype == np.float32
    assert drawn.mean() == pytest.approx(0, abs=0.01)
    assert drawn.var(dtype=float) == pytest.approx(float(noise.variance(0.5)), rel=0.05)
    if content is SHARED:
        for name, (one, other) in {
            "across": (drawn[:, :, :-1], drawn[:, :, 1:]),
            "down": (drawn[:, :-1], drawn[:, 1:]),
            "channels": (drawn[..., 0], drawn[..., 1]),
        }.items():
            found = np.corrcoef(one.ravel(), other.ravel())[0, 1]
            assert found == pytest.approx(content[name], abs=0.03), name
