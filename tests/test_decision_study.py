"""The table that says what to do with what you have."""

import json

import numpy as np
import pytest
import yaml

from denoising.files import InputError, write_json
from denoising.methods.base import Assumption
from stages.shared import params
from studies.decision import cells, cost, images, measure, report, settings
from studies.images import Split
from tests.conftest import ROOT, Project

CONTENT = params.read(ROOT / settings.FILE)


def test_every_place_of_the_table_has_a_cell_or_a_reason():
    chosen = settings.validate(CONTENT)
    places = {f"{one.images}_{one.have}" for one in chosen.cells.values()}
    wanted = {f"{name}_{have}" for name in chosen.images for have in settings.HAVE}
    assert places | set(chosen.missing) == wanted
    assert not places & set(chosen.missing)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": "huge"}, "budget = 'huge': should be one of smoke, laptop"),
        ({"seeds": [0]}, "seeds"),
        (
            {"cells": {"a": {"have": "clean", "images": "letters"}}},
            "cells.a.images = 'letters': should be one of mnist, bsd68, polyu",
        ),
    ],
)
def test_wrong_parameters_are_one_line(change, message):
    with pytest.raises(InputError) as error:
        settings.validate(CONTENT | change)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def made(have, clean, noise):
    """What a network learns from in a cell of small images with known pixels."""
    content = CONTENT | {"images": {"mnist": CONTENT["images"]["mnist"] | {"noise": noise}}}
    content |= {"cells": {"cell": {"have": have, "images": "mnist"}}, "missing": {}}
    chosen = settings.validate(content)
    kind = {"clean": "supervised", "pairs": "supervised", "shots": "noise2noise", "noisy": "sure"}
    assumes = [Assumption.CLEAN] if kind[have] == "supervised" else []
    about = {"name": kind[have], "section": {}, "network": "unet", "noise": noise}
    one = cells.Chosen(assumes=assumes, corrected=False, **about)
    return cells.data_of(chosen, chosen.cells["cell"], one)


@pytest.fixture
def small(monkeypatch):
    clean = [np.full((28, 28, 1), value, np.float32) for value in (0.2, 0.8)]
    noise = {"name": "gaussian", "sigma": 0.1, "clip": False}

    def of_set(chosen, name, split):
        drawn = images.drawn_again(clean, images.noise_of(chosen, name), name, split)
        return Split(clean, drawn)

    monkeypatch.setattr(images, "of_set", of_set)
    return clean, noise


def test_nothing_is_learned_from_that_one_has_not(small):
    for have, versions, there in (
        ("clean", 1, True),
        ("pairs", 1, True),
        ("shots", 2, False),
        ("noisy", 1, False),
    ):
        data = made(have, *small)
        clean, noisy = data.training
        assert len(noisy) == versions
        assert (clean.max() > 0) == there
        assert (data.redrawn is not None) == (have == "clean")
        if have == "shots":  # of the same places, with other noise
            difference = noisy[0] - noisy[1]
            assert difference.std() == pytest.approx(0.1 * np.sqrt(2), rel=0.05)
        if have == "clean":
            again = data.redrawn(1)
            assert again.shape == noisy.shape
            assert (again - noisy).std() == pytest.approx(0.1 * np.sqrt(2), rel=0.05)
            np.testing.assert_array_equal(again, data.redrawn(1))


def in_one_cell(monkeypatch, tmp_path, noise):
    """A study of one cell, and how it is chosen."""
    monkeypatch.chdir(tmp_path)
    content = CONTENT | {"images": {"mnist": CONTENT["images"]["mnist"] | {"noise": noise}}}
    content |= {"cells": {"cell": {"have": "noisy", "images": "mnist"}}, "missing": {}}
    section = {"name": "sure", "step": 0.2}
    one = cells.Chosen("sure", section, "unet", [], False, noise)
    write_json(settings.chosen_file("cell"), one._asdict())
    return content


