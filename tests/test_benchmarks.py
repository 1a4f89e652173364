"""What is committed of the measurements agrees with itself: tables are those of the rows, tolerances those of the spread."""

import importlib
import itertools
import math

import keras
import numpy as np
import pandas as pd
import pytest

from benchmarks import open_choices, spread
from denoising import files
from denoising import networks as models
from stages import schema as params
from tests.conftest import ROOT
from tools.regression import judge

FOLDER = ROOT / "benchmarks"
TOLERANCES = params.load(ROOT / "params.yaml").gate.tolerance
SEEDS = pd.read_csv(FOLDER / "seeds.csv").query("way == 'fast'")


@pytest.mark.parametrize(
    "name", ["speed", "kernels", "ablation", "accuracy", "spread", "open_choices"]
)
def test_tables_are_those_of_the_rows(name):
    rows = pd.read_csv(FOLDER / f"{'seeds' if name in ('accuracy', 'spread') else name}.csv")
    assert (
        importlib.import_module(f"benchmarks.{name}").report(rows)
        == (FOLDER / f"{name}.md").read_text()
    )


def test_pytorchs_networks_are_ours():
    torch_networks = pytest.importorskip(
        "benchmarks.torch_networks", exc_type=ImportError
    )  # PyTorch is optional
    for name, section in params.load(ROOT / "params.yaml").models:
        theirs = torch_networks.build(name, section).parameters()
        ours = models.build(name, section).trainable_weights
        assert sorted(weight.numel() for weight in theirs) == sorted(
            int(np.prod(weight.shape)) for weight in ours
        )


def test_speed_costs_no_accuracy():
    wide = (
        pd.read_csv(FOLDER / "seeds.csv")
        .query("budget == 'laptop'")
        .pivot_table(["mse"], ["run", "seed"], "way")
        .mse.dropna()
    )
    assert wide.groupby("run").size().to_dict() == {"cnn": 5, "cae": 5, "dncnn": 3, "win5rb": 3}
    means = wide.groupby("run").mean()
    assert (means.fast / means.plain - 1).abs().max() <= 0.02


def test_tolerances_are_those_that_were_measured():
    for budget, found in spread.spread(SEEDS).items():
        assert TOLERANCES[budget] == pytest.approx(math.ceil(100 * found["tolerance"]) / 100)
    assert TOLERANCES["article"] == TOLERANCES["laptop"]  # nobody has trained that many


@pytest.mark.parametrize("budget", SEEDS.budget.unique())
def test_seeds_pass_and_twice_the_tolerance_is_caught(budget):
    tolerance = TOLERANCES[budget]
    rows = SEEDS[SEEDS.budget == budget]
    pairs = [
        pair for _, group in rows.groupby("run") for pair in itertools.permutations(group.mse, 2)
    ]
    verdicts = [_verdict(now, base, tolerance) for base, now in pairs]
    # pairs share trainings, so this is no test of the rate, but one that falls when the tolerance is far off
    assert np.mean([verdict == "worse" for verdict in verdicts]) <= 0.02
    for mse in rows.mse:
        assert _verdict(mse * (1 + 2 * tolerance), mse, tolerance) == "worse"


def test_the_spread_is_found_again_in_drawn_errors():
    rng = np.random.default_rng(0)
    rows = [
        {
            "budget": "b",
            "run": run,
            "seed": seed,
            "mse": mean * math.exp(0.05 * rng.standard_normal()),
        }
        for run, mean in {"x": 0.01, "y": 0.02, "z": 0.04}.items()
        for seed in range(300)
    ]
    found = spread.spread(pd.DataFrame(rows))["b"]
    assert found["pooled_std_ln_mse"] == pytest.approx(0.05, rel=0.1)
    gates = np.exp(0.05 * (rng.standard_normal((20_000, 3)) - rng.standard_normal((20_000, 3)))) - 1
    assert np.mean((gates > found["tolerance"]).any(axis=1)) == pytest.approx(
        spread.FALSE_ALARM, rel=0.5
    )


def test_every_open_choice_that_is_tried_is_another_training(monkeypatch):
    monkeypatch.chdir(ROOT)
    for run, choices in open_choices.CHOICES.items():
        settings = [
            open_choices.changed_parameters(changes).model_dump_json()
            for changes in choices.values()
        ]
        assert len(set(settings)) == len(settings)
        assert run in params.load().runs


def test_the_end_of_its_training_explains_dncnn():
    rows = pd.read_csv(FOLDER / "open_choices.csv").query("run == 'dncnn'").set_index("choice")
    over_article = (
        rows[["mse", "mse_averaged_anew"]]
        / files.read_json(ROOT / "article.json")["supervised"]["dncnn"]
    )
    assert over_article.mse["as trained"] > 1.10
    assert over_article.mse_averaged_anew["as trained"] < 1.07
    assert (
        over_article.loc["one more epoch, constant rate"].min()
        > over_article.mse_averaged_anew["as trained"]
    )
    assert over_article.loc["one more epoch, rate falls to zero"].max() < 1.02


def test_what_moves_the_cheap_networks():
    rows = pd.read_csv(FOLDER / "open_choices.csv").set_index(["run", "choice"]).mse
    cae, cnn = (rows[run] / rows[run, "as in params.yaml"] - 1 for run in ("cae", "cnn"))
    assert cae["another training seed"] == pytest.approx(0.04, abs=0.005)
    for choice in (
        "learning rate falls to zero (cosine)",
        "shuffled choice of images",
        "noise drawn every epoch",
    ):
        assert abs(cae[choice]) <= 0.05
    assert cae["initialiser Glorot uniform"] == pytest.approx(-0.09, abs=0.005)
    assert cae["output sigmoid, initialiser Glorot uniform"] > 5
    assert cae["one convolution a level"] > 0.15
    assert abs(cae["three convolutions a level"]) < 0.01
    assert cnn["four convolutions"] == pytest.approx(0.07, abs=0.005)
    assert cnn["another training seed"] == pytest.approx(-0.05, abs=0.005)


def test_averages_taken_anew_are_those_of_the_images():
    norm = keras.layers.BatchNormalization(axis=-1, momentum=0.9)
    model = keras.Sequential([keras.Input((4, 4, 1)), norm])
    images = np.random.default_rng(0).normal(3, 2, (2 * open_choices.AVERAGED, 4, 4, 1))
    open_choices.average_anew(model, images, 2)
    assert np.asarray(norm.moving_mean) == pytest.approx(images.mean(), rel=1e-5)
    within = images.reshape(open_choices.AVERAGED, -1).var(axis=1).mean()
    assert np.asarray(norm.moving_variance) == pytest.approx(within, rel=1e-4)


def _verdict(now, base, tolerance):
    scores = {"mse": now, "mse_low": now, "mse_high": now, "noisy_mse": 10.0, "constant_mse": 10.0}
    scores |= {"test_digest": "", "collapsed": False}
    return judge("run", scores, scores | {"mse": base}, tolerance).verdict
