"""What is said of a denoiser without a clean image, held against the error where there is one."""

import json

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from denoising import files
from denoising.compute import execution
from denoising.compute.plan import Plan
from denoising.evaluation import likelihood, metrics, shots, sure
from denoising.evaluation.filters.restoration import Wavelet
from denoising.evaluation.kept import Examples
from denoising.evaluation.residual import Residual
from denoising.evaluation.unreferenced import Unreferenced
from denoising.inference import model_files
from denoising.methods.base import Given
from denoising.noise.correlated import Correlated
from denoising.noise.gaussian import Gaussian
from denoising.noise.measured import Measured
from denoising.noise.mixture import Mixture
from denoising.noise.poisson import Poisson
from denoising.noise.real import Real
from denoising.noise.speckle import Speckle
from denoising.reporting import figures
from denoising.sections import read_kind
from stages import corrupt, evaluate, evaluate_filter, fetch, report
from stages.shared import layout, params
from tests.conftest import ROOT
from tests.test_single_images import BLIND, blind
from tools import own

REAL = Real(name="real")
GAUSSIAN = Gaussian(name="gaussian", sigma=0.1, clip=False)
CORRELATED = Correlated(name="correlated", sigma=0.1, across=0.7, down=0.4, clip=False)
POISSON = Poisson(name="poisson", peak=40, clip=False)
SPECKLE = Speckle(name="speckle", sigma=0.3, clip=False)
ENDS = {"clipped_black": False, "clipped_white": False}


def measured(**changes):
    return Measured.model_validate({"name": "measured", "a": 0.004, "b": 0.003} | ENDS | changes)


def rng(seed=0):
    return np.random.default_rng(seed)


def scenes(count=4, size=128):
    """Smooth images with edges, (N, H, W, 1) in [0.1, 0.9]."""
    smooth = ndimage.gaussian_filter(rng(7).standard_normal((count, size, size)), (0, 6, 6))
    smooth = 0.5 + 0.15 * smooth / smooth.std() + 0.15 * np.sign(np.roll(smooth, 20, axis=2))
    return np.clip(smooth, 0.1, 0.9)[..., None].astype(np.float32)


def blur(sigma):
    return lambda images: ndimage.gaussian_filter(images, (0, sigma, sigma, 0))


def shrunk(images):
    """Not linear."""
    return 0.5 + 0.3 * np.tanh(3 * (blur(0.6)(images) - 0.5))


DENOISERS = {
    "identity": lambda images: images,
    "constant": lambda images: np.full_like(images, 0.5),
    "weak": blur(0.5),
    "strong": blur(2),
    "shrunk": shrunk,
    "wavelet": Wavelet(name="wavelet", sigma="estimated"),
}


@pytest.mark.parametrize(
    "noise", [GAUSSIAN, CORRELATED, POISSON, SPECKLE], ids=lambda one: one.name
)
@pytest.mark.parametrize("name", DENOISERS)
def test_sure_is_the_error(noise, name):
    clean, denoise = scenes(), DENOISERS[name]
    noisy = noise.corrupt(clean, rng(1))
    truth = metrics.mse_per_image(denoise(noisy), clean).mean()
    found = sure.errors(denoise, noisy, noise, rng(2))
    assert found.shape == (4,)
    # a few percent of the noise, from 65,000 pixels; Stein's estimate is not quite right for
    # thresholds under noise that changes with the signal
    slack = 0.05 * float(noise.variance(clean).mean())
    assert found.mean() == pytest.approx(truth, abs=slack)


def test_noise_that_neighbours_share_is_estimated_wrong_if_it_is_taken_for_white():
    clean = scenes()
    noisy = CORRELATED.corrupt(clean, rng(1))
    truth = metrics.mse_per_image(blur(1)(noisy), clean).mean()
    right, wrong = (
        sure.errors(blur(1), noisy, noise, rng(2)).mean() for noise in (CORRELATED, GAUSSIAN)
    )
    assert right == pytest.approx(truth, rel=0.1)
    assert wrong < 0.7 * truth


def test_measured_noise_is_that_of_the_images():
    clean = scenes()
    known = measured(across=0.4)
    noisy = clean + known.more(clean, rng(1))
    truth = metrics.mse_per_image(blur(1)(noisy), clean).mean()
    assert sure.errors(blur(1), noisy, known, rng(2)).mean() == pytest.approx(truth, rel=0.1)


