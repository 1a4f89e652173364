"""The study that asks whether the advised method is the best one."""

import json

import numpy as np
import pytest
import yaml

from denoising.files import InputError, write_json
from denoising.noise.gaussian import Gaussian
from denoising.sections import read_kind
from stages.shared import params
from studies.advice import measure, report, settings
from studies.images import Split
from tests.conftest import ROOT, Project

CONTENT = params.read(ROOT / settings.FILE)
WHITE = Gaussian(name="gaussian", sigma=0.1, clip=False)
KINDS = ("white", "poisson", "correlated", "clipped", "impulse", "mixture")


def test_the_grid_has_the_images_and_kinds_of_noise_that_it_should():
    cases = settings.validate(CONTENT).cases
    assert len(cases) >= 24
    for kind in KINDS:
        of_kind = {case.images for name, case in cases.items() if f"_{kind}" in name}
        assert of_kind >= {"digits", "photographs"}, kind
    real = [case.images for case in cases.values() if case.noise == {"name": "real"}]
    assert real == ["cameras"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": "huge"}, "budget = 'huge': should be one of smoke, laptop"),
        ({"near": 0}, "near = 0: should be greater than 0"),
        (
            {"cases": {"a": {"images": "letters", "noise": {"name": "real"}}}},
            "cases.a.images = 'letters': should be one of digits, photographs, cameras",
        ),
    ],
)
def test_wrong_parameters_are_one_line(change, message):
    with pytest.raises(InputError) as error:
        settings.validate(CONTENT | change)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_what_needs_clean_images_or_shots_is_not_compared():
    names = {one.name for one in measure.compared(WHITE)}
    assert {"sure", "blind_spot", "noise2void", "median", "noisy"} <= names
    assert not names & {"supervised", "noise2noise"}


def test_what_mends_pixels_is_compared_where_there_are_such():
    salt = {"name": "measured", "a": 0, "b": 0, "clipped_black": False, "clipped_white": False}
    replaced = read_kind("noise", salt | {"salt": 0.1}, "noise")
    found = {one.name for one in measure.compared(replaced)}
    assert found - {one.name for one in measure.compared(WHITE)} == {"mended_calibrated"}


def test_patches_are_cut_at_the_same_places_of_both():
    clean = [np.random.default_rng(k).random((30, 40, 1), np.float32) for k in range(3)]
    cut = Split(clean, [one + 1 for one in clean]).patches(8, 50, "advice", "train")
    np.testing.assert_allclose(cut[1], cut[0] + 1, atol=1e-6)
    assert len({one.tobytes() for one in cut[0]}) > 40
    again = Split(clean, clean).patches(8, 50, "advice", "train")
    np.testing.assert_array_equal(again[0], cut[0])


def test_errors_of_corrected_predictions_stand_beside_where_noise_moves_means():
    clean = np.full((2, 32, 32, 1), 0.1, np.float32)
    blur = next(one for one in measure.compared(WHITE) if one.name == "gaussian")
    for clip in (False, True):
        noise = Gaussian(name="gaussian", sigma=0.3, clip=clip)
        noisy = noise.corrupt(clean, np.random.default_rng(0))
        split = Split(list(clean), list(noisy))
        job = measure.Job(settings.validate(CONTENT), 8, blur, noise, {"test": split})
        found = job.errors()
        assert len(found["mse"]) == 2
        assert ("corrected_mse" in found) == clip
    assert np.mean(found["corrected_mse"]) < 0.9 * np.mean(found["mse"])


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Three cases with known errors: best, behind, and worse than the noisy image."""
    monkeypatch.chdir(tmp_path)
    errors = {
        "best": {"sure": 0.001, "median": 0.002, "noisy": 0.01},
        "behind": {"sure": 0.002, "median": 0.001, "noisy": 0.01},
        "worse": {"sure": 0.02, "median": 0.01, "noisy": 0.01},
    }
    for name, found in errors.items():
        rows = {key: {"mse": [error, error]} for key, error in found.items()}
        write_json(settings.measured_file(name), rows | {"blind_spot": {"why": "noise is shared"}})
        fit = [{"name": key} for key in ("zs_n2n", "sure", "noisy")]  # the first was not measured
        write_json(settings.advised_file(name), {"fit": fit})
    case = {"images": "digits", "noise": {"name": "real"}}
    return CONTENT | {"cases": dict.fromkeys([*errors, "later"], case)}


def test_the_report_counts_what_was_right_and_names_what_was_wrong(written):
    report.main(written)
    found = json.loads((settings.FOLDER / "metrics.json").read_text())
    assert (found["cases"], found["near"], found["worse_than_noisy"]) == (3, 1, 1)
    assert found["by_case"]["behind"]["behind"] == pytest.approx(10 * np.log10(2))
    text = (settings.FOLDER / "report.md").read_text()
    assert "In 1 of 3 cases" in text
    assert "Not measured yet: `later`." in text
    assert "- `behind`: median, which it rules out, is ahead by 3.01 dB." in text
    assert "`best`:" not in text
    row = next(line for line in text.splitlines() if line.startswith("| best ") and "**" in line)
    assert [cell.strip() for cell in row.split("|")[2:-1]] == ["**30.00**", "(26.99)", "20.00", "-"]
    assert (settings.FOLDER / "advice.png").stat().st_size > 10_000


def test_a_report_of_nothing_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no case is measured"):
        report.main(CONTENT)


@pytest.mark.slow
@pytest.mark.nightly
def test_a_case_is_looked_at_measured_and_reported(tmp_path, mnist_folder):
    project = Project(tmp_path, mnist_folder)
    file = project.folder / settings.FILE
    content = yaml.safe_load(file.read_text())
    content["budget"] = "smoke"
    content["cases"] = {"digits_white": content["cases"]["digits_white"]}
    content["images"] = {"digits": content["images"]["digits"]}
    file.write_text(yaml.safe_dump(content))
    output = project.run("dvc", "repro", "studies/advice/dvc.yaml")
    learned = [one for one in measure.compared(WHITE) if not one.corrected]
    assert output.count("digits_white: ") == 1 + len(learned)
    found = json.loads(project.read(settings.FOLDER / "metrics.json"))
    assert found["cases"] == 1
    assert "Running stage" not in project.run("dvc", "repro", "studies/advice/dvc.yaml")
    advice = project.folder / "denoising/advice/order.py"
    advice.write_text(advice.read_text() + "\n# another order\n")
    assert "Running stage 'studies/advice/dvc.yaml:measure" not in project.run(
        "dvc", "repro", "studies/advice/dvc.yaml"
    )
