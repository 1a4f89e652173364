"""What is published in results/ is whole, and is what the parameters would give."""

import math
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from denoising import files, params
from stages import layout, publish
from tests.conftest import ROOT

FOLDERS = sorted(path for path in (ROOT / publish.RESULTS).glob("*") if path.is_dir())


def test_something_is_published():
    assert FOLDERS


@pytest.mark.parametrize("root", FOLDERS, ids=lambda path: path.name)
def test_results_are_those_of_the_parameters(root):
    content = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    assert publish.stale(root, content) == {}


@pytest.mark.parametrize("root", FOLDERS, ids=lambda path: path.name)
def test_half_precision_leaves_three_digits_of_the_mse_alone(root):
    networks = sorted((root / "models").glob("*.keras"))
    assert sum(file.stat().st_size for file in networks) <= publish.NETWORKS
    for file in networks:
        errors = files.read_json(file.with_suffix(".half.json"), "mse", "mse_half")
        assert errors["mse"] == files.read_json(root / layout.metrics_file(file.stem), "mse")["mse"]
        unit = 10.0 ** (math.floor(math.log10(errors["mse"])) - 2)  # of the third significant digit
        assert abs(errors["mse_half"] - errors["mse"]) < unit / 2


def test_a_network_too_many_is_left_out(monkeypatch, tmp_path, capsys):
    network = layout.model_file("cnn")
    (tmp_path / network).parent.mkdir()
    shutil.copyfile(ROOT / "results/article" / network, tmp_path / network)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(publish, "NETWORKS", 1000)
    publish.publish_network("cnn", Path("results/article"), None)
    assert capsys.readouterr().out.startswith("cnn: network left out, the published ones would be 0.2 MB")
    assert not list(Path("results").rglob("*.*"))


@pytest.mark.parametrize("root", FOLDERS, ids=lambda path: path.name)
def test_every_run_says_what_it_came_from(root):
    for run in params.load(root / "params.yaml").runs:
        if (root / layout.metrics_file(run)).is_file():
            provenance = files.read_json(root / layout.provenance_file(run), "settings", "data_sha256", "environment")
            assert provenance["settings"]["seed"] >= 0
            log = files.read_json(root / layout.log_file("train", run), "seconds", "git_revision", "peak_memory_mib")
            assert log["seconds"] > 0
