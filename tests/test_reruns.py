"""Only what is affected runs again, and the same inputs give the same bytes."""

import json

import pytest

from tests.conftest import small_project, stages_run

pytestmark = pytest.mark.slow

TRAIN = {"train@cnn", "train@cae"}
EVALUATE = {"evaluate@cnn", "evaluate@cae"}
FILTER = {"evaluate_filter@noisy"}


@pytest.fixture(scope="module")
def base(tmp_path_factory, mnist_folder):
    project = small_project(tmp_path_factory.mktemp("reruns"), mnist_folder)
    assert set(project.repro()) == {
        "fetch",
        "corrupt@gauss50",
        *TRAIN,
        *EVALUATE,
        *FILTER,
        "report",
    }
    project.commit()
    return project


@pytest.fixture
def ready(base):
    """The base as it was, whatever the test before did to it; DVC's cache remembers."""
    yield base
    base.run("git", "checkout", "--quiet", ".")
    base.run("git", "clean", "--quiet", "--force", "-d")
    base.run("dvc", "checkout", "--quiet", "--force")
    assert base.repro() == []


def ran(project):
    return set(project.repro())


def test_one_networks_section(ready):
    ready.edit_params(models__cae__filters=32)
    assert ran(ready) == {"train@cae", "evaluate@cae", "report"}


def test_a_section_of_a_network_that_no_run_uses(ready):
    ready.edit_params(models__win5rb__filters=64)
    assert ran(ready) == set()


def test_a_corrected_row_trains_nothing(ready):
    ready.edit_params(runs__cae__target="noisy")
    assert ran(ready) == {"train@cae", "evaluate@cae", "report"}
    ready.edit_params(debiased__cae_fixed={"run": "cae", "data": "gauss50"})
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


def test_a_comment_in_a_training_module_retrains_and_evaluates_nothing(ready):
    for file, expected in (
        ("denoising/training.py", TRAIN),
        ("denoising/models/cae.py", {"train@cae"}),
    ):
        path = ready.folder / file
        path.write_text(path.read_text() + "# a comment\n")
        assert ran(ready) == expected


def test_another_dataset_and_run_change_no_other(ready):
    before = {name: ready.read(f"metrics/{name}.json") for name in ("cnn", "cae", "noisy")}
    noise = {"name": "gaussian", "sigma": 0.25, "clip": True}
    ready.edit_params(
        datasets__gauss25={
            "source": "mnist",
            "selection": "first",
            "redraw": "never",
            "noise": noise,
        },
        runs__cae_25={"model": "cae", "data": "gauss25", "target": "clean", "loss": "mse"},
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


def test_force_gives_the_same_bytes_for_every_run(smoke):
    before = smoke.read("dvc.lock")
    output = smoke.run("dvc", "repro", "--force")
    assert len(stages_run(output)) == len(stages_run(smoke.output))
    assert smoke.read("dvc.lock") == before
    assert smoke.run("git", "status", "--porcelain") == ""
