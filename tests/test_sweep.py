"""Sweeps: trials in a pipeline of their own, and the one of the lowest validation error."""

import csv
import json

import pytest

from denoising.files import InputError
from denoising.sections import validate
from stages import schema
from stages.shared import params
from tests.conftest import ROOT
from tools import sweep_plan
from tools.sweep_plan import Result, Search, Sweep

CONTENT = params.read(ROOT / "params.yaml")


def sweep(**changes):
    lists = {"optimizer.beta_1": [0.5, 0.9], "networks.cae.filters": [8, 16]}
    return validate(Sweep, {"run": "cae", "parameters": lists} | changes, "sweep")


def test_every_combination_is_a_valid_run_by_every_seed():
    asked = sweep(seeds=[3, 4])
    trials = sweep_plan.combinations(asked)
    content = sweep_plan.content_of(asked, CONTENT, trials)
    schema.validate(content)
    assert len(content["runs"]) == 8
    seen = [params.of_run(content, name) for name in content["runs"]]
    found = {
        (one["optimizer"]["beta_1"], one["networks"]["cae"]["filters"], one["seeds"]["training"])
        for one in seen
    }
    assert found == {(b, f, s) for b in (0.5, 0.9) for f in (8, 16) for s in (3, 4)}
    assert len({trial.name for trial in trials}) == 4


def test_parameters_of_the_run_itself_and_of_its_dataset():
    losses = {"runs.cae.method.loss.name": ["mse", "mae"], "datasets.gauss50.noise.sigma": [0.1]}
    asked = sweep(parameters=losses)
    trials = sweep_plan.combinations(asked)
    content = sweep_plan.content_of(asked, CONTENT, trials)
    schema.validate(content)
    for trial, loss in zip(trials, ("mse", "mae"), strict=True):
        row = content["runs"][trial.name]
        assert row["method"]["loss"]["name"] == loss
        assert content["datasets"][row["dataset"]]["noise"]["sigma"] == 0.1
    assert content["datasets"]["gauss50"] == CONTENT["datasets"]["gauss50"]


def test_a_result_that_was_accepted_is_not_asked_of_a_sweep():
    accepted = {"cae": {"value": 0.02, "reason": "a test"}}
    given = CONTENT | {"gate": CONTENT["gate"] | {"accepted": accepted}}
    schema.validate(sweep_plan.content_of(sweep(), given, sweep_plan.combinations(sweep())))


def checked(**changes):
    asked = sweep(**changes)
    schema.validate(sweep_plan.content_of(asked, CONTENT, sweep_plan.combinations(asked)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parameters": {"optimizer.gamma": [1]}}, "optimizer.gamma': should be one of seeds.trai"),
        ({"parameters": {"optimizer.beta_1": [2.0]}}, "optimizer.beta_1 = 2.0: should be less"),
        ({"parameters": {"runs.cae.network.x": [1]}}, "network has no values of its own"),
        ({"run": "cea"}, "runs has no row 'cea'"),
        ({"parameters": {"optimizer.beta_1": {"low": 0.1, "high": 0.9}}}, "should be a search"),
        ({"parameters": {}}, "parameters"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(changes, said):
    with pytest.raises(InputError) as refusal:
        checked(**changes)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_limits_are_medians_of_what_was_trained_to_its_end():
    curves = [[0.5, 0.4 + 0.01 * step, 0.3, 0.2] for step in range(5)]
    results = [Result(curve[-1], given_up=False, curves=[curve]) for curve in curves]
    found = sweep_plan.limits(results)
    assert {one["epoch"]: one["above"] for one in found} == {1: 0.5, 2: 0.42, 3: 0.3}
    assert sweep_plan.limits(results[:3]) == []


def test_a_search_comes_to_the_better_values_and_goes_on_where_it_was():
    search = Search(trials=30, together=3, seed=1)
    ranges = {"optimizer.beta_1": {"low": 0.1, "high": 0.9}, "networks.cae.filters": [8, 16]}
    asked = sweep(parameters=ranges, search=search.model_dump())

    def tried(rounds, known=()):
        done = list(known)
        for _ in range(rounds):
            for trial in sweep_plan.proposed(asked, search, done, search.together):
                far = abs(trial.parameters["optimizer.beta_1"] - 0.3)
                error = far + (trial.parameters["networks.cae.filters"] == 8)
                done.append((trial, Result(error, given_up=False, curves=[[1.0, error]])))
        return done

    whole = tried(10)
    assert tried(4, tried(6)) == whole
    late = [trial.parameters for trial, _ in whole[-9:]]
    assert sum(one["networks.cae.filters"] == 16 for one in late) >= 6
    best = min(whole, key=lambda one: one[1].error)[0].parameters
    assert best["optimizer.beta_1"] == pytest.approx(0.3, abs=0.05)


GRID = """
run: cae
parameters:
  networks.cae.filters: [2, 8]
  budgets.smoke.learning_rate: [2.0e-3, 1.0e+9]   # the second diverges
"""
SEARCH = """
run: cae
parameters:
  networks.cae.filters: {low: 2, high: 12}
search: {trials: 6, together: 2}
"""


def written(project, name, text):
    (project.folder / f"sweeps/{name}.yaml").write_text(text)
    return f"sweeps/{name}.yaml"


@pytest.mark.slow
def test_a_grid_is_trained_once_and_names_the_best(ready):
    file = written(ready, "grid", GRID)
    output = ready.tool("sweep", file)
    folder = ready.folder / "sweeps/grid"
    with (folder / "table.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert [row["note"] for row in rows].count("failed") == 2
    errors = [float(row["validation error"]) for row in rows if not row["note"]]
    assert errors == sorted(errors)
    assert f"networks.cae.filters: {rows[0]['networks.cae.filters']}" in output
    assert "or: dvc exp run -S " in output
    assert (folder / "sweep.png").stat().st_size > 5000
    assert not list((folder / "metrics").glob("*"))  # nobody has looked at test images
    file = written(ready, "grid", GRID.replace("1.0e+9", "1.0e-3"))
    again = ready.tool("sweep", file)
    assert again.count("epoch 2 of 2") == 2  # the two that are new
    assert "failed" not in again


@pytest.mark.slow
def test_a_search_gives_up_what_is_worse_than_the_others(ready):
    ready.edit_params(budgets__smoke__epochs=4)
    file = written(ready, "search", SEARCH)
    output = ready.tool("sweep", file)
    trials = json.loads((ready.folder / "sweeps/search/trials.json").read_text())["trials"]
    assert len(trials) == 6
    assert [bool(trial["stop"]) for trial in trials] == [False] * 4 + [True] * 2
    assert "the lowest validation error, " in output
    before = (ready.folder / "sweeps/search/table.csv").read_bytes()
    assert "epoch 4 of 4" not in ready.tool("sweep", file)
    assert (ready.folder / "sweeps/search/table.csv").read_bytes() == before


@pytest.mark.parametrize("file", ["nowhere.yaml", "sweeps/none.yaml", "sweeps/No!.yaml"])
def test_a_file_that_is_none_is_one_line(project, file):
    output = project.tool("sweep", file, code=1)
    assert output.startswith("error: ")
    assert output.count("\n") == 1
