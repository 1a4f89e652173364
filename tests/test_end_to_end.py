"""The whole pipeline once, at the smoke budget, on real MNIST in a copy of this repository."""

import json
import resource
import shutil
import sys

import numpy as np
import pandas as pd
import pytest

from denoising.files import read_arrays
from stages import schema
from stages.shared import params
from tests.conftest import ROOT, SPARED, stages_run
from tests.test_networks import build

SETTINGS = schema.load(ROOT / "params.yaml")
for name in SPARED:
    del SETTINGS.runs[name]
CORRECTED = ["win5rb_n2n", "win5rb_n2n_inverse"]
NAMES = [*SETTINGS.runs, *SETTINGS.debiased, *SETTINGS.filters]


@pytest.fixture
def changeable(smoke, tmp_path):
    return smoke.copy(tmp_path / "copy")


def test_every_stage_runs_once_in_order(smoke):
    ran = stages_run(smoke.output)
    expected = {"fetch@mnist", "corrupt@gauss50", "report"}
    expected |= {f"{stage}@{run}" for stage in ("train", "evaluate") for run in SETTINGS.runs}
    expected |= {f"evaluate_debiased@{name}" for name in SETTINGS.debiased}
    expected |= {f"evaluate_filter@{name}" for name in SETTINGS.filters}
    assert set(ran) == expected
    assert len(ran) == len(expected)


def test_metrics_are_complete_and_finite(smoke):
    for name in NAMES:
        scores = json.loads(smoke.read(f"metrics/{name}.json"))
        assert next(iter(scores)) == "mse"
        assert 0 < scores["mse_low"] <= scores["mse"] <= scores["mse_high"] < 1
        assert scores["images"] == SETTINGS.budgets["smoke"].test_images
        assert (
            len({json.loads(smoke.read(f"metrics/{other}.json"))["test_digest"] for other in NAMES})
            == 1
        )
    noisy = json.loads(smoke.read("metrics/noisy.json"))
    assert noisy["mse"] == noisy["noisy_mse"] == pytest.approx(0.1156, rel=0.05)


def test_provenance_says_what_auto_became(smoke):
    provenance = json.loads(smoke.read("models/win5rb.json"))
    assert provenance["settings"]["precision"] in ("float32", "bfloat16")
    assert provenance["environment"]["device"] in ("cpu", "gpu")
    assert provenance["environment"]["versions"]["keras"].startswith("3.")
    filters = params.read(smoke.folder / "params.yaml")["networks"]["win5rb"]["filters"]
    assert provenance["parameters"] == build("win5rb", filters=filters).count_params()
    assert (
        json.loads(smoke.read("metrics/win5rb.json"))["precision"]
        == provenance["settings"]["precision"]
    )


def test_tables_hold_the_articles_numbers_beside_ours(smoke):
    text = smoke.read("plots/tables.md").decode()
    article = json.loads((ROOT / "article.json").read_text())["gauss50"]
    for table, rows in article.items():
        rows = {name: value for name, value in rows.items() if name not in SPARED}
        assert rows
        frame = pd.read_csv(smoke.folder / f"plots/{table}.csv").set_index("name")
        for name, value in rows.items():
            ours = json.loads(smoke.read(f"metrics/{name}.json"))["mse"]
            assert frame.loc[name, "article"] == value
            assert frame.loc[name, "ratio"] == pytest.approx(ours / value, rel=1e-5)
            line = next(line for line in text.splitlines() if line.startswith(f"| {name} "))
            assert f"{value:g}" in line
            assert f"{ours:.5f}" in line


def test_every_run_learns_and_says_so(smoke):
    for name in SETTINGS.runs:
        scores = json.loads(smoke.read(f"metrics/{name}.json"))
        assert scores["mse"] < min(scores["noisy_mse"], scores["constant_mse"])
        assert scores["collapsed"] is False
    assert "COLLAPSED" not in smoke.output


