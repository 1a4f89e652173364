"""What is committed of the measurements agrees with itself, and can be measured again.

Tables are those of the rows, tolerances those of the spread.
"""

import dataclasses
import importlib
import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dvc.repo import Repo

from benchmarks import memory, open_choices, seeds, self_supervised, speed, spread, worker
from denoising import files
from denoising.advice.candidates import candidates
from denoising.compute import execution
from denoising.compute.backend import keras
from denoising.compute.plan import Plan
from denoising.files import InputError
from denoising.networks import base as networks
from stages import corrupt, schema, train
from stages.shared import params
from tests.conftest import ROOT
from tools import folders
from tools.regression import judge
from tools.sweep_plan import Trial

FOLDER = ROOT / "benchmarks"
CONTENT = params.read(ROOT / "params.yaml")
SETTINGS = schema.validate(CONTENT)
TOLERANCES = SETTINGS.gate.tolerance
SEEDS = pd.read_csv(FOLDER / "seeds.csv").query("way == 'fast'")


@pytest.mark.parametrize(
    "name", ["speed", "kernels", "ablation", "accuracy", "spread", "open_choices"]
)
def test_tables_are_those_of_the_rows(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    rows = pd.read_csv(FOLDER / f"{'seeds' if name in ('accuracy', 'spread') else name}.csv")
    assert (
        importlib.import_module(f"benchmarks.{name}").report(rows)
        == (FOLDER / f"{name}.md").read_text()
    )


@pytest.mark.parametrize("name", ["ranks", "self_supervised", "start_up"])
def test_tables_are_those_of_what_was_measured(name):
    content = files.read_json(FOLDER / f"{name}.json", "machine")
    module = importlib.import_module(f"benchmarks.{name}")
    assert module.report(content) == (FOLDER / f"{name}.md").read_text()


def test_every_method_that_trains_is_timed():
    trains = {one.name for one in candidates() if one.network and not one.corrected}
    assert set(self_supervised.PASSES) == trains
    measured = files.read_json(FOLDER / "self_supervised.json", "rows")["rows"]
    assert {row["method"] for row in measured} == trains


def test_pytorchs_networks_are_ours():
    # PyTorch is optional
    torch_networks = pytest.importorskip("benchmarks.torch_networks", exc_type=ImportError)
    import torch

    for name in torch_networks.WRITTEN:
        section = getattr(SETTINGS.networks, name)
        theirs = torch_networks.build(name, section)
        ours = networks.build(name, section, channels=1).trainable_weights
        assert sorted(weight.numel() for weight in theirs.parameters()) == sorted(
            int(np.prod(weight.shape)) for weight in ours
        ), name
        assert theirs(torch.zeros(1, 1, 8, 12)).shape == (1, 1, 8, 12), name


def test_pytorchs_unet_computes_what_ours_computes():
    """Its layers branch: the number of weights does not say where the skip connections lead."""
    torch_networks = pytest.importorskip("benchmarks.torch_networks", exc_type=ImportError)
    import torch

    ours = networks.build("unet", SETTINGS.networks.unet, channels=1)
    theirs = torch_networks.build("unet", SETTINGS.networks.unet)
    convolutions = [layer for layer in ours.layers if isinstance(layer, keras.layers.Conv2D)]
    peers = [module for module in theirs.modules() if isinstance(module, torch.nn.Conv2d)]
    with torch.no_grad():
        for layer, peer in zip(convolutions, peers, strict=True):
            kernel, bias = layer.get_weights()  # (H, W, in, out), for PyTorch (out, in, H, W)
            peer.weight.copy_(torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()))
            peer.bias.copy_(torch.from_numpy(bias))
        images = np.random.default_rng(0).random((2, 16, 12, 1), np.float32)
        expected = ours.predict_on_batch(images)
        found = theirs(torch.from_numpy(images.transpose(0, 3, 1, 2))).numpy()
    assert np.abs(expected - images).max() > 0.1  # it does something to the images
    np.testing.assert_allclose(found.transpose(0, 2, 3, 1), expected, rtol=1e-4, atol=1e-5)


