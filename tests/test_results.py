"""What is published in results/ is whole, and is what the parameters would give."""

import math
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from denoising import files
from stages import schema as params
from stages.shared import layout
from tests.conftest import ROOT
from tools import publish

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
    assert capsys.readouterr().out.startswith(
        "cnn: network left out, the published ones would be 0.2 MB"
    )
    assert not list(Path("results").rglob("*.*"))


@pytest.mark.parametrize("root", FOLDERS, ids=lambda path: path.name)
def test_every_run_says_what_it_came_from(root):
    for run in params.load(root / "params.yaml").runs:
        if (root / layout.metrics_file(run)).is_file():
            provenance = files.read_json(
                root / layout.provenance_file(run), "settings", "data_sha256", "environment"
            )
            assert provenance["settings"]["seed"] >= 0
            log = files.read_json(
                root / layout.log_file("train", run), "seconds", "git_revision", "peak_memory_mib"
            )
            assert log["seconds"] > 0


def test_the_article_is_reproduced():
    """What README says of the article's protocol, row by row."""
    root, tables = ROOT / "results/article", files.read_json(ROOT / "article.json")
    article = tables["supervised"] | tables["noise2noise"]
    settings = params.load(ROOT / "params.yaml")
    names = (*settings.runs, *settings.debiased, *settings.filters)
    scores = {name: files.read_json(root / layout.metrics_file(name)) for name in names}
    ratios = {name: scores[name]["mse"] / mse for name, mse in article.items()}
    assert {name for name, ratio in ratios.items() if abs(ratio - 1) > 0.07} == {"dncnn"}
    assert ratios["dncnn"] == pytest.approx(1.11, abs=0.005)
    assert all(abs(ratios[name] - 1) < 0.02 for name in ("win5rb", "win5rb_n2n"))
    assert sorted(article, key=lambda name: scores[name]["mse"]) == sorted(article, key=article.get)

    fixed, inverse = scores["win5rb_n2n_fixed"], scores["win5rb_n2n_inverse"]
    assert fixed["mse_clipped"] < inverse["mse_clipped"] <= inverse["mse"] < fixed["mse"]
    losses = pd.read_csv(root / layout.curve_file("win5rb_n2n_fixed")).set_index("epoch").val_loss
    assert losses.idxmin() == 5

    readme = " ".join((ROOT / "README.md").read_text().split())
    logs = [files.read_json(file) for file in (root / "logs").glob("*.json")]
    assert (
        f"which took {sum(log.get('seconds', 0) for log in logs) / 3600:.1f} hours in all" in readme
    )
    assert f"logs have up to {max(log['peak_memory_mib'] for log in logs):,} MiB" in readme

    text = (
        (ROOT / "README.md").read_text().partition("## The short answer")[2].partition("\n## ")[0]
    )
    answers = dict(re.findall(r"`(\w+)` \| (\d\.\d{4}) \|", text))
    assert len(answers) == text.count("\n| ") - 1
    assert answers == {name: f"{scores[name]['mse']:.4f}" for name in answers}
    seconds = {
        name: files.read_json(root / layout.log_file("train", name))["seconds"]
        for name in settings.runs
    }
    assert seconds["cae"] < seconds["win5rb"] / 2
    assert seconds["dncnn"] == max(seconds.values())
