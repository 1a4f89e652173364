"""What `diagnose` decides and says of noise that is known, and of images it can say little of."""

import json

import numpy as np
import pytest

from denoising.files import InputError
from denoising.formats.levels import to_unit
from denoising.noise.diagnosis import samples
from denoising.noise.diagnosis.diagnose import diagnose
from denoising.noise.diagnosis.ends import kind_of
from denoising.noise.diagnosis.estimates import bootstrap, draws
from denoising.noise.diagnosis.level import noise_variance, patch_sigma
from denoising.noise.diagnosis.steps import step
from denoising.noise.impulse import Impulse
from denoising.noise.salt_and_pepper import SaltAndPepper
from denoising.sections import read_kind
from denoising.sources import bsd, mnist, polyu
from tests.conftest import ROOT
from tests.test_diagnosis import KERNELS, PHOTOGRAPHS, noisy
from tests.test_public_sources import PROVIDED, needs

SMALL = [image[:256, :256] for image in PHOTOGRAPHS]


def photographs(sigma, kernel=None, seed=0):
    return [one.astype("f4") for one in noisy(SMALL, sigma, kernel, seed)]


def clipped(images):
    return [one.clip(0, 1) for one in images]


def look(images, second=None, resamples=40):
    return diagnose(images, second, resamples=resamples)


def text(found):
    return "\n".join(found.sentences())


@pytest.fixture(scope="module")
def digits(mnist_folder):
    images = mnist.read_idx(mnist_folder / mnist.TEST)[:300, ..., None]
    return list((images / 255).astype("f4"))


def on_digits(digits, sigma):
    rng = np.random.default_rng(0)
    return [(one + rng.normal(0, sigma, one.shape)).astype("f4") for one in digits]


# white noise, as most methods presume it


def test_white_noise_is_nothing_but_white_noise():
    found = look(photographs(25 / 255))
    assert found.decisions() == {
        "is_independent": True,
        "is_signal_dependent": False,
        "is_clipped_black": False,
        "is_clipped_white": False,
        "has_impulses": False,
        "is_quantized": False,
        "has_rows": False,
        "has_columns": False,
        "has_fixed_pattern": False,
    }
    for one in (found.level.wavelet, found.level.patches, found.level.flat, found.sigma):
        assert one.value * 255 == pytest.approx(25, rel=0.06)
        assert one.low <= one.value <= one.high
    assert (found.unit, found.units) == ("images", 8)
    assert "intervals (95 %) are over 8 images" in text(found)
    assert "Noise of neighbouring pixels is independent" in text(found)


def test_the_same_seed_gives_the_same_findings():
    images = photographs(0.1)[:3]
    one, other = (look(images).to_json() for _ in range(2))
    assert one == other
    assert diagnose(images, seed=1, resamples=40).to_json() != one


@pytest.mark.parametrize("sigma", [0.1, 0.25, 0.5])
def test_strong_clipped_noise_of_digits_is_no_salt_and_pepper(digits, sigma):
    found = look(clipped(on_digits(digits, sigma)))
    assert not found.has_impulses
    assert found.is_clipped == (True, True)
    assert found.unclipped_sigma == pytest.approx(sigma, rel=0.15)
    assert found.is_independent is not False
    # half of a normal density, up to white, which 0.5 also reaches
    assert found.black.bias.value == pytest.approx(sigma / np.sqrt(2 * np.pi), rel=0.15)
    assert "of the pixels are black, amid noise: it was cut there" in text(found)


def test_noise_of_digits_that_is_not_clipped(digits):
    found = look(on_digits(digits, 0.1))
    assert found.is_clipped == (False, False)
    assert found.black.bias.value == 0
    assert "go beyond black: no noise was cut there" in text(found)


def test_black_areas_without_noise_are_not_clipped(digits):
    found = look(digits)
    assert found.is_clipped == (False, False)
    assert found.black.kind == "areas"
    assert found.black.share.value > 0.7
    assert "There is no noise" in text(found)


