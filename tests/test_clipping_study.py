"""The study of clipping: its images, its arithmetic, and its stages at the smallest budget."""

import functools
import shutil
import signal

import numpy as np
import pandas as pd
import pytest
from dvc.repo import Repo

from denoising.data import datasets
from denoising.files import InputError
from denoising.noise.clipping import clipped_mean
from stages.shared import params
from studies.clipping import experiments, images, measure, report, settings, summary
from tests.conftest import ROOT, Project

COUNTS = {"train": 40, "validation": 20, "test": 30}


@pytest.fixture
def study():
    return load(ROOT)


def load(folder):
    """The settings of the study in a folder."""
    return settings.validate(params.read(folder / settings.FILE))


def test_photographs_are_grey_patches_and_none_is_in_two_sets():
    splits = images.natural(COUNTS)
    for split, count in COUNTS.items():
        assert splits[split].shape == (count, 28, 28, 1)
        assert splits[split].dtype == np.uint8
    assert not set(images.PHOTOGRAPHS["train"]) & set(images.PHOTOGRAPHS["test"])
    middle = np.mean((splits["test"] > 25) & (splits["test"] < 230))
    assert middle > 0.8, "photographs should not be binary"


def test_low_contrast_images_keep_their_shape_in_the_middle_of_the_range():
    clean = {"test": np.array([[[0, 255, 51]]], np.uint8)}
    np.testing.assert_array_equal(images.low_contrast(clean, 3)["test"], [[[85, 170, 102]]])


def test_rows_differ_in_what_their_experiment_is_about(study):
    remedies = experiments.rows("remedies", study)
    assert remedies[summary.CLEAN].target is None
    assert remedies["clipped_to_unclipped"].noise.clip
    assert not remedies["clipped_to_unclipped"].target.clip
    low_contrast = experiments.rows("low_contrast", study)["noisy"]
    factor = study.experiments.low_contrast.factor
    assert low_contrast.target.sigma * factor == pytest.approx(study.sigma)
    for name in type(study.experiments).model_fields:
        for row in experiments.rows(name, study).values():
            assert row.loss == "mse" or row.target is not None


def test_noise_is_the_same_for_all_rows_of_a_seed_but_for_clipping(study):
    rows = experiments.rows("targets", study) | experiments.rows("remedies", study)
    clean = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), dtype=np.uint8)

    def noisy(name, seed, split):
        return measure.noisy(rows[name], seed, split, clean)

    clipped, unclipped = (
        noisy("clipped_to_clipped", 0, "train"),
        noisy("unclipped_to_unclipped", 0, "train"),
    )
    np.testing.assert_array_equal(np.clip(unclipped, 0, 1), clipped)
    assert unclipped.min() < 0
    assert not np.array_equal(clipped[datasets.INPUT], clipped[datasets.TARGET])
    assert not np.array_equal(clipped, noisy("clipped_to_clipped", 1, "train"))
    np.testing.assert_array_equal(noisy("clean", 0, "test"), noisy("clean", 1, "test"))


def test_the_formula_is_that_of_a_network_that_learned_the_clipped_mean():
    """Binary pixels with a known posterior: g is affine between two values, the formula exact."""
    rng = np.random.default_rng(0)
    posterior = rng.random(1_000_000)  # P(pixel is white | what is seen)
    pixel = (rng.random(posterior.size) < posterior).astype(float)
    black, white = clipped_mean([0.0, 1.0], 0.5)
    clean_mse = np.mean((posterior - pixel) ** 2)
    noisy_mse = np.mean((black + (white - black) * posterior - pixel) ** 2)
    bias = np.mean((clipped_mean(pixel, 0.5) - pixel) ** 2)
    assert summary.predicted(clean_mse, bias, white - black) == pytest.approx(noisy_mse, rel=0.003)


def test_remedies_are_held_against_clean_targets_of_the_same_seed():
    rows = [
        {
            "experiment": "remedies",
            "row": row,
            "seed": seed,
            "mse": factor * base,
            "mse_clipped": factor * base,
            "mse_debiased": base,
        }
        for seed, base in enumerate([0.010, 0.012, 0.014])
        for row, factor in {summary.CLEAN: 1, summary.NOISY: 4}.items()
    ]
    rows += [rows[0] | {"row": row, "seed": seed} for row in _others() for seed in range(3)]
    found = summary.remedies(pd.DataFrame(rows)).set_index("remedy")
    assert found.ratio["none"] == pytest.approx(4)
    assert found.ratio_low["none"] == pytest.approx(
        found.ratio_high["none"]
    )  # the ratio does not vary, though the MSE does
    assert found.low["none"] < found.mse["none"] < found.high["none"]
    assert found.ratio["inverse of g after training"] == pytest.approx(1)


