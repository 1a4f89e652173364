"""Only what is affected runs again, and the same inputs give the same bytes."""

import json

import pytest

from stages.shared import params
from tests.conftest import stages_run

pytestmark = pytest.mark.slow

TRAIN = {"train@cnn", "train@cae"}
EVALUATE = {"evaluate@cnn", "evaluate@cae"}
FILTER = {"evaluate_filter@noisy"}


def ran(project):
    return set(project.repro())


def test_everything_runs_once(small):
    expected = {"fetch@mnist", "corrupt@gauss50", *TRAIN, *EVALUATE, *FILTER, "report"}
    assert set(stages_run(small.output)) == expected
    assert small.repro() == []


def test_one_networks_section(ready):
    ready.edit_params(networks__cae__filters=32)
    assert ran(ready) == {"train@cae", "evaluate@cae", "report"}


def test_a_section_of_a_network_that_no_run_uses(ready):
    ready.edit_params(networks__win5rb__filters=64)
    assert ran(ready) == set()


def test_a_corrected_row_trains_nothing(ready):
    ready.edit_params(runs__cae__method__name="noise2noise")
    assert ran(ready) == {"train@cae", "evaluate@cae", "report"}
    ready.edit_params(debiased__cae_fixed={"run": "cae", "dataset": "gauss50"})
    assert ran(ready) == {"evaluate_debiased@cae_fixed", "report"}


def test_a_figure(ready):
    before = ready.read("plots/grid.png")
    ready.edit_params(report__dpi=60)
    assert ran(ready) == {"report"}
    assert ready.read("plots/grid.png") != before


def test_the_noise_level(ready):
    ready.edit_params(datasets__gauss50__noise__sigma=0.25)
    assert ran(ready) == {"corrupt@gauss50", *TRAIN, *EVALUATE, *FILTER, "report"}
    assert json.loads(ready.read("metrics/noisy.json"))["mse"] < 0.06


def test_the_number_of_epochs_leaves_the_data_alone(ready):
    ready.edit_params(budgets__smoke__epochs=1)
    assert ran(ready) == {*TRAIN, *EVALUATE, "report"}


def comment(project, file):
    path = project.folder / file
    path.write_text(path.read_text() + "# a comment\n")


def test_a_comment_in_a_training_module_retrains_and_evaluates_nothing(ready):
    for file, expected in (
        ("denoising/training/fit.py", TRAIN),
        ("denoising/networks/cae.py", {"train@cae"}),
        ("denoising/methods/supervised.py", TRAIN),
    ):
        comment(ready, file)
        assert ran(ready) == expected


def test_a_comment_in_a_method_retrains_the_runs_of_that_method_alone(ready):
    # a loss that no other test trains it with, or it would be restored from the run cache
    ready.edit_params(runs__cae__method={"name": "noise2noise", "loss": {"name": "mae"}})
    assert ran(ready) == {"train@cae", "evaluate@cae", "report"}
    for file, expected in (
        ("denoising/methods/noise2noise.py", {"train@cae"}),
        ("denoising/methods/supervised.py", {"train@cnn"}),
    ):
        comment(ready, file)
        assert ran(ready) == expected


def test_what_is_edited_or_added_beside_the_rows_reruns_nothing(ready):
    for file in (
        "stages/schema.py",  # the composition of params.yaml
        "denoising/networks/dncnn.py",  # a network, a method and a noise model that no run uses
        "denoising/methods/noise2noise.py",
        "denoising/noise/poisson.py",
        "denoising/cli.py",
        "denoising/inference/images.py",
        "tools/gate.py",
        "demo/app.py",
    ):
        comment(ready, file)
    assert ran(ready) == set()


def copied(project, folder, name, copy, *replacements):
    """A new kind, made from another: one file."""
    text = (project.folder / f"denoising/{folder}/{name}.py").read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    (project.folder / f"denoising/{folder}/{copy}.py").write_text(text)


def test_a_new_network_method_noise_model_or_source_is_a_file_and_a_section(ready):
    """Adding them reruns nothing; using them runs their rows alone."""
    section = {
        "depth": 2,
        "filters": 4,
        "kernel_size": 3,
        "output_activation": "linear",
        "initializer": "he_normal",
    }
    copied(ready, "networks", "cnn", "mine", ('name="cnn"', 'name="mine"'))
    copied(ready, "methods", "supervised", "told", ('Literal["supervised"]', 'Literal["told"]'))
    copied(ready, "noise", "gaussian", "fog", ('Literal["gaussian"]', 'Literal["fog"]'))
    copied(ready, "sources", "mnist", "digits", ('Literal["mnist"]', 'Literal["digits"]'))
    assert ran(ready) == set()
    ready.edit_params(networks__mine=section)
    assert ran(ready) == set()

    method = {"name": "told", "loss": {"name": "mse"}}
    ready.edit_params(runs__mine={"dataset": "gauss50", "network": "mine", "method": method})
    assert ran(ready) == {"train@mine", "evaluate@mine", "report"}
    assert "| mine " in ready.read("plots/tables.md").decode().partition("Experiment 2")[0]

    noise = {"name": "fog", "sigma": 0.5, "clip": True}
    ready.edit_params(
        sources__digits={"name": "digits"},
        datasets__fog={
            "source": "digits",
            "selection": "first",
            "redraw": "never",
            "noise": noise,
        },
        filters__fog={"dataset": "fog", "filter": {"name": "identity"}},
    )
    expected = {"fetch@digits", "corrupt@fog", "evaluate_filter@fog", "report"}
    assert ran(ready) == expected