@pytest.mark.parametrize(
    ("sums", "kind"),
    [
        ([1000, 0, 0, 0, 0], "away"),
        ([1000, 200, 200, 0, 150], "beyond"),
        ([1000, 800, 0, 10, 50], "areas"),  # neighbours are black as well
        ([1000, 200, 0, 20, 100], "cut"),
        ([1000, 200, 0, 190, 100], "areas"),  # no more than of the next value
    ],
)
def test_kinds_of_ends(sums, kind):
    assert kind_of(np.array(sums, float), 0) == kind


def test_impulses_at_an_end_are_no_clipped_noise():
    sums = np.array([1000, 50, 0, 1, 49.0])
    assert kind_of(sums, 0) == "cut"
    assert kind_of(sums, 0.05) == "away"


# other noise


@pytest.mark.parametrize("name", ["across", "both"])
def test_correlated_noise(name):
    found = look(photographs(25 / 255, KERNELS[name]))
    assert found.is_independent is False
    assert found.correlations["across"].value == pytest.approx(0.5, abs=0.07)
    assert "Noise of neighbouring pixels is correlated: 0." in text(found)


def test_noise_of_a_camera_grows_with_the_signal():
    rng = np.random.default_rng(0)
    images = [(rng.poisson(30 * one) / 30).astype("f4") for one in SMALL]
    found = look(images)
    assert found.is_signal_dependent is True
    assert found.growth.b.value == pytest.approx(1 / 30, rel=0.1)
    assert found.step == pytest.approx(1 / 30)
    assert not found.has_impulses
    assert "as if white were" in text(found)


def corrupted(images, section):
    noise = read_kind("noise", section, "noise")
    return [noise.corrupt(one, np.random.default_rng(k)) for k, one in enumerate(images)]


@pytest.mark.parametrize("peak", [10.0, 100.0])
def test_counts_on_a_dark_ground_tell_their_noise_by_their_step(digits, peak):
    found = look(corrupted(digits, {"name": "poisson", "peak": peak, "clip": False}))
    assert found.growth.a.value == 0
    assert found.growth.b.value == pytest.approx(1 / peak, rel=1e-4)
    assert found.sigma.value == pytest.approx(np.sqrt(np.mean(digits) / peak), rel=0.02)
    assert found.is_signal_dependent
    assert f"as if white were {peak:.0f} photons" in text(found)


@pytest.mark.parametrize(
    "section",
    [
        None,
        {"name": "speckle", "sigma": 0.3, "clip": False},
        {"name": "poisson", "peak": 10.0, "clip": True},
    ],
)
def test_what_is_no_count_is_not_taken_for_one(digits, section):
    """Nor are its steps, 255 to white, where there are any."""
    images = corrupted(digits, section) if section else digits
    assert np.isnan(look(images).growth.b.value)
    rounded = [(one * 255).round() / 255 for one in images]
    assert np.isnan(look(rounded).growth.b.value)


@pytest.mark.parametrize("amount", [0.01, 0.1])
def test_salt_and_pepper(amount):
    noise = SaltAndPepper(name="salt_and_pepper", amount=amount, salt_vs_pepper=0.5)
    rng = np.random.default_rng(0)
    found = look([noise.corrupt(one, rng) for one in photographs(10 / 255)])
    assert found.has_impulses
    assert found.impulses.salt.value == pytest.approx(amount / 2, rel=0.15)
    assert found.impulses.pepper.value == pytest.approx(amount / 2, rel=0.15)
    assert found.is_clipped == (False, False)
    assert "as by salt and pepper" in text(found)


def test_salt_and_pepper_of_digits(digits):
    noise = SaltAndPepper(name="salt_and_pepper", amount=0.1, salt_vs_pepper=0.5)
    rng = np.random.default_rng(0)
    found = look([noise.corrupt(one, rng) for one in digits])
    assert found.impulses.salt.value == pytest.approx(0.05, rel=0.1)
    assert found.is_independent is None  # impulses hide it
    assert found.is_clipped == (False, False)