def _others():
    return {row for row, _, _ in summary.REMEDIES.values()} - {summary.CLEAN, summary.NOISY}


def test_stages_declare_all_that_they_read():
    """Settings are handed on whole, so all sections are declared, and the one experiment."""
    with Repo(ROOT) as repo:
        stages = {stage.name: stage for stage in repo.index.stages if "clipping" in stage.cmd}
    sections = set(settings.Settings.model_fields) - {"budget", "budgets", "experiments"}
    names = set(settings.Experiments.model_fields)
    assert stages.keys() == {f"measure@{name}" for name in names} | {"report"}
    for name in names:
        declared = {key for param in stages[f"measure@{name}"].params for key in param.params}
        assert {key for key in declared if not key.startswith("budgets.")} == sections | {
            f"experiments.{name}"
        }


def test_committed_results_are_those_of_the_committed_parameters():
    content = params.read(ROOT / settings.FILE)
    stages = params.read(ROOT / settings.FOLDER / "dvc.lock")["stages"]
    assert len(stages) == 1 + len(settings.Experiments.model_fields)
    for stage, entry in stages.items():
        for key, then in entry["params"][str(settings.FILE)].items():
            now = functools.reduce(lambda place, part: place[part], key.split("."), content)
            assert now == then, f"{stage}: {key} was {then}, now {now}"


def test_committed_tables_follow_from_what_was_measured(monkeypatch, tmp_path):
    for kind in ("measured", "values"):
        shutil.copytree(ROOT / settings.FOLDER / kind, tmp_path / settings.FOLDER / kind)
    shutil.copyfile(ROOT / settings.FILE, tmp_path / settings.FILE)
    monkeypatch.chdir(tmp_path)
    report.main(params.read(settings.FILE))
    for name in (
        "report.md",
        "metrics.json",
        *(f"tables/{name}.md" for name in (*report.TITLES, "experiments")),
    ):
        assert (tmp_path / settings.FOLDER / name).read_bytes() == (
            ROOT / settings.FOLDER / name
        ).read_bytes(), name


def test_the_claims_of_the_document_hold():
    """What docs/why-noise2noise.md says in words."""
    measured = {
        name: pd.read_csv(ROOT / settings.FOLDER / "measured" / f"{name}.csv")
        for name in settings.Experiments.model_fields
    }
    scores = pd.concat(measured.values(), ignore_index=True)
    study = load(ROOT)
    # only clipped targets hurt
    mse = summary.over_seeds(scores[scores.experiment.isin(["remedies", "targets"])]).value
    assert mse["clipped_to_clipped"] > 3 * mse["clipped_to_unclipped"]
    assert mse["unclipped_to_clipped"] > 3 * mse["unclipped_to_unclipped"]
    # the more noise, the more above the prediction; sending the clean network through g is closer
    sigmas = summary.sigmas(scores, study.sigma)
    assert (sigmas.difference > 0).all()
    assert ((sigmas.noisy - sigmas.through).abs() < (sigmas.noisy - sigmas.predicted).abs()).all()
    assert ((sigmas.noisy / sigmas.through - 1).abs() < 0.05).all()
    assert (sigmas.difference[sigmas.sigma < 0.7] < 0.05).all()
    assert (sigmas.difference[sigmas.sigma == 0.7] > 0.05).all()
    assert 1 / sigmas.slope[sigmas.sigma == study.sigma].item() ** 2 == pytest.approx(2.7, abs=0.05)
    # where nothing is clipped, binary images lose little: a fifth, and no bias
    images_ = summary.images(scores, study.experiments.low_contrast.factor).set_index("images")
    low_contrast = images_.loc["low-contrast digits"]
    assert low_contrast.ratio == pytest.approx(1.2, abs=0.05)
    assert low_contrast.ratio < images_.ratio["photographs"] < images_.ratio["digits"]
    assert low_contrast.bias < low_contrast.clean / 500
    photographs = images_.loc["photographs"]
    assert photographs.noisy / photographs.predicted - 1 == pytest.approx(0.06, abs=0.01)
    assert photographs.noisy / photographs.through - 1 == pytest.approx(0.14, abs=0.01)
    unclipped = (
        mse["clipped_to_unclipped"] / mse["clean"],
        mse["unclipped_to_unclipped"] / mse["clean_unclipped_input"],
    )
    assert all(1.05 < ratio < 1.25 for ratio in unclipped)
    # the inverse of the mean is the best of the three losses for every other noise
    noises = summary.noises(scores)
    assert (noises.debiased < noises[["mae", "annealed_l0", "mse"]].min(axis=1)).all()
    impulses = noises.set_index("noise").loc[["salt_and_pepper", "impulse"]]
    assert (impulses[["mae", "annealed_l0"]].max(axis=1) < 0.6 * impulses.mse).all()
    assert impulses.mae["salt_and_pepper"] / impulses.clean["salt_and_pepper"] == pytest.approx(
        2.6, abs=0.05
    )
    assert impulses.annealed_l0["salt_and_pepper"] / impulses.clean[
        "salt_and_pepper"
    ] == pytest.approx(2.8, abs=0.05)
    remedies = summary.remedies(scores).set_index("remedy").ratio
    assert (
        remedies["censored likelihood (Tobit)"] < remedies["absolute error (L1)"] < remedies["none"]
    )
    assert (
        remedies["censored likelihood (Tobit)"]
        < remedies["inverse of g after training"]
        < remedies["none"]
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory, mnist_folder):
    project = Project(tmp_path_factory.mktemp("study"), mnist_folder)
    file = project.folder / settings.FILE
    file.write_text(file.read_text().replace("budget: laptop ", "budget: smoke  ", 1))
    project.run("dvc", "repro", "fetch@mnist")
    return project