def test_the_corrected_row_is_the_same_network_through_the_inverse_of_the_mean(smoke):
    learned, corrected = (
        read_arrays(smoke.folder / f"data/evaluated/{name}.npz", "prediction")[0]
        for name in CORRECTED
    )
    noise = SETTINGS.datasets["gauss50"].noise
    np.testing.assert_allclose(
        corrected, noise.debias(learned), atol=2e-3
    )  # kept in half precision
    scores = [json.loads(smoke.read(f"metrics/{name}.json")) for name in CORRECTED]
    assert scores[1]["parameters"] == scores[0]["parameters"]
    assert scores[1]["mse"] != scores[0]["mse"]
    table = pd.read_csv(smoke.folder / "plots/noise2noise.csv")
    assert list(table.name) == ["win5rb_n2n", "win5rb_n2n_fixed", "win5rb_n2n_inverse"]


def test_clipping_is_warned_of(smoke):
    warning = next(
        line for line in smoke.output.splitlines() if line.startswith("warning: gauss50: ")
    )
    assert "black pixel to 0.195" in warning
    assert "white one to 0.805" in warning


def test_nothing_is_left_behind(smoke):
    assert not list(smoke.folder.rglob("*.tmp"))


def test_make_repro_again_does_nothing_and_prints_the_tables(smoke):
    installed = f"{sys.prefix}/.installed"
    output = smoke.run("make", "-o", installed, f"VENV={sys.prefix}", "repro")
    assert "up to date" in output
    assert not stages_run(output)
    assert smoke.read("plots/tables.md").decode() in output


def test_dvc_reads_metrics_and_plots(smoke):
    shown = json.loads(smoke.run("dvc", "metrics", "show", "--json"))
    studies = {f"studies/{name}/metrics.json" for name in ("advice", "clipping", "decision")}
    assert set(shown[""]["data"]) - studies == {f"metrics/{name}.json" for name in NAMES}
    page = smoke.run("dvc", "plots", "show", "--out", "dvc_plots")
    assert "index.html" in page
    html = smoke.read("dvc_plots/index.html").decode()
    assert "failed to load" not in page
    assert "learning curve" in html
    assert "win5rb_n2n" in html
    assert "histograms.png" in html


def test_results_of_different_test_images_are_not_put_in_one_table(changeable):
    metrics = changeable.folder / "metrics/cae.json"
    digest = json.loads(metrics.read_text())["test_digest"]
    metrics.write_text(metrics.read_text().replace(digest, "0" * 12))
    output = changeable.stage("report", code=1)
    assert output.startswith(
        "error: metrics/cae.json: measured on other test images of gauss50 than cnn"
    )


@pytest.mark.parametrize("value", ['"x"', "null", "NaN", "[]", "true"])
def test_metrics_that_are_no_numbers_are_one_line_and_no_figure(changeable, value):
    metrics = changeable.folder / "metrics/cae.json"
    mse = json.loads(metrics.read_text())["mse"]
    metrics.write_text(metrics.read_text().replace(f'"mse": {mse!r}', f'"mse": {value}', 1))
    before = changeable.read("plots/mse.png")
    output = changeable.stage("report", code=1)
    assert output.startswith("error: metrics/cae.json: ")
    assert len(output.splitlines()) == 1
    assert changeable.read("plots/mse.png") == before


def test_an_evaluation_is_held_against_its_metrics(changeable):
    """Metrics of another run under this run's name."""
    evaluated = changeable.folder / "data/evaluated"
    (evaluated / "cae.npz").unlink()
    shutil.copyfile(evaluated / "cnn.npz", evaluated / "cae.npz")
    output = changeable.stage("report", code=1)
    assert output.startswith("error: data/evaluated/cae.npz: its mean error is ")
    assert "metrics/cae.json says" in output


def test_a_run_whose_method_the_report_does_not_know_is_an_error(changeable):
    path = changeable.folder / "data/evaluated/cae.npz"
    arrays = dict(np.load(path))
    path.unlink()
    arrays["about"] = np.array(str(arrays["about"]).replace('"supervised"', '"magic"'))
    np.savez(path, **arrays)
    output = changeable.stage("report", code=1)
    assert output.startswith("error: runs.cae: its method supervised belongs to the table magic")


def test_a_full_disk_leaves_the_old_figures(changeable):
    before = changeable.read("plots/grid.png")
    changeable.edit_params(report__dpi=300)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))  # noqa: E731
    output = changeable.stage("report", code=1, preexec_fn=limit)
    assert output.splitlines()[-1].startswith("error: plots/")
    assert "File too large" in output.splitlines()[-1]
    assert "Traceback" not in output
    assert changeable.read("plots/grid.png") == before