def test_random_impulses():
    noise = Impulse(name="impulse", amount=0.05)
    rng = np.random.default_rng(0)
    found = look([noise.corrupt(one, rng) for one in photographs(10 / 255)])
    assert found.impulses.random.value == pytest.approx(0.05, rel=0.3)
    assert found.has_impulses
    assert not found.impulses.has_salt_and_pepper
    assert "replaced by random values" in text(found)


@pytest.mark.parametrize("across", [True, False])
def test_offsets_of_rows_and_of_columns(across):
    rng = np.random.default_rng(1)
    images = [
        (one + rng.normal(0, 6 / 255, (len(one), 1, 1) if across else (1, one.shape[1], 1))).astype(
            "f4"
        )
        for one in photographs(15 / 255)
    ]
    found = look(images)
    assert (found.has_rows, found.has_columns) == (across, not across)
    share = found.rows if across else found.columns
    assert share.value == pytest.approx(36 / (225 + 36), rel=0.25)


def test_a_fixed_pattern():
    pattern = np.random.default_rng(2).normal(0, 6 / 255, (256, 256, 1))
    images = photographs(15 / 255)
    images = [(one + pattern[: one.shape[0], : one.shape[1]]).astype("f4") for one in images]
    found = look(images)
    assert found.has_fixed_pattern is True
    assert found.pattern.value == pytest.approx(36 / (225 + 36), rel=0.35)
    assert "stays from image to image" in text(found)


def test_two_images_tell_nothing_of_a_fixed_pattern():
    assert look(photographs(0.1)[:2]).has_fixed_pattern is None


# real noise


@needs("polyu")
def test_noise_of_cameras_is_found_to_be_correlated_from_noisy_images_alone(tmp_path):
    catalogue = polyu.PolyU(name="polyu").scan(PROVIDED, tmp_path, str)
    images = [
        to_unit(np.concatenate(list(image.read["noisy"]()))[..., 1:2], 0, 255)
        for image in catalogue.images[::10]
    ]
    found = look(images)
    assert found.is_independent is False
    assert not found.has_impulses
    assert found.step == pytest.approx(1 / 255)
    assert "textures of processed images may have several times as much" in text(found)


@needs("bsd")
def test_white_noise_of_bsd68_is_found_to_be_independent(tmp_path):
    catalogue = bsd.BSD(name="bsd", test=["BSD68"]).scan(PROVIDED, tmp_path, str)
    images = [image for image in catalogue.images if image.own_set == "test"][::5]
    clean = [to_unit(np.concatenate(list(one.read["clean"]())), 0, 255) for one in images]
    found = look([one.astype("f4") for one in noisy(clean, 15 / 255)])
    assert found.is_independent is True
    assert found.sigma.value * 255 == pytest.approx(15, rel=0.05)


# steps between pixel values


@pytest.mark.parametrize("size", [1 / 3, 1 / 15, 1 / 255, 1 / 4095, 1 / 65535, 1 / 30, 1 / 77])
def test_the_step_of_rounded_images(size):
    image = noisy([np.full((200, 200, 1), 0.5)], 0.2)[0]
    rounded = (np.rint(image / size) * size).astype("f4")
    assert step([rounded]) == pytest.approx(size, rel=1e-3)
    assert step([rounded.clip(0, 1)]) == pytest.approx(size, rel=1e-3)


def test_continuous_images_have_no_step():
    image = noisy([np.full((200, 200, 1), 0.5)], 0.2)[0].astype("f4")
    assert np.isnan(step([image]))
    assert np.isnan(step([image.clip(0, 1)]))
    assert np.isnan(step([image[:2, :5]]))
    assert np.isnan(step([np.full((50, 50, 1), 0.5, "f4")]))
    assert step([(image > 0.5).astype("f4")]) == 1


