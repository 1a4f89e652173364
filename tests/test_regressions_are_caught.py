"""The gate with real trainings, at the smoke budget and its own tolerance."""

import json

import pytest

from tests.test_gate import verdicts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(small, tmp_path_factory):
    project = small.copy(tmp_path_factory.mktemp("regressions") / "project")
    project.tool("reference")
    project.commit()
    return project


@pytest.fixture
def ready(base):
    yield base
    base.run("git", "checkout", "--quiet", ".")
    base.run("dvc", "checkout", "--quiet", "--force")


def test_another_seed_passes(ready):
    ready.edit_params(seeds__training=1)
    assert {"train@cnn", "train@cae"} <= set(ready.repro())
    found = verdicts(ready.tool("gate", "HEAD"))
    assert set(found.values()) <= {"same", "better"}
    assert "M metrics/cae.json" in ready.run("git", "status", "--porcelain")


def test_a_worse_network_is_named_until_it_is_accepted(ready):
    ready.edit_params(networks__cnn__filters=8)
    ready.repro()
    output = ready.tool("gate", "HEAD", code=1)
    assert verdicts(output)["cae"] == "same"
    assert "error: cnn: see the verdicts above" in output

    worse = json.loads(ready.read("metrics/cnn.json"))["mse"]
    ready.edit_params(gate__accepted={"cnn": {"value": worse, "reason": "eight filters must do"}})
    assert verdicts(ready.tool("gate", "HEAD"))["cnn"] == "accepted: eight filters must do"


def test_metrics_that_no_training_made_are_caught(ready):
    file = ready.folder / "metrics/cae.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"mse": content["mse"] / 2}, indent=2) + "\n")
    assert "evaluate@cae would run" in ready.tool("fresh", code=1)
    file.unlink()
    assert "metrics/cae.json is missing" in ready.tool("fresh", code=1)
    assert verdicts(ready.tool("gate", "HEAD", code=1))["cae"] == "broken: no metrics"