def test_measurements_include_every_network_of_the_parameters(monkeypatch):
    """One that has joined since the last measurement is in the next, and not in the tables yet."""
    monkeypatch.chdir(ROOT)
    started = []

    class Nothing:
        def __init__(self, way, network, **_):
            started.append(network)
            sizes = dict.fromkeys(("multiply_adds", "training_batch", "inference_batch"), 1)
            names = dict.fromkeys(("device", "cores", "version", "precision", "parameters"), "")
            self.about = sizes | names | {"by_fft": {"train": [], "infer": []}}

        def turn(self, task):
            return 1.0

        def stop(self):
            pass

    monkeypatch.setattr(speed, "Worker", Nothing)
    monkeypatch.setattr(speed, "matrix_rates", lambda _: {})
    turns = speed.measure(["ours"], rounds=1)
    assert started == list(params.read()["networks"]) == speed.measured_networks(turns)
    committed = pd.read_csv(FOLDER / "speed.csv")
    some = committed[committed.network != "cae"]
    assert "| win5rb " in speed.report(some)
    assert "| cae " not in speed.report(some)


@pytest.mark.parametrize("way", worker.VARIANTS)
def test_every_way_of_the_ablation_is_another_plan(way):
    """The copies that a way trains and predicts with are those that its name promises."""
    network = networks.build("dncnn", SETTINGS.networks.dncnn, channels=1)
    counts = dict.fromkeys(worker.TASKS, 1)
    # 3x3 kernels of 64 channels are not measured, so nothing depends on this machine's speed
    changes = worker.VARIANTS[way] | {"deterministic": True}  # it holds for the whole process
    trained, predicting, plans, jit_compile = worker._ours(network, 8, counts, **changes)
    norms = {type(layer).__name__ for layer in trained.layers if "norm" in layer.name}
    has_own_norm = way == "Keras's batch normalisation"
    assert norms == {"BatchNormalization" if has_own_norm else "FusedBatchNormalization"}
    kept = [
        layer for layer in predicting.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert bool(kept) == has_own_norm
    everything = tuple(execution.convolutions(network))
    assert plans["infer"].by_fft == (everything if way == "convolution: fft" else ())
    if way == "float32":
        assert plans["train"] == Plan("float32")
    assert jit_compile == (True if way.startswith("XLA") else "auto")


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize(("way", "network"), [("ours", "unet"), ("keras bfloat16", "cnn")])
def test_a_worker_answers(way, network):
    one = speed.Worker(way, network)
    try:
        assert one.about["training_batch"] == SETTINGS.budgets["article"].batch_size
        assert one.about["multiply_adds"] > 1e6
        assert all(one.turn(task) > 0 for task in speed.TASKS)
    finally:
        one.stop()
    assert one.process.returncode == 0


def test_memory_is_measured_of_every_stage():
    with Repo(ROOT) as repo:
        pipeline = [stage for stage in repo.index.stages if stage.path_in_repo == "dvc.yaml"]
    names = {stage.name.replace("@", "-") for stage in pipeline}
    assert {"-".join(stage) for stage in memory._stages(SETTINGS, [])} == names
    of_one = memory._stages(SETTINGS, ["cae"])
    assert [stage for stage in of_one if stage[0] in ("train", "evaluate")] == [
        ("train", "cae"),
        ("evaluate", "cae"),
    ]


@pytest.mark.parametrize("budget", seeds.JOBS)
def test_every_training_of_the_seeds_is_a_valid_row(budget):
    content = CONTENT | {"budget": budget}
    of = seeds.keys(budget)
    rows = folders.alone(content, seeds.rows_of_runs(content, of))
    schema.validate(rows)
    assert len(rows["runs"]) == len(of)
    published = pd.read_csv(FOLDER / "seeds.csv").query("budget == @budget")
    assert published[list(of[0])].to_dict("records") == of
    for key in of:
        asked = train.settings(rows, seeds.name_of(key))
        ways = {"plain": ("float32", "direct"), "fast": ("auto", "auto")}
        assert (asked.precision, asked.convolution) == ways[key["way"]]
        same = train.settings(content, key["run"])
        assert asked.seed == key["seed"]
        assert (asked.stream, asked.work, asked.section) == (same.stream, same.work, same.section)


@pytest.fixture
def of_seeds(ready, monkeypatch):
    """The benchmark of one cheap run in a project that has run."""
    monkeypatch.chdir(ready.folder)
    monkeypatch.setattr(seeds, "JOBS", {"smoke": {"plain": {"cae": 1}, "fast": {"cae": 1}}})
    monkeypatch.setattr(seeds, "FILE", ready.folder / "benchmarks/seeds.csv")
    for module in (seeds.accuracy, seeds.spread):
        monkeypatch.setattr(module, "main", lambda: None)
    seeds.FILE.unlink()
    return ready


@pytest.mark.slow
def test_seeds_trains_what_the_pipeline_trains_and_nothing_twice(of_seeds, monkeypatch):
    """With the pipeline's own seed the fast way gives the pipeline's MSE, the plain one nearly."""
    seeds.main(())
    rows = pd.read_csv(seeds.FILE, keep_default_na=False)
    assert list(rows) == list(pd.read_csv(FOLDER / "seeds.csv", nrows=1))
    plain, fast = rows.to_dict("records")
    mse = files.read_json("metrics/cae.json", "mse")["mse"]
    assert fast["mse"] == pytest.approx(mse, rel=1e-7)  # as it is written
    assert (plain["precision"], plain["by_fft"]) == ("float32", "")
    scores = files.read_json("sweeps/seeds_smoke/metrics/cae_plain_seed0.json", "psnr")
    assert scores["inference_precision"] == "float32"
    # a network without batch normalisation is the same in float32, directly convolved
    same = fast["precision"] == "float32" and not fast["by_fft"]
    assert (plain["mse"] == fast["mse"]) == same
    assert plain["mse"] == pytest.approx(mse, rel=0.2)

    monkeypatch.setitem(seeds.JOBS["smoke"], "fast", {"cae": 2})
    models = Path("sweeps/seeds_smoke/models")
    before = {path.name for path in models.glob("*.keras")}
    seeds.main(())
    assert len(pd.read_csv(seeds.FILE)) == 3
    assert {path.name for path in models.glob("*.keras")} - before == {"cae_fast_seed1.keras"}
    table = seeds.FILE.read_bytes()
    monkeypatch.setattr(folders, "settle", None)  # is not asked any more
    seeds.main(())
    assert seeds.FILE.read_bytes() == table


@pytest.mark.slow
@pytest.mark.nightly
def test_seeds_goes_on_after_a_training_that_failed(of_seeds, monkeypatch):
    monkeypatch.setitem(seeds.WAYS, "plain", {"budgets.smoke.learning_rate": 1.0e9})
    with pytest.raises(InputError, match="sweeps/seeds_smoke: a stage failed"):
        seeds.main(())
    assert not seeds.FILE.exists()
    model = Path("sweeps/seeds_smoke/models/cae_fast_seed0.keras")
    trained = model.stat().st_mtime_ns  # the other one is there
    monkeypatch.setitem(seeds.WAYS, "plain", {"precision": "float32"})
    seeds.main(())
    assert list(pd.read_csv(seeds.FILE).way) == ["plain", "fast"]
    assert model.stat().st_mtime_ns == trained


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
    # pairs share trainings: no test of the rate, but one that falls when the tolerance is far off
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
    reduced = {f"budgets.article.{key}": value for key, value in open_choices.REDUCED.items()}
    for run, choices in open_choices.CHOICES.items():
        trials = {choice: Trial(changes) for choice, changes in choices.items()}
        rows = open_choices.rows_of_runs(run, trials)
        schema.validate(rows)
        seen = []
        for choice, changes in choices.items():
            alone = open_choices.changed_parameters(changes | reduced)
            seen.append(_asked(rows, trials[choice].name))
            assert seen[-1] == _asked(alone, run)
        assert all(seen.count(one) == 1 for one in seen)


def _asked(content, run):
    """What a run is trained by, and on which images."""
    asked = dataclasses.asdict(train.settings(content, run))
    data = dataclasses.asdict(corrupt.settings(content, asked.pop("dataset")))
    return asked, data


def test_the_end_of_its_training_explains_dncnn():
    rows = pd.read_csv(FOLDER / "open_choices.csv").query("run == 'dncnn'").set_index("choice")
    over_article = (
        rows[["mse", "mse_averaged_anew"]]
        / files.read_json(ROOT / "article.json")["gauss50"]["supervised"]["dncnn"]
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
    assert cae["one convolution per level"] > 0.15
    assert abs(cae["three convolutions per level"]) < 0.01
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
    scores = dict.fromkeys(("mse", "mse_low", "mse_high", "mse_clipped"), now)
    scores |= {"noisy_mse": 10.0, "constant_mse": 10.0, "psnr": 20.0, "ssim": 0.9}
    scores |= {"test_digest": "", "collapsed": False}
    return judge("run", scores, scores | {"mse": base}, tolerance).verdict