def test_renaming_a_run_changes_none_of_its_results(ready):
    before = {
        kind: ready.read(f"{kind}/cae.{ending}")
        for kind, ending in (("models", "keras"), ("metrics", "json"), ("plots/curves", "csv"))
    }
    run = params.read(ready.folder / "params.yaml")["runs"]["cae"]
    ready.edit_params(runs__cae=None, runs__renamed=run)
    assert ran(ready) == {"train@renamed", "evaluate@renamed", "report"}
    for kind, content in before.items():
        file = next((ready.folder / kind).glob("renamed.*"), None)
        files = {one.read_bytes() for one in (ready.folder / kind).glob("renamed.*")}
        assert content in files, file


def test_only_a_training_that_draws_noise_depends_on_the_code_that_draws_it(ready):
    comment(ready, "denoising/noise/gaussian.py")
    assert ran(ready) == {"corrupt@gauss50"}  # which gives the same data
    ready.edit_params(datasets__gauss50__redraw="every_epoch")
    assert ran(ready) == {"corrupt@gauss50", *TRAIN, *EVALUATE, "report"}
    comment(ready, "denoising/noise/gaussian.py")
    assert ran(ready) == {"corrupt@gauss50", *TRAIN}


def test_another_dataset_and_run_change_no_other(ready):
    before = {name: ready.read(f"metrics/{name}.json") for name in ("cnn", "cae", "noisy")}
    noise = {"name": "gaussian", "sigma": 0.25, "clip": True}
    method = {"name": "supervised", "loss": {"name": "mse"}}
    ready.edit_params(
        datasets__gauss25={
            "source": "mnist",
            "selection": "first",
            "redraw": "never",
            "noise": noise,
        },
        runs__cae_25={"dataset": "gauss25", "network": "cae", "method": method},
    )
    assert ran(ready) == {"corrupt@gauss25", "train@cae_25", "evaluate@cae_25", "report"}
    assert {name: ready.read(f"metrics/{name}.json") for name in before} == before
    assert "| cae_25 " in ready.read("plots/tables.md").decode()


def test_a_row_that_is_removed_leaves_the_table(ready):
    ready.edit_params(runs__cnn=None)
    assert ran(ready) == {"report"}
    assert "| cnn " not in ready.read("plots/tables.md").decode()


def test_outputs_that_were_lost_or_edited_come_back_from_the_cache(ready):
    (ready.folder / "models/cae.keras").unlink()
    before = ready.read("metrics/cae.json")
    (ready.folder / "metrics/cae.json").write_text("{}")
    output = ready.run("dvc", "repro")
    assert "Stage 'train@cae' is cached - skipping run, checking out outputs" in output
    assert stages_run(output) == []
    assert ready.read("metrics/cae.json") == before
    assert (ready.folder / "models/cae.keras").is_file()


def test_switching_back_restores_from_the_run_cache(ready):
    ready.edit_params(
        budgets__smoke__learning_rate=3.0e-3
    )  # computed by no other test, or it would be restored too
    assert ran(ready) == {*TRAIN, *EVALUATE, "report"}
    ready.edit_params(budgets__smoke__learning_rate=2.0e-3)
    assert ran(ready) == {"report"}
    assert ready.run("git", "status", "--porcelain", "--", "dvc.lock", "metrics", "plots") == ""


def test_experiments_and_diffs(ready):
    output = ready.run(
        "dvc", "exp", "run", "--name", "larger-batch", "--set-param", "budgets.smoke.batch_size=8"
    )
    assert set(stages_run(output)) == {*TRAIN, *EVALUATE, "report"}
    changes = json.loads(ready.run("dvc", "metrics", "diff", "--json"))
    assert set(changes["metrics/cae.json"]) >= {"mse", "psnr"}
    assert json.loads(ready.run("dvc", "params", "diff", "--json")) == {
        "params.yaml": {"budgets.smoke.batch_size": {"old": 4, "new": 8, "diff": 4}}
    }
    assert "larger-batch" in ready.run("dvc", "exp", "show", "--csv")
    page = ready.run("dvc", "plots", "diff", "HEAD", "--out", "dvc_plots")
    assert "index.html" in page
    assert "workspace" in ready.read("dvc_plots/index.html").decode()
    ready.run("dvc", "exp", "remove", "larger-batch")


def assert_forced_gives_the_same(project, stages):
    before = project.read("dvc.lock")
    assert set(stages_run(project.run("dvc", "repro", "--force"))) == set(stages)
    assert project.read("dvc.lock") == before
    assert project.run("git", "status", "--porcelain") == ""


def test_force_gives_the_same_bytes(small, ready):
    assert_forced_gives_the_same(ready, stages_run(small.output))


@pytest.mark.nightly
def test_force_gives_the_same_bytes_for_every_run(smoke):
    assert_forced_gives_the_same(smoke, stages_run(smoke.output))
