"""What a pipeline of two runs that has run leaves: a lock, results to publish, warnings."""

import json
import re
import shutil

import pytest
import yaml

from stages.shared import params
from tests.test_sort_lock import shuffled
from tools.publish import stale

pytestmark = pytest.mark.slow


def test_a_collapsed_run_is_told_by_name_and_number(ready):
    ready.keep_only("cnn", "noisy")
    ready.edit_params(budgets__smoke__learning_rate=1.0e-9)
    output = ready.run("dvc", "repro")
    scores = json.loads(ready.read("metrics/cnn.json"))
    assert scores["collapsed"] is True
    assert f"*** cnn COLLAPSED: MSE {scores['mse']:.5f}" in output
    text = ready.read("plots/tables.md").decode()
    assert "**collapsed**" in next(line for line in text.splitlines() if line.startswith("| cnn "))


def test_dvc_finds_nothing_to_do_after_its_lock_was_sorted(ready):
    """In tests/test_sort_lock.py nothing has run."""
    file = ready.folder / "dvc.lock"
    before = file.read_text()
    for text in (before, shuffled(before)):
        file.write_text(text)
        ready.tool("sort_lock")
        assert "Data and pipelines are up to date" in ready.run("dvc", "status", "dvc.yaml")
        assert ready.repro() == []
        ordered = file.read_text()
        assert list(yaml.safe_load(ordered)["stages"]) == sorted(yaml.safe_load(before)["stages"])


def test_a_bare_clone_is_fresh_and_what_makes_it_stale_is_caught(small, tmp_path):
    bare_clone = small.clone(tmp_path / "clone")
    assert "dvc.lock is fresh" in bare_clone.tool("fresh")
    metrics = bare_clone.folder / "metrics/cae.json"
    committed = metrics.read_text()

    metrics.write_text(committed.replace('"mse": 0.', '"mse": 0.0', 1))
    assert "evaluate@cae would run" in bare_clone.tool("fresh", code=1)
    metrics.unlink()
    assert "metrics/cae.json is missing" in bare_clone.tool("fresh", code=1)
    metrics.write_text(committed)
    assert "dvc.lock is fresh" in bare_clone.tool("fresh")

    bare_clone.edit_params(networks__cae__filters=32)
    assert "train@cae would run" in bare_clone.tool("fresh", code=1)


def test_published_results_stand_alone(ready):
    output = ready.tool("publish")
    assert "results/smoke: cnn, cae, noisy" in output
    published = ready.folder / "results/smoke"
    log = json.loads((published / "logs/train-cae.json").read_text())
    assert log["seconds"] > 0
    assert "train@cae" in (published / "dvc.lock").read_text()
    before = (published / "plots/tables.md").read_bytes()
    assert before == ready.read("plots/tables.md")
    assert stale(published, params.read(ready.folder / "params.yaml")) == {}
    ready.edit_params(networks__cae__filters=32)
    found = stale(published, params.read(ready.folder / "params.yaml"))
    assert list(found) == ["train@cae"]
    assert "'filters': 64" in found["train@cae"][0]
    for folder in ("metrics", "data", "models"):
        shutil.rmtree(ready.folder / folder)
    (published / "plots/tables.md").unlink()
    ready.tool("publish", "--draw", "smoke")
    assert (published / "plots/tables.md").read_bytes() == before


def test_a_stale_run_is_not_published(ready):
    ready.edit_params(networks__cae__filters=32)
    output = ready.tool("publish")
    assert "cae: left out, train@cae is not up to date" in output
    assert not (ready.folder / "results/smoke/metrics/cae.json").exists()
    row = next(line for line in output.splitlines() if line.startswith("| cae "))
    assert re.sub(r"[ |]+", " ", row).split() == ["cae", "0.00991"]  # the article's number alone
    assert (ready.folder / "results/smoke/metrics/cnn.json").exists()


def test_one_small_run_on_the_jax_backend(ready):
    output = ready.stage("train", "cae", env={"KERAS_BACKEND": "jax"})
    assert "epoch 2 of 2" in output
    provenance = json.loads(ready.read("models/cae.json"))
    assert provenance["environment"]["backend"] == "jax"
    ready.stage("evaluate", "cae", env={"KERAS_BACKEND": "jax"})
    assert 0 < json.loads(ready.read("metrics/cae.json"))["mse"] < 1
