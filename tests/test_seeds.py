"""Runs by several seeds: a list in their row, rows beside it, intervals over both."""

import numpy as np
import pytest
from scipy import stats

from denoising.evaluation import metrics
from denoising.files import InputError
from denoising.reporting import tables
from stages import evaluate, evaluate_debiased, schema, train
from stages.shared import params
from tests.conftest import ROOT
from tools import seeds

TEXT = (ROOT / "params.yaml").read_text()
ROW = "    stream: cae\n"


def with_seeds(line):
    """params.yaml with a line in the row cae."""
    assert TEXT.count(ROW) == 1
    return TEXT.replace(ROW, f"{ROW}    {line}\n")


def test_rows_come_and_go_and_all_else_stays():
    asked = with_seeds("seeds: [3, 0, 7]")
    written = seeds.with_rows(asked)
    content = params.parse(written, "params.yaml")
    schema.validate(content)
    row = content["runs"]["cae"]
    assert content["runs"]["cae_seed7"] == {
        **{key: value for key, value in row.items() if key != "seeds"},
        "set": {"seeds.training": 7},
    }
    names = list(content["runs"])
    assert names[names.index("cae") :][:3] == ["cae", "cae_seed0", "cae_seed7"]
    assert seeds.with_rows(written) == written
    assert seeds.with_rows(written.replace("[3, 0, 7]", "[3]")) == with_seeds("seeds: [3]")
    assert seeds.with_rows(written.replace("    seeds: [3, 0, 7]\n", "")) == TEXT
    assert seeds.with_rows(TEXT) == TEXT


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"runs:\n  cae: \xff\n    seeds: [0]\n")
    with pytest.raises(InputError, match="not UTF-8"):
        seeds.update(tmp_path / "params.yaml")


def test_what_a_row_sets_is_what_its_run_sees():
    line = "set: {seeds.training: 4, optimizer.beta_1: 0.5, budgets.laptop.epochs: 3}"
    content = params.parse(with_seeds(line), "params.yaml")
    schema.validate(content)
    seen = params.of_run(content, "cae")
    assert seen["seeds"] == content["seeds"] | {"training": 4}
    assert seen["optimizer"] == content["optimizer"] | {"beta_1": 0.5}
    assert seen["budgets"]["laptop"] == content["budgets"]["laptop"] | {"epochs": 3}
    assert params.of_run(content, "cnn") == content
    first = params.parse(with_seeds("seeds: [6, 0]"), "params.yaml")
    assert params.of_run(first, "cae")["seeds"]["training"] == 6


def test_a_row_is_trained_and_evaluated_as_it_says_it_is_computed():
    line = "set: {precision: float32, convolution: direct}"
    content = params.parse(with_seeds(line), "params.yaml") | {"convolution": "fft"}
    schema.validate(content)
    corrected = {"debiased": {"mended": {"dataset": "gauss50", "run": "cae"}}}
    for settings in (train.settings, evaluate.settings):
        own, others = settings(content, "cae"), settings(content, "cnn")
        assert (own.precision, own.convolution) == ("float32", "direct")
        assert (others.precision, others.convolution) == ("auto", "fft")
    mended = evaluate_debiased.settings(content | corrected, "mended")
    assert (mended.precision, mended.convolution) == ("float32", "direct")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("seeds: [0, 1]", "runs.cae.seeds = [0, 1]: row cae_seed1 is missing, or is another: pyth"),
        ("seeds: [1, 1]", "runs.cae.seeds = [1, 1]: should be different numbers"),
        ("seeds: []", "runs.cae.seeds"),
        ("seeds: [x]", "runs.cae.seeds"),
        (
            "set: {seeds.data: 1}",
            "runs.cae.set: 'seeds.data': should be one of seeds.training, opt",
        ),
        (
            "set: {networks.cnn.filters: 8}",
            "runs.cae.set: 'networks.cnn.filters': should be one of",
        ),
        ("set: {optimizer.beta_1: 2}", "runs.cae.set: optimizer.beta_1 = 2"),
        ("set: {precision: float16}", "runs.cae.set: precision = 'float16': should be 'auto'"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(line, said):
    with pytest.raises(InputError) as refusal:
        schema.validate(params.parse(with_seeds(line), "params.yaml"))
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_intervals_over_seeds_and_over_images():
    rng = np.random.default_rng(0)
    images = rng.random(40)
    errors = {f"cae{seed}": images + rng.normal(0, 0.01) for seed in range(3)}
    (row,) = tables.over_seeds({"cae": [*errors, "missing"]}, errors, 1000).to_dict("records")
    means = [error.mean() for error in errors.values()]
    assert row["seeds"] == "3"
    low, high = map(float, row["95 % interval over seeds"].split(" .. "))
    expected = stats.t.interval(0.95, 2, np.mean(means), stats.sem(means))
    assert (low, high) == pytest.approx(expected, abs=1e-5)
    low, high = map(float, row["95 % interval over images"].split(" .. "))
    over_images = metrics.mean_interval(np.mean(list(errors.values()), axis=0), 1000)
    assert (low, high) == pytest.approx(over_images, abs=1e-5)
    assert metrics.t_interval(np.array([1.0])) is None


@pytest.mark.slow
def test_every_seed_is_a_stage_and_the_first_has_the_bytes_of_before(ready):
    model = (ready.folder / "models/cae.keras").read_bytes()
    ready.edit_params(runs__cae__seeds=[0, 1])
    ready.tool("seeds")
    trained = {"train@cae", "train@cae_seed1"}
    assert set(ready.repro()) == trained | {"evaluate@cae", "evaluate@cae_seed1", "report"}
    assert (ready.folder / "models/cae.keras").read_bytes() == model
    assert (ready.folder / "models/cae_seed1.keras").read_bytes() != model
    text = (ready.folder / "plots/tables.md").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("| cae ") and "| 2 " in line]
    assert line.count(" .. ") == 3