def test_rounding_matters_if_the_step_is_coarse_beside_the_noise():
    def rounded(bits):
        steps = np.float32(2**bits - 1)
        return [np.rint(one * steps) / steps for one in photographs(15 / 255)]

    assert look(rounded(4)).is_quantized is True
    assert look(rounded(8)).is_quantized is False


# two shots of each scene


def test_pairs_need_no_flat_regions():
    images = [photographs(5 / 255, KERNELS["across"], seed) for seed in (0, 1)]
    found = look(*images)
    assert found.sigma.value * 255 == pytest.approx(5, rel=0.01)
    correlations = found.best_correlations
    assert correlations["across"].value == pytest.approx(0.5, abs=0.01)
    assert correlations["down"].value == pytest.approx(0, abs=0.01)
    assert found.is_signal_dependent is False
    assert "from the differences of pairs" in text(found)


def test_pairs_of_clipped_digits(digits):
    shots = [clipped(on_digits(digits, 0.25)), clipped(on_digits(digits[::-1], 0.25)[::-1])]
    found = look(*shots)
    assert found.is_clipped == (True, True)
    assert found.unclipped_sigma == pytest.approx(0.25, rel=0.1)
    assert found.black.bias.value == pytest.approx(0.25 / np.sqrt(2 * np.pi), rel=0.1)


def test_pairs_that_do_not_show_the_same():
    found = look(photographs(5 / 255), [one[::-1] for one in photographs(5 / 255)])
    assert "may have moved" in text(found)
    same = look(photographs(5 / 255), photographs(5 / 255))
    assert "are the same" in text(same)
    json.dumps(same.to_json(), allow_nan=False)


def test_pairs_of_colour_share_noise_between_channels():
    rng = np.random.default_rng(0)
    clean = np.repeat(SMALL[0], 3, axis=2)
    shots = [
        [(clean + rng.normal(0, 0.1, clean.shape) + rng.normal(0, 0.1, (256, 256, 1))).astype("f4")]
        for _ in range(2)
    ]
    found = look(*shots)
    assert found.pairs.correlations["channels"].value == pytest.approx(0.5, abs=0.02)
    assert "Noise of the channels is correlated" in text(found)


# what little can be told of few, small and odd images


def test_one_image_is_drawn_by_tiles():
    found = look(photographs(0.1)[:1])
    assert (found.images, found.unit, found.units) == (1, "tiles", 16)
    assert np.isfinite(found.sigma.low)
    assert "over 16 tiles" in text(found)


