"""What is advised for images with known noise, and what is said against the rest."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import yaml
from ruamel.yaml import YAML
from scipy import ndimage

from denoising.advice import costs, trial, words
from denoising.advice.advise import Advice, Choice, advise, measured_noise
from denoising.advice.candidates import Candidate, candidates
from denoising.advice.judge import Facts, judge
from denoising.advice.trial import Reached
from denoising.evaluation import filters
from denoising.files import InputError
from denoising.inference.files import Choices, FileDenoiser, WholePages
from denoising.inference.notes import Notes
from denoising.methods.base import Assumption
from denoising.noise.diagnosis.diagnose import diagnose
from denoising.noise.diagnosis.estimates import Estimate
from denoising.sections import kinds, read_kind
from stages import schema
from stages.shared import params
from tests.conftest import ROOT
from tests.test_diagnosis import PHOTOGRAPHS
from tools import advise as advise_tool
from tools import own, rows, samples

NOISES = {
    "white": {"name": "gaussian", "sigma": 0.1, "clip": False},
    "strong and clipped": {"name": "gaussian", "sigma": 0.4, "clip": True},
    "photons": {"name": "poisson", "peak": 30.0, "clip": False},
    "shared": {"name": "correlated", "sigma": 0.1, "across": 0.8, "down": 0.8, "clip": False},
    "replaced": {"name": "salt_and_pepper", "amount": 0.1, "salt_vs_pepper": 0.5},
    "both": {
        "name": "mixture",
        "parts": [
            {"name": "gaussian", "sigma": 0.08, "clip": True},
            {"name": "salt_and_pepper", "amount": 0.06, "salt_vs_pepper": 0.5},
        ],
    },
}


@pytest.fixture(scope="module")
def advised():
    found = {}
    for name, section in NOISES.items():
        noise = read_kind("noise", section, "noise")
        images = [
            noise.corrupt(image, np.random.default_rng(place))
            for place, image in enumerate(PHOTOGRAPHS)
        ]
        found[name] = advise(Facts("noisy", 300, diagnose(images, resamples=50)))
    return found


def names(choices):
    return {choice.candidate.name for choice in choices}


SINGLE = {"recorrupted", "sure", "unsure", "neighbor2neighbor", "noise2void"}


def test_every_method_is_a_candidate():
    assert set(kinds("methods")) <= {one.section["name"] for one in candidates()}


def test_nothing_rules_out_methods_for_white_noise(advised):
    assert {"blind_spot", *SINGLE} <= names(advised["white"].fit)
    assert advised["white"].best.candidate.name in ("sure", "recorrupted")


def test_for_images_as_small_as_digits_the_blind_spot_comes_first(advised):
    advice = advise(advised["white"].facts._replace(shortest=28))
    assert advice.best.candidate.name == "blind_spot"
    assert "neighbor2neighbor" in names(advice.ruled_out)


def test_for_counts_of_photons_the_blind_spot_does_not_come_first(advised):
    facts = advised["photons"].facts
    none = Estimate(0.0, 0.0, 0.0)
    noise = replace(facts.noise, growth=replace(facts.noise.growth, a=none))
    advice = advise(facts._replace(shortest=28, noise=noise))
    assert advice.best.candidate.name in ("sure", "recorrupted")


def test_without_clean_images_and_pairs_there_is_no_training_with_them(advised):
    for advice in advised.values():
        assert {"supervised", "noise2noise"} <= names(advice.ruled_out)


def test_clipping_rules_out_what_learns_a_mean(advised):
    advice = advised["strong and clipped"]
    assert advice.best.candidate.name == "calibrated_corrected"
    assert names(advice.ruled_out) >= SINGLE
    against = {choice.candidate.name: choice.against for choice in advice.ruled_out}
    assert "cut at black, which moves the mean" in against["sure"][0]
    assert advice.noise["clipped_black"]
    assert np.sqrt(advice.noise["a"] + advice.noise["b"] / 2) == pytest.approx(0.4, rel=0.2)


def test_where_noise_moves_means_what_learns_them_is_corrected(advised):
    corrected = {"neighbor2neighbor_corrected", "calibrated_corrected"}
    for moved in ("strong and clipped", "replaced"):
        assert names(advised[moved].ruled_out) >= {"neighbor2neighbor", "calibrated"}
        assert not corrected & names(advised[moved].ruled_out)
    assert corrected <= names(advised["strong and clipped"].fit)
    kept = advised["white"]
    assert not any(choice.candidate.corrected for choice in (*kept.fit, *kept.ruled_out))


def test_noise_that_grows_rules_out_what_presumes_one_level(advised):
    advice = advised["photons"]
    assert "unsure" in names(advice.ruled_out)
    assert {"blind_spot", "sure", "recorrupted", "neighbor2neighbor"} <= names(advice.fit)
    assert advice.noise["b"] == pytest.approx(1 / 30, rel=0.15)


def test_noise_that_neighbours_share_rules_out_what_presumes_it_independent(advised):
    advice = advised["shared"]
    ruled_out = names(advice.ruled_out)
    assert {"blind_spot", "unsure", "neighbor2neighbor", "noise2void", "zs_n2n"} <= ruled_out
    assert advice.best.candidate.name in ("recorrupted", "sure")
    expected = np.exp(-1 / (4 * 0.8**2))
    for name in ("across", "down"):
        assert advice.noise[name] == pytest.approx(expected, abs=0.06)
    reason = next(c.against for c in advice.ruled_out if c.candidate.name == "noise2void")
    assert "correlated by 0." in reason[0]


def test_replaced_pixels_leave_the_blind_spot_and_medians(advised):
    advice = advised["replaced"]
    assert {"blind_spot", "median", "switching_median"} <= names(advice.fit)
    assert advice.best.candidate.name == "decision_median"
    for name in ("white", "strong and clipped", "shared"):
        assert {"decision_median", "switching_median"} <= names(advised[name].ruled_out)
    assert names(advice.ruled_out) >= SINGLE
    assert advice.noise["salt"] == pytest.approx(0.05, rel=0.2)
    assert advice.noise["pepper"] == pytest.approx(0.05, rel=0.2)


def test_replaced_pixels_are_mended_before_other_noise_is_filtered(advised):
    best = advised["both"].best.candidate
    assert best.name == "mended_calibrated"
    noise, clean = read_kind("noise", NOISES["both"], "noise"), PHOTOGRAPHS[0][:64, :64]
    noisy = noise.corrupt(clean, np.random.default_rng(0))

    def error(section):
        return np.mean((filters.read(section, "filter")(noisy[None])[0] - clean) ** 2)

    assert error(best.section) < 0.7 * min(map(error, best.section["filters"]))
    for name in ("white", "shared"):
        choices = [*advised[name].fit, *advised[name].ruled_out]
        assert "mended_calibrated" not in names(choices)


def test_where_a_filter_leaves_next_to_nothing_it_comes_first(advised):
    facts = advised["white"].facts
    for share, best in ((0.05, "calibrated"), (0.3, "sure")):
        advice = advise(facts._replace(filtered=Reached(share * 0.01, share)))
        assert advice.best.candidate.name == best
        networks = [one.candidate.name for one in advice.fit if one.candidate.network]
        assert networks[0] == "sure"  # the noise is known all the same
        seconds = {"zs_n2n": 317.4, "median": 0.00871}
        text = words.text("scans", advice, {}, seconds, rows.text("images", advice))
        assert f"leaves {share:.1%} of the noise's variance" in text
        assert "| 317 s an image |" in text
        assert "| 0.0087 s an image |" in text


@pytest.mark.slow  # half a minute
def test_what_a_filter_leaves_is_estimated_without_a_truth():
    noise = read_kind("noise", NOISES["white"], "noise")
    clean = [one[:64, :64] for one in PHOTOGRAPHS[:2]]
    noisy = [noise.corrupt(one, np.random.default_rng(k)) for k, one in enumerate(clean)]
    by = filters.read({"name": "calibrated", "filter": "any"}, "filter")
    true = np.mean((by(np.stack(noisy)) - np.stack(clean)) ** 2)
    found = trial.reached(noisy, noise)
    assert found.mse == pytest.approx(true, abs=0.03 * 0.01)
    assert found.share == pytest.approx(found.mse / 0.01, rel=1e-6)
    clipped = read_kind("noise", NOISES["strong and clipped"], "noise")
    assert trial.reached(noisy, clipped) is None


def test_every_assumption_is_judged(advised):
    for assumption in Assumption:
        for advice in advised.values():
            found = judge(assumption, advice.facts)
            assert found.holds in (True, False, None)
            assert found.why


def test_measured_noise_is_one_that_the_methods_take(advised):
    for name, advice in advised.items():
        noise = read_kind("noise", advice.noise, "noise")
        for choice in advice.fit:
            if choice.candidate.network:
                method = read_kind("methods", choice.candidate.section, "method")
                assert method.problem(noise) == "", name


def test_what_cannot_be_measured_is_real_noise():
    tiny = [np.random.default_rng(0).random((9, 9, 1), np.float32) for _ in range(3)]
    assert measured_noise(diagnose(tiny, resamples=0)) == {"name": "real"}


def test_of_noise_that_cannot_be_measured_an_image_tells_the_strength():
    noise = read_kind("noise", {"name": "speckle", "sigma": 0.3, "clip": False}, "noise")
    shapes = np.zeros((40, 28, 28, 1), np.float32)
    shapes[:, 8:20, 12:15] = np.linspace(0.3, 1, 12)[:, None, None]  # thin, and on a dark ground
    images = [noise.corrupt(one, np.random.default_rng(k)) for k, one in enumerate(shapes)]
    advice = advise(Facts("noisy", 28, diagnose(images, resamples=20)))
    assert advice.noise == {"name": "real"}
    assert advice.best.candidate.section["name"] == "calibrated"


def test_the_advice_in_words_has_all_of_it(advised):
    advice = advised["shared"]
    spent = {"sure": 12.0}, {"median": 0.0213}
    text = words.text("scans", advice, *spent, rows.text("images", advice))
    assert "noisy images alone" in text
    assert "| `sure` | `unet` | 12 s an epoch |" in text
    assert "| `median` | none | 0.021 s an image |" in text
    for choice in (*advice.fit, *advice.ruled_out):
        assert f"`{choice.candidate.name}`" in text
    json.dumps(advice.to_json(), allow_nan=False)


def test_every_filter_that_fits_has_its_cost(advised):
    fit = [choice.candidate for choice in advised["white"].fit]
    found = costs.measure_filters(fit, PHOTOGRAPHS[0][:48, :48])
    assert set(found) == {one.name for one in fit if not one.network} - {"noisy"}
    assert min(found.values()) > 0
    assert found["zs_n2n"] > found["median"]
    line = np.linspace(0, 1, 8, dtype=np.float32).reshape(1, 8, 1)  # too low for halves
    found = costs.measure_filters(fit, line)
    assert "median" in found
    assert "zs_n2n" not in found


@pytest.mark.parametrize("name", ["white", "shared", "replaced", "strong and clipped"])
def test_the_rows_go_into_params_and_leave_the_rest(tmp_path, advised, name):
    path = tmp_path / "params.yaml"
    text = own.compose("noisy").replace("FOLDER", '"images"')
    path.write_text(text)
    advice = advised[name]
    networks = params.parse(text, "params.yaml")["networks"]
    seconds = {"one": 10.0, "another": 20.0}
    added = rows.add(path, "images", advice, networks, seconds, minutes=5)
    content = params.read(path)
    schema.validate(content, path)
    assert content["datasets"]["images"]["noise"] == advice.noise
    assert set(added) <= {*content["runs"], *content["debiased"], *content["filters"]}
    assert content["budgets"][rows.BUDGET]["epochs"] == 10
    kept = [line for line in text.splitlines() if line.startswith("#")]
    assert all(line in path.read_text() for line in kept)
    shown = YAML(typ="safe").load(rows.text("images", advice))
    assert shown["datasets"]["images"]["noise"] == advice.noise
    again = rows.add(path, "images", advice, networks, {}, minutes=5)
    assert again == added  # a second time: the same


def test_networks_that_a_file_has_not_are_added_and_those_it_has_are_kept(tmp_path, advised):
    path = tmp_path / "params.yaml"
    content = params.parse(own.compose("noisy").replace("FOLDER", "images"), "params.yaml")
    networks = content["networks"]
    content["networks"] = {"unet": networks["unet"] | {"filters": 8}}
    path.write_text(yaml.safe_dump(content))
    rows.add(path, "images", advised["strong and clipped"], networks, {}, minutes=5)
    after = params.read(path)["networks"]
    assert after["blind_spot"] == networks["blind_spot"]
    assert after["unet"]["filters"] == 8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([""], "SOURCE=: no such folder"),
        (["nowhere"], "SOURCE=nowhere: no such folder"),
        (["nowhere", "--minutes", "0"], "MINUTES=0: should be greater than 0"),
    ],
)
def test_what_cannot_be_advised_on_is_one_line(arguments, said):
    command = [sys.executable, "-m", "tools.advise", *arguments]
    failed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert said in failed.stderr


def test_a_row_of_that_name_but_another_kind_is_not_overwritten(tmp_path, advised):
    path = tmp_path / "params.yaml"
    row = "  blind_spot:\n    dataset: images\n    filter:\n      name: identity\n"
    text = own.compose("noisy").replace("FOLDER", '"images"')
    path.write_text(text.replace("filters:\n", f"filters:\n{row}"))
    before = path.read_text()
    networks = params.parse(text, "params.yaml")["networks"]
    with pytest.raises(InputError, match=r"filters\.blind_spot: the advice has runs of this name"):
        rows.add(path, "images", advised["strong and clipped"], networks, {}, minutes=5)
    assert path.read_text() == before


@pytest.fixture
def followed(tmp_path):
    """A folder whose rows are there: two pages of 16 bits to be denoised, errors of two rows."""
    (tmp_path / "images/noisy").mkdir(parents=True)
    pages = np.random.default_rng(0).integers(0, 65536, (2, 20, 30), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "images/noisy/stack.tif", pages, photometric="minisblack")
    content = {
        "sources": {"stored": {"name": "folder", "path": "images"}},
        "datasets": {"mine": {"source": "stored"}},
        "runs": {"sure": {}},
        "filters": {"median": {"dataset": "mine", "filter": {"name": "median", "size": 3}}},
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "metrics").mkdir()
    return tmp_path, pages


@pytest.mark.parametrize(
    ("errors", "fit"),
    [({"sure": 0.002, "median": 0.001}, ("sure", "median")), ({}, ("median", "sure"))],
)
def test_the_best_row_denoises_also_where_it_is_a_filter(followed, errors, fit):
    """By the errors; where none can be told, in the order of the advice."""
    folder, pages = followed
    for name in fit:
        scores = {"estimated_mse": errors.get(name)}
        (folder / f"metrics/{name}.json").write_text(json.dumps(scores))
    choices = [Choice(next(one for one in candidates() if one.name == name), {}) for name in fit]
    advise_tool._denoise(folder, "mine", list(fit), Advice(None, choices, [], {}))
    found = tifffile.imread(folder / "denoised/stack.tif")
    assert found.dtype == np.uint16
    expected = [ndimage.median_filter(page, 3, mode="reflect") for page in pages]
    np.testing.assert_allclose(found, expected, atol=1)


def test_a_corrected_filter_takes_back_what_noise_did_to_means(followed):
    folder, pages = followed
    content = yaml.safe_load((folder / "params.yaml").read_text())
    content["filters"]["mean_corrected"] = {
        "dataset": "mine",
        "filter": {"name": "mean", "size": 5},
        "corrected": True,
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(content))
    (folder / "metrics/mean_corrected.json").write_text("{}")
    (folder / "data/noisy/mine").mkdir(parents=True)
    section = {"name": "gaussian", "sigma": 0.5, "clip": True}
    (folder / "data/noisy/mine/noise.json").write_text(json.dumps({"noise": section}))
    choice = Choice(Candidate("mean_corrected", {}, "", (), corrected=True), {})
    advise_tool._denoise(folder, "mine", ["mean_corrected"], Advice(None, [choice], [], {}))
    found = tifffile.imread(folder / "denoised/stack.tif") / 65535
    means = [ndimage.uniform_filter(page / 65535, 5, mode="reflect") for page in pages]
    expected = read_kind("noise", section, "noise").debias(np.stack(means))
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_filter_refuses_what_is_not_finite(tmp_path):
    pixels = np.full((8, 8), np.nan, np.float32)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    by = FileDenoiser(WholePages(lambda batch: batch), Choices(), None, Notes(print))
    with pytest.raises(InputError, match=r"a\.tif: .*64"):
        by.denoise(tmp_path / "a.tif", tmp_path / "b.tif")
    assert not (tmp_path / "b.tif").exists()


@pytest.mark.slow
@pytest.mark.nightly
def test_advice_that_is_followed_gives_networks_and_denoised_files(tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    samples.main("grain", tmp_path / "grain")
    command = [sys.executable, "-m", "tools.advise", "../grain", "--run", "--minutes", "0.5"]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    folder = clone / "own/grain"
    advice = json.loads((folder / "advice.json").read_text())
    assert advice["advised"] == "calibrated"  # the photographs are smooth
    assert advice["noise"]["a"] == pytest.approx(0.01, rel=0.1)
    assert (folder / "advice.png").stat().st_size > 10_000
    scores = json.loads((folder / f"metrics/{advice['advised']}.json").read_text())
    assert 0 < scores["estimated_mse"] < 0.006  # of noise of 0.01
    assert scores["truth"] == "none"
    originals = sorted(path.name for path in (tmp_path / "grain/noisy").iterdir())
    assert sorted(path.name for path in (folder / "denoised").iterdir()) == originals