@pytest.mark.parametrize(
    ("noise", "said"),
    [
        (None, "nothing is known of the noise"),
        (REAL, "nothing is known of the noise"),
        (Gaussian(name="gaussian", sigma=0.2, clip=True), r"clipped at black and white.* by 0.08"),
        (measured(a=0.01, clipped_black=True), r"the noise is clipped at black, which .* by 0.04"),
        (measured(a=0.01, clipped_white=True), r"is clipped at white, which"),
        (measured(salt=0.1), r"measured noise moves the mean by 0.1"),
        (measured(across=0.6, channels=0.8), r"as after a camera's processing"),
        (Mixture(name="mixture", parts=[GAUSSIAN.model_dump()] * 2), "mixture noise is not known"),
    ],
)
def test_where_nothing_is_estimated_a_sentence_says_why(noise, said):
    with pytest.raises(ValueError, match=said):
        sure.errors(blur(1), scenes(1, 16), noise, rng())
    assert sure.problem(noise).startswith("no estimate: ")
    found = Unreferenced(0.025, Examples(1), noise)
    found.add(scenes(1, 16), scenes(1, 16) + 0.1)
    scores = found.scores()
    assert scores["why"] == sure.problem(noise)
    assert scores["estimate"] is scores["estimated_mse"] is scores["estimated_psnr"] is None
    assert scores["removed"] == pytest.approx(0.1, rel=1e-5)


def test_noise_that_processing_may_have_shared_is_a_caution():
    assert sure.caution(measured(across=0.6)) == sure.CAUTION
    for noise in (None, REAL, CORRELATED, measured(), measured(channels=0.8)):
        assert not sure.caution(noise)


def test_a_band_is_estimated_as_a_part_of_its_image():
    noisy = GAUSSIAN.corrupt(scenes(1), rng(1))
    prediction = blur(1)(noisy)
    whole = sure.error_map(blur(1), noisy, GAUSSIAN, rng(2), prediction)
    rows = slice(32, 64)
    band = sure.error_map(blur(1), noisy, GAUSSIAN, rng(2), prediction[:, rows], rows)
    np.testing.assert_allclose(band, whole[:, rows], atol=1e-6)


