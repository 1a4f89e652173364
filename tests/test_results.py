"""What is published in results/ is whole, and is what the parameters would give."""

import hashlib
import math
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from denoising import files
from stages import schema
from stages.shared import layout, params
from tests.conftest import ROOT
from tools import own, publish, work

FOLDERS = sorted(path for path in (ROOT / layout.RESULTS).glob("*") if path.is_dir())


def test_something_is_published():
    assert FOLDERS


@pytest.mark.parametrize("root", FOLDERS, ids=lambda path: path.name)
def test_results_are_those_of_the_parameters(root, monkeypatch):
    """Of params.yaml, or of the preset that the budget is named after."""
    monkeypatch.chdir(ROOT)
    preset = root.name.split("_")[0]
    if preset in own.presets():
        content = params.parse(own.compose(preset), preset)
    else:
        content = params.read("params.yaml")
    assert root.name in content["budgets"]
    assert publish.stale(root, content | {"budget": root.name}) == {}


@pytest.mark.parametrize("root", FOLDERS, ids=lambda path: path.name)
def test_files_are_those_that_the_published_lock_records(root):
    """But for networks, with kernels as float16, and photographs, of which parts are published."""
    whole = root.name.split("_")[0] not in own.presets()
    checked = 0
    for stage, entry in params.read(root / "dvc.lock")["stages"].items():
        for out in entry.get("outs", []):
            file = root / out["path"]
            if file.is_file() and file.suffix != ".keras" and (whole or file.suffix != ".npz"):
                content = file.read_bytes()
                recorded = (out["md5"], out["size"])
                assert (hashlib.md5(content).hexdigest(), len(content)) == recorded, (stage, file)
                checked += 1
    assert checked > 20


def test_stale_results_are_named_and_rows_that_are_gone_are_not():
    root = ROOT / "results/article"
    content = params.read(ROOT / "params.yaml")
    content["seeds"]["training"] += 1
    trained = {f"train@{name}" for name in schema.load(root / "params.yaml").runs}
    changed = ["seeds.training was 0, now 1"]
    assert publish.stale(root, content) == dict.fromkeys(trained, changed)
    for name in ("cnn", "win5rb_n2n", "win5rb_n2n_fixed"):
        del content["runs"][name]
    assert set(publish.stale(root, content)) == {"train@cae", "train@dncnn", "train@win5rb"}
    # a section that is gone, or no section any more, names no rows
    assert publish.stale(root, content | {"runs": None}) == {}
    del content["runs"], content["filters"], content["debiased"]
    assert publish.stale(root, content) == {}
    moved = content | {"filters": {"cnn": {"dataset": "gauss50"}}}  # a filter by a run's name
    assert publish.stale(root, moved) == {}
    assert "evaluate_filter@noisy" in publish.stale(root, {"filters": {"noisy": {}}})


@pytest.mark.parametrize("root", FOLDERS, ids=lambda path: path.name)
def test_kernels_in_float16_leave_three_digits_of_the_mse_alone(root):
    networks = sorted((root / "models").glob("*.keras"))
    assert sum(file.stat().st_size for file in networks) <= publish.NETWORKS
    for file in networks:
        errors = files.read_json(file.with_suffix(".float16.json"), "mse", "mse_float16")
        assert errors["mse"] == files.read_json(root / layout.metrics_file(file.stem), "mse")["mse"]
        unit = 10.0 ** (math.floor(math.log10(errors["mse"])) - 2)  # of the third significant digit
        assert abs(errors["mse_float16"] - errors["mse"]) < unit / 2


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A folder in which the published results of the article's budget can be drawn."""
    shutil.copytree(ROOT / "results/article", tmp_path / "results/article")
    shutil.copyfile(ROOT / "article.json", tmp_path / "article.json")
    monkeypatch.chdir(tmp_path)
    return Path("results/article")


def drawn(root):
    return {file.name: file.read_bytes() for file in (root / "plots").iterdir() if file.is_file()}


@pytest.mark.slow
def test_published_results_are_drawn_from_their_folder_alone(published):
    """Whatever sections the parameters have gained since, or lost that the report does not read."""
    before = drawn(published)
    for name in before:
        (published / "plots" / name).unlink()
    publish.redraw("article")
    assert drawn(published) == before

    file = published / "params.yaml"
    content = yaml.safe_load(file.read_text())
    for section in ("gate", "optimizer", "seeds", "networks", "sources", "datasets", "budgets"):
        del content[section]
    content |= {"cluster": {"nodes": 3}, "precision": {"training": "float64"}}
    content["runs"]["later"] = {"dataset": "dataset", "network": "mlp"}
    content["runs"]["later"] |= {"method": {"name": "noise2noise", "patch": 8}, "crop": 64}
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    publish.redraw("article")
    now = drawn(published)
    assert now.keys() == before.keys()
    assert now["grid.png"] == before["grid.png"]
    assert b"| later " in now["tables.md"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runs: {}", "lacks budget"),
        ("runs: {cnn: {model: cnn}}\nbudget: article", "lacks dataset"),
        ("[", "not valid YAML"),
        (None, "cannot be read"),
    ],
)
def test_published_parameters_that_cannot_be_read_are_one_line(published, text, message):
    file = published / "params.yaml"
    file.unlink()
    if text is not None:
        file.write_text(text)
    with pytest.raises(files.InputError, match=rf"^results/article/params.yaml: {message}"):
        publish.redraw("article")


def test_what_trainings_cost_is_told_of_runs_with_a_log(tmp_path):
    root = tmp_path / "article"
    shutil.copytree(ROOT / "results/article", root)
    (root / layout.log_file("train", "cnn")).unlink()
    lines = work.table(root, ["cnn", "cae", "dncnn"]).splitlines()
    assert [line.split()[1] for line in lines[2:]] == ["cae", "dncnn"]
    minutes = files.read_json(root / layout.log_file("train", "cae"), "seconds")["seconds"] / 60
    cells = [cell.strip() for cell in lines[2].split("|")]
    assert cells[2:6] == [f"{minutes:.0f}", "500,000", "whole images", f"{10 * 391:,}"]


def test_a_network_too_many_is_left_out(monkeypatch, tmp_path, capsys):
    network = layout.model_file("cnn")
    (tmp_path / network).parent.mkdir()
    shutil.copyfile(ROOT / "results/article" / network, tmp_path / network)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(publish, "NETWORKS", 1000)
    publish.publish_network("cnn", Path("results/article"), {})
    assert capsys.readouterr().out.startswith(
        "cnn: network left out, the published ones would be 0.2 MB"
    )
    assert not list(Path("results").rglob("*.*"))


@pytest.mark.parametrize("root", FOLDERS, ids=lambda path: path.name)
def test_every_run_says_what_it_came_from(root):
    for run in schema.load(root / "params.yaml").runs:
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
    root, tables = ROOT / "results/article", files.read_json(ROOT / "article.json")["gauss50"]
    article = tables["supervised"] | tables["noise2noise"]
    settings = schema.load(root / "params.yaml")
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

    text = (ROOT / "README.md").read_text().partition("## The article")[2].partition("\n## ")[0]
    answers = dict(re.findall(r"`(\w+)` \| (\d\.\d{4}) \|", text))
    assert len(answers) == text.count("\n| ") - 1
    assert answers == {name: f"{scores[name]['mse']:.4f}" for name in answers}
    seconds = {
        name: files.read_json(root / layout.log_file("train", name))["seconds"]
        for name in settings.runs
    }
    assert seconds["cae"] < seconds["win5rb"] / 2
    assert seconds["dncnn"] == max(seconds.values())