def test_a_cell_that_was_killed_goes_on_with_the_next_seed(small, monkeypatch, tmp_path):
    content = in_one_cell(monkeypatch, tmp_path, small[1])
    learned = []

    def trained(chosen, cell, one, data, seed):
        if seed == 1 and 1 not in learned:
            learned.append(seed)
            raise KeyboardInterrupt
        learned.append(seed)
        return lambda image: image

    monkeypatch.setattr(cells, "trained", trained)
    with pytest.raises(KeyboardInterrupt):
        measure.main(content, "cell")
    assert not settings.measured_file("cell").exists()
    measure.main(content, "cell")
    assert learned == [0, 1, 1, 2]
    measure.main(content | {"seeds": [2, 3]}, "cell")
    assert learned == [0, 1, 1, 2, 3]
    other = yaml.safe_load(yaml.safe_dump(content))
    other["images"]["mnist"]["work"]["epochs"] = 7
    measure.main(other | {"seeds": [2, 3]}, "cell")
    assert learned == [0, 1, 1, 2, 3, 2, 3]


def test_minutes_are_those_of_all_patches_and_epochs(small, monkeypatch, tmp_path):
    content, clock = in_one_cell(monkeypatch, tmp_path, small[1]), [0.0]

    def trained(chosen, cell, one, data, seed, log):
        of_epoch = 0.01 * len(data.training[0])
        for extra in (100, 0, 30, 0):  # libraries and the compiler first; a pause
            clock[0] += of_epoch + extra
            log("an epoch")
        return lambda image: image

    monkeypatch.setattr(cells, "trained", trained)
    monkeypatch.setattr(cost.time, "perf_counter", lambda: clock[0])
    cost.main(content)
    of_set = settings.validate(content).images["mnist"]
    seconds = 0.01 * of_set.patches * of_set.work.epochs
    found = json.loads(settings.COSTS.read_text())
    assert found["cells"]["cell"]["minutes"] == pytest.approx(seconds / 60, abs=0.006)


def test_a_cell_has_the_interval_of_its_seeds():
    seeds = [{"psnr": value, "mse": 10 ** (-value / 10)} for value in (20.0, 21.0, 22.0)]
    cell = {"name": "sure", "network": "unet", "assumes": ["a"], "seeds": seeds}
    found = report.numbers(cell)
    assert found["psnr"] == pytest.approx(21)
    assert found["psnr_high"] - found["psnr"] == pytest.approx(4.303 / np.sqrt(3), rel=1e-3)
    assert "psnr_low" not in report.numbers(cell | {"seeds": seeds[:1]})


def test_the_table_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no cell is measured"):
        report.main(CONTENT)
    seeds = [{"psnr": 20.0, "mse": 0.01}] * 3
    cell = {"name": "sure", "network": "unet", "assumes": ["a mean"], "seeds": seeds}
    write_json(settings.measured_file("bsd68_noisy"), cell)
    costs = {"device_name": "Processor", "cores": 2, "precision": "float32"}
    spent = {"minutes": 2.0, "seconds_an_image": 0.1}
    write_json(settings.COSTS, costs | {"cells": {"bsd68_noisy": spent}})
    report.main(CONTENT)
    text = (settings.FOLDER / "report.md").read_text()
    assert "`sure`, unet: 20.00 dB (20.00 .. 20.00), MSE 0.01000, 2.0 minutes" in text
    assert text.count("not measured yet") == len(CONTENT["cells"]) - 1
    assert CONTENT["missing"]["polyu_shots"] in text
    assert "a mean" in text
    assert "2 cores of Processor in float32" in text


@pytest.mark.slow
@pytest.mark.nightly
def test_cells_are_chosen_measured_and_reported(tmp_path, mnist_folder):
    project = Project(tmp_path, mnist_folder)
    file = project.folder / settings.FILE
    content = yaml.safe_load(file.read_text())
    content["budget"] = "smoke"
    content["seeds"] = [0, 1]
    cells = ("mnist_clean", "mnist_shots", "mnist_noisy", "mnist_nothing")
    content["cells"] = {name: content["cells"][name] for name in cells}
    content["images"] = {"mnist": content["images"]["mnist"]}
    file.write_text(yaml.safe_dump(content))
    project.run("dvc", "repro", "studies/decision/dvc.yaml")
    found = json.loads(project.read(settings.FOLDER / "metrics.json"))
    assert [found[name]["seeds"] for name in cells] == [2, 2, 2, 1]
    assert found["mnist_clean"]["method"] == "supervised"
    assert found["mnist_clean"]["psnr"] > 10
    assert found["mnist_clean"]["minutes"] > 0
    assert found["mnist_nothing"]["seconds_an_image"] >= 0
    assert "Running stage" not in project.run("dvc", "repro", "studies/decision/dvc.yaml")