def looked_at(bands, images=1, size=128, noise=GAUSSIAN, denoise=None):
    denoise = denoise or blur(1)
    found = Unreferenced(0.025, Examples(1), noise, resamples=300)
    for index, clean in enumerate(scenes(images, size)):
        noisy = noise.corrupt(clean[None], rng(index))
        prediction = denoise(noisy)
        errors = sure.error_map(denoise, noisy, noise, rng(index), prediction)
        for start in range(0, size, size // bands):
            rows = slice(start, start + size // bands)
            found.add(prediction[:, rows], noisy[:, rows], start > 0, errors[:, rows])
    return found.scores(), found.per_image()


def test_an_image_in_bands_is_one_image_and_tiles_give_it_an_interval():
    (whole, one), (parts, same) = looked_at(1), looked_at(2)
    for key in ("images", "test_digest"):
        assert whole[key] == parts[key]
    for key in ("estimated_mse", "estimated_mse_low", "estimated_noisy_mse"):
        assert whole[key] == pytest.approx(parts[key], rel=1e-6)
    assert one["estimated_mse"].shape == same["estimated_mse"].shape == (1,)
    assert whole["estimated_mse_low"] < whole["estimated_mse"] < whole["estimated_mse_high"]
    assert whole["estimated_psnr"] == pytest.approx(-10 * np.log10(whole["estimated_mse"]))
    assert whole["estimated_noisy_mse"] == pytest.approx(0.01)
    assert whole["estimated_constant_mse"] == pytest.approx(scenes(1).var(), rel=0.05)
    json.dumps(whole)


def test_of_a_single_tile_there_is_no_interval():
    scores, _ = looked_at(1, size=32)
    assert scores["estimate"] == "sure"
    assert scores["estimated_mse_low"] is scores["estimated_mse_high"] is None


def test_an_estimate_below_zero_has_no_psnr():
    found = Unreferenced(0.025, Examples(1), GAUSSIAN)
    found.add(scenes(1, 16), scenes(1, 16), errors=np.full((1, 16, 16), -1e-4))
    scores = found.scores()
    assert scores["estimated_mse"] == pytest.approx(-1e-4)
    assert scores["estimated_psnr"] is None
    assert scores["why"].startswith("no PSNR")


def test_umse_is_the_error_of_any_denoiser_from_three_shots():
    clean = scenes(8)
    a, b, c = (POISSON.corrupt(clean, rng(number)) for number in range(3))
    prediction = blur(1)(b)
    truth = metrics.mse_per_image(prediction, clean)
    found = shots.umse_per_image(prediction, a, b, c)
    np.testing.assert_allclose(found, truth, atol=6e-4)
    mean, low, high = shots.umse(prediction, a, b, c, resamples=300)
    assert low <= mean <= high
    assert mean == pytest.approx(truth.mean(), rel=0.1)
    psnr = shots.upsnr_per_image(prediction, a, b, c)
    np.testing.assert_allclose(psnr, -10 * np.log10(found))
    assert np.isnan(shots.upsnr_per_image(a, a, b, c)).all()  # below zero: a is its own prediction


def test_held_out_likelihood_is_the_loss_of_the_blind_spot():
    method = read_kind("methods", {"name": "blind_spot"}, "method")
    network = blind(outputs=method.outputs(1))
    noisy = GAUSSIAN.corrupt(scenes(2, 32), rng())
    loss = method.task(network, Given(GAUSSIAN), lambda: 0.0).loss(noisy, network(noisy))
    model = method.denoiser(network, Given(GAUSSIAN))
    for one in (model, execution.for_inference(model, Plan("float32"))):
        nats = likelihood.surprise(one)(noisy)
        assert nats.shape == noisy.shape
        np.testing.assert_allclose(np.mean(nats), np.mean(loss), rtol=1e-4)
    assert likelihood.is_known(model)
    assert not likelihood.is_known(network)
    with pytest.raises(ValueError, match="says nothing of how likely"):
        likelihood.surprise(network)


def residual(prediction, noisy, noise=None):
    found = Residual()
    found.add(prediction, noisy, noise)
    return found.scores(noise)


def test_the_residual_of_the_truth_is_like_the_noise():
    clean = scenes()
    white = residual(clean, GAUSSIAN.corrupt(clean, rng(1)), GAUSSIAN)
    assert abs(white["residual_across"]) < 0.02
    assert abs(white["residual_down"]) < 0.02
    assert abs(white["residual_with_prediction"]) < 0.02
    shared = residual(clean, CORRELATED.corrupt(clean, rng(1)), CORRELATED)
    assert shared["residual_across"] > 0.5 > shared["residual_down"] > 0.05
    growing = residual(clean, POISSON.corrupt(clean, rng(1)), POISSON)
    assert growing["residual_variance"].keys() == growing["noise_variance"].keys()
    for level, variance in growing["residual_variance"].items():
        assert variance == pytest.approx(growing["noise_variance"][level], rel=0.15)


def test_details_that_are_gone_show_in_the_residual():
    clean = scenes()
    found = residual(blur(4)(clean), GAUSSIAN.corrupt(clean, rng(1)))
    assert found["residual_across"] > 0.1
    assert set(found["noise_variance"].values()) == {None}


def test_what_removes_nothing_has_no_correlation():
    found = residual(scenes(1, 16), scenes(1, 16))
    assert found["residual_across"] is found["residual_with_prediction"] is None
    line = residual(scenes(1, 16)[:, :1], scenes(1, 16)[:, :1] + rng().random((1, 1, 16, 1)))
    assert line["residual_down"] is None
    assert line["residual_across"] is not None


# the stages, on a folder of noisy images


SIGMA = 0.06


def rows(noise):
    text = own.compose("noisy").replace("FOLDER", '"images"')
    content = params.parse(text, "params.yaml")
    content["datasets"]["images"]["noise"] = noise
    content["budgets"]["laptop"] |= {"validation_images": 1, "test_images": 2}
    content["networks"]["blind_spot"] = BLIND
    patches = {"size": 32, "per_epoch": 16, "validation": 4, "flips": True}
    content["runs"]["blind"] = {
        "dataset": "images",
        "network": "blind_spot",
        "method": {"name": "blind_spot"},
        "patches": patches,
        "stream": "blind",
    }
    content["filters"] = {name: content["filters"][name] for name in ("noisy", "wavelet")}
    return content


def untrained(run):
    """What the train stage leaves behind, of a network that was never trained."""
    method = read_kind("methods", {"name": "blind_spot"}, "method")
    noise = Gaussian(name="gaussian", sigma=SIGMA, clip=False)
    model = method.denoiser(blind(outputs=method.outputs(1)), Given(noise))
    model_files.save(model, layout.model_file(run))
    files.write_json(
        layout.provenance_file(run),
        {
            "model_sha256": files.sha256(layout.model_file(run)),
            "method": method.about,
            "environment": {"backend": "x", "versions": {"x": "1"}, "device_name": "none"},
            "settings": {
                "network": {"name": "blind_spot"},
                # a default that the row does not name
                "method": {"name": "blind_spot", "default": 1},
                "precision": "float32",
                "convolutions_by_fft": [],
            },
        },
    )
    files.write_text(layout.curve_file(run), "epoch,loss,val_loss\n1,0.2,0.3\n")


@pytest.mark.parametrize("known", [True, False])
def test_networks_without_a_truth_are_evaluated_and_drawn(tmp_path, monkeypatch, known):
    monkeypatch.chdir(ROOT)
    section = measured(a=SIGMA**2, b=0.0).model_dump() if known else {"name": "real"}
    content = rows(section)
    monkeypatch.chdir(tmp_path)
    clean = scenes(5, 96)
    noisy = Gaussian(name="gaussian", sigma=SIGMA, clip=False).corrupt(clean, rng(3))
    (tmp_path / "images/noisy").mkdir(parents=True)
    for index, image in enumerate(noisy):
        tifffile.imwrite(tmp_path / f"images/noisy/{index}.tif", image[..., 0])
    fetch.main(content, "images")
    corrupt.main(content, "images")
    untrained("blind")
    evaluate.main(content, "blind")
    for name in content["filters"]:
        evaluate_filter.main(content, name)
    report.main(content)

    scores = files.read_json(layout.metrics_file("blind"))
    assert scores["truth"] == "none"
    assert scores["held_out_nats"] is not None
    assert scores["parameters"] > 0
    table = layout.TABLES.read_text()
    told = own._told(scores)
    if known:
        with np.load(layout.per_image_file("blind")) as kept:
            seen = [int(np.abs(noisy - one).sum(axis=(1, 2, 3)).argmin()) for one in kept["noisy"]]
            truth = metrics.mse_per_image(kept["prediction"], clean[seen])
            np.testing.assert_allclose(kept["estimated_mse"], truth, atol=3e-4)
        assert scores["estimated_mse"] == pytest.approx(truth.mean(), rel=0.15)
        assert scores["collapsed"] is False
        identity = files.read_json(layout.metrics_file("noisy"))
        assert identity["estimated_mse"] == pytest.approx(SIGMA**2, rel=0.05)
        assert f"{scores['estimated_psnr']:.2f}" in table
        assert told.startswith("PSNR ")
        assert "no estimate" not in table
    else:
        assert scores["estimate"] is None
        assert "collapsed" not in scores
        assert told == scores["why"] == sure.UNKNOWN
        assert f"blind, noisy, wavelet: {sure.UNKNOWN}." in table
    for figure in layout.FIGURES:
        pixels = figures.plt.imread(tmp_path / f"plots/{figure}.png")
        assert pixels.std() > 0.01


@pytest.mark.parametrize("clipped", [False, True])
def test_second_shots_are_no_truth_where_the_noise_is_known_to_move_the_mean(
    tmp_path, monkeypatch, clipped
):
    monkeypatch.chdir(ROOT)
    content = rows(measured(a=0.04, b=0.0, clipped_black=clipped).model_dump())
    content["sources"]["images"]["kind"] = "shots"
    monkeypatch.chdir(tmp_path)
    noise, clean = Gaussian(name="gaussian", sigma=0.2, clip=clipped), scenes(5, 96)
    for seed, folder in enumerate(("noisy", "noisy2")):
        (tmp_path / "images" / folder).mkdir(parents=True)
        for index, image in enumerate(noise.corrupt(clean, rng(seed))):
            tifffile.imwrite(tmp_path / f"images/{folder}/{index}.tif", image[..., 0])
    fetch.main(content, "images")
    corrupt.main(content, "images")
    evaluate_filter.main(content, "wavelet")

    scores = files.read_json(layout.metrics_file("wavelet"))
    if clipped:
        assert scores["truth"] == "none"
        assert scores["estimated_mse"] is None
        assert scores["why"].startswith("no estimate: the noise is clipped at black, which moves")
        assert "mse" not in scores
    else:
        assert scores["truth"] == "second shots"
        assert 0 < scores["mse"] < 0.04
