"""The gate with real trainings, at the smoke budget and its own tolerance."""

import json

import pytest

from tests.test_gate import verdicts

pytestmark = pytest.mark.slow


@pytest.fixture
def known(ready):
    """A project whose results are held against the present ones."""
    ready.tool("reference")
    ready.commit()
    return ready


def test_another_seed_passes(known):
    known.edit_params(seeds__training=1)
    assert {"train@cnn", "train@cae"} <= set(known.repro())
    found = verdicts(known.tool("gate", "HEAD"))
    assert set(found.values()) <= {"same", "better"}
    assert "M metrics/cae.json" in known.run("git", "status", "--porcelain")


def test_a_worse_network_is_named_until_it_is_accepted(known):
    known.edit_params(networks__cnn__filters=8)
    known.repro()
    output = known.tool("gate", "HEAD", code=1)
    assert verdicts(output)["cae"] == "same"
    assert "error: cnn: see the verdicts above" in output

    worse = json.loads(known.read("metrics/cnn.json"))["mse"]
    known.edit_params(gate__accepted={"cnn": {"value": worse, "reason": "eight filters must do"}})
    assert verdicts(known.tool("gate", "HEAD"))["cnn"] == "accepted: eight filters must do"


def test_metrics_that_no_training_made_are_caught(known):
    file = known.folder / "metrics/cae.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"mse": content["mse"] / 2}, indent=2) + "\n")
    assert "evaluate@cae would run" in known.tool("fresh", code=1)
    file.unlink()
    assert "metrics/cae.json is missing" in known.tool("fresh", code=1)
    assert verdicts(known.tool("gate", "HEAD", code=1))["cae"] == "broken: no metrics"