def command(experiment):
    return ("python", "-m", "studies.clipping.measure", experiment)


@pytest.mark.slow
@pytest.mark.nightly
def test_a_killed_experiment_goes_on_and_ends_with_the_same_bytes(small):
    outputs = [settings.FOLDER / kind / "low_contrast.csv" for kind in ("measured", "values")]
    small.run(*command("low_contrast"))
    undisturbed = [small.read(file) for file in outputs]
    for file in outputs:
        (small.folder / file).unlink()

    with small.start(*command("low_contrast")) as process:
        assert any("2 of 6 trained" in line for line in process.stdout)
        process.send_signal(signal.SIGKILL)
    assert not any((small.folder / file).exists() for file in outputs)
    output = small.run(*command("low_contrast"))
    assert output.count(": epoch 1 of 1, ") == 4  # the two that were done are not trained again
    assert [small.read(file) for file in outputs] == undisturbed


@pytest.mark.slow
@pytest.mark.nightly
def test_the_whole_study_runs_and_a_second_time_has_nothing_to_do(small):
    small.run("dvc", "repro", "studies/clipping/dvc.yaml")
    report = small.read("studies/clipping/report.md").decode()
    assert "| sigma" in report
    assert "annealed L0" in report
    for figure in ("targets", "sigmas", "images", "remedies", "noises", "means", "histograms"):
        assert (
            small.folder / settings.FOLDER / "figures" / f"{figure}.png"
        ).stat().st_size > 10_000
    assert "Running stage" not in small.run("dvc", "repro", "studies/clipping/dvc.yaml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "budget: laptop",
            "budget: huge  ",
            "budget = 'huge': should be one of smoke, laptop, article",
        ),
        (
            "factor: 3 ",
            "factor: 0 ",
            "experiments.low_contrast.factor = 0: should be greater than or equal to 1",
        ),
        (
            "name: impulse",
            "name: pulse",
            "experiments.noises.models.impulse.name = 'pulse': should be one of gaussian",
        ),
        ("sigma: 0.5 ", "sgma: 0.5 ", "sgma: unknown key; allowed here: budget, precision"),
    ],
)
def test_a_bad_value_is_one_line(monkeypatch, tmp_path, old, new, message):
    text = (ROOT / settings.FILE).read_text()
    assert text.count(old) == 1
    (tmp_path / settings.FILE).parent.mkdir(parents=True)
    (tmp_path / settings.FILE).write_text(text.replace(old, new))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        settings.validate(params.read(settings.FILE))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