ODD = {
    "one pixel": np.full((1, 1, 1), 0.5),
    "few pixels": np.linspace(0, 1, 6).reshape(2, 3, 1),
    "a row": np.random.default_rng(0).random((1, 50, 1)),
    "eleven": np.random.default_rng(0).random((11, 11, 3)),
    "constant": np.full((64, 64, 1), 0.3),
    "black": np.zeros((40, 40, 3)),
    "white": np.ones((40, 40, 1)),
    "narrow": np.random.default_rng(0).random((3000, 5, 1)),
    "half black": np.repeat([0.0, 1.0], 2000).reshape(40, 100, 1),
    "huge values": np.random.default_rng(0).normal(0, 1e6, (64, 64, 1)),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("count", [1, 2, 9])
def test_odd_images_give_findings_without_a_traceback(name, count):
    images = [ODD[name].astype("f4")] * count
    for second in (None, images):
        found = look(images, second, resamples=5)
        json.dumps(found.to_json(), allow_nan=False)
        assert all(sentence.endswith(".") for sentence in found.sentences())
        assert "nan" not in text(found)


def test_images_of_many_sizes():
    images = [*photographs(0.1)[:4], *(ODD[name].astype("f4") for name in ("few pixels", "narrow"))]
    found = look(images)
    assert found.images == 6
    assert found.sigma.value == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize(
    ("images", "second", "message"),
    [
        ([], None, "no images"),
        ([np.zeros((20, 20), "f4")], None, r"image 1 has the shape \(20, 20\)"),
        ([np.zeros((20, 20, 1), "u1")], None, "image 1 holds uint8; needed are floats"),
        ([np.zeros((0, 20, 1), "f4")], None, "image 1 has no pixels"),
        ([np.zeros((9, 9, 1), "f4"), np.zeros((9, 9, 3), "f4")], None, "image 2 has 3 channels"),
        (
            [np.full((9, 9, 1), np.nan, "f4")],
            None,
            "image 1: 81 of its pixel values are NaN or infinite",
        ),
        ([np.zeros((9, 9, 1), "f4")], [], "1 images, but 0 second shots"),
        (
            [np.zeros((9, 9, 1), "f4")],
            [np.zeros((9, 8, 1), "f4")],
            "image 1 is 9 x 9 x 1, its second shot 9 x 8 x 1",
        ),
    ],
)
def test_what_cannot_be_looked_at_is_said_in_one_line(images, second, message):
    with pytest.raises(InputError, match=message) as caught:
        diagnose(images, second)
    assert "\n" not in str(caught.value)


def test_no_resamples_no_intervals():
    found = look(photographs(0.1), resamples=0)
    assert np.isfinite(found.sigma.value)
    assert np.isnan(found.sigma.low)
    assert "too few for intervals" in text(found)


# how much is looked at


def test_large_images_are_looked_at_in_windows():
    rng = np.random.default_rng(0)
    image = rng.normal(0.5, 0.1, (6000, 4000, 1)).astype("f4")
    looked = samples.sample([image])
    assert sum(window.pixels.size for window in looked.windows) <= samples.VALUES
    assert all(window.pixels.shape == (256, 256, 1) for window in looked.windows)
    again = samples.sample([image])
    assert all(
        (one.pixels == other.pixels).all()
        for one, other in zip(looked.windows, again.windows, strict=True)
    )


def test_many_images_are_looked_at_by_a_part(monkeypatch):
    monkeypatch.setattr(samples, "IMAGES", 20)
    monkeypatch.setattr(samples, "VALUES", 20 * 64 * 64)
    images = [np.full((100, 200, 1), k, "f4") for k in range(50)]
    looked = samples.sample(images)
    assert (looked.images, looked.units) == (20, 20)
    assert {window.pixels.shape for window in looked.windows} == {(64, 64, 1)}
    assert (looked.windows[0].pixels[0, 0, 0], looked.windows[-1].pixels[0, 0, 0]) == (0, 49)


# parts


def test_noise_variance_is_the_mean_of_what_is_left():
    noise = np.array([0.8, 0.9, 1.0, 1.1, 1.2])
    assert noise_variance(np.append(noise, [50.0, 1000.0])) == pytest.approx(1)
    assert noise_variance(np.zeros(9)) == 0


def test_patches_of_images_of_all_sizes():
    rng = np.random.default_rng(0)
    assert np.isnan(patch_sigma(np.zeros((5, 5, 1), "f4")))
    for side in (12, 28, 64, 300):
        found = np.mean(
            [patch_sigma(rng.normal(0.5, 0.1, (side, side, 1)).astype("f4")) for _ in range(5)]
        )
        assert found == pytest.approx(0.1, rel=0.11), side


def test_the_interval_of_a_mean():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(100):
        values = rng.normal(0, 1, 60)

        def mean(row, values=values):
            return [row @ values / row.sum()]

        (found,) = bootstrap(mean, draws(60, 200, seed))
        hits += found.low < 0 < found.high
    assert hits >= 88


def test_the_page_of_the_benchmark_is_made_from_its_numbers():
    from benchmarks import diagnosis as benchmark
    from denoising.files import read_json

    folder = ROOT / "benchmarks"
    content = read_json(folder / "diagnosis.json", "cases", "cameras", "seeds")
    assert benchmark.report(content) == (folder / "diagnosis.md").read_text()
