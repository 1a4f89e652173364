import dataclasses

import numpy as np
import pytest

from denoising import files
from denoising.compute import backend
from denoising.compute.plan import Plan
from denoising.data import datasets
from denoising.data.collapse import collapsed, constant_mse
from denoising.data.store import to_unit
from denoising.files import InputError
from denoising.inference import model_files, predict
from denoising.noise.gaussian import Gaussian
from denoising.sources import mnist
from denoising.training import checkpoints
from denoising.training.checkpoints import Checkpoints, Nowhere, digest
from denoising.training.examples import Arrays
from denoising.training.fit import Settings, Stop, Work, fit
from stages import train as stage
from stages.shared import params
from tests.conftest import ROOT
from tests.test_networks import SHALLOW, SMALL

CONTENT = params.read(ROOT / "params.yaml")
NOISE = Gaussian(name="gaussian", sigma=0.5, clip=True)
WORK = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "schedule": "cosine"}


def settings(run="cnn", **changes):
    """A small training: keys of the budget's work, or of the settings, changed."""
    chosen = stage.settings(CONTENT, run)
    work = WORK | {key: changes.pop(key) for key in list(changes) if key in WORK}
    small = Settings(
        network=chosen.network,
        section=chosen.section.model_copy(update=SMALL | SHALLOW.get(chosen.network, {})),
        method=chosen.method,
        noise=NOISE,
        seed=chosen.seed,
        stream=chosen.stream,
        plan=Plan("float32"),
        optimizer=chosen.optimizer,
        work=Work(**work),
    )
    return dataclasses.replace(small, **changes)


@pytest.fixture(scope="module")
def pairs(mnist_folder):
    images = mnist.read_idx(mnist_folder / mnist.TRAIN)[..., None]
    sets = {"train": images[:480], "validation": images[-64:], "test": images[1000:1200]}
    return {
        split: (clean, datasets.corrupt(clean, NOISE, 0, "d", split))
        for split, clean in sets.items()
    }


@pytest.fixture(scope="module")
def data(pairs):
    return Arrays(pairs["train"], pairs["validation"])


@pytest.fixture(scope="module")
def redrawing(pairs):
    clean = pairs["train"][0]
    return Arrays(
        pairs["train"],
        pairs["validation"],
        lambda epoch: datasets.corrupt(clean, NOISE, 0, "d", "train", epoch),
    )


def weights(fitted):
    return [np.asarray(weight) for weight in fitted.model.get_weights()]


@pytest.mark.parametrize("run", CONTENT["runs"])
def test_every_run_learns(data, pairs, run):
    steps = {"epochs": 3, "batch_size": 8, "learning_rate": 3e-3}
    model, curve, _ = fit(settings(run, **steps), data, Nowhere(), str)
    assert [point["epoch"] for point in curve] == [1, 2, 3]
    assert curve[-1]["val_loss"] < curve[0]["val_loss"]
    clean, noisy = pairs["test"]
    unit = to_unit(clean)
    error = np.mean((predict.denoise(model, noisy[0], 64) - unit) ** 2)
    assert error < np.mean((noisy[0].astype(np.float32) - unit) ** 2)


def test_noisy_targets_need_no_clean_image(data):
    blind = Arrays(*((np.zeros_like(clean), noisy) for clean, noisy in data[:2]))
    seeing, other = (
        fit(settings("win5rb_n2n", epochs=1), one, Nowhere(), str) for one in (data, blind)
    )
    for one, two in zip(weights(seeing), weights(other), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("run", "anew", "by_fft"),
    [
        ("cae", False, ()),
        pytest.param("cae", True, (), marks=pytest.mark.slow),
        pytest.param("win5rb", False, ("conv2", "conv5"), marks=pytest.mark.slow),
    ],
)
def test_a_training_that_was_killed_ends_with_the_same_bytes(
    tmp_path, data, redrawing, run, anew, by_fft
):
    class Killed(Exception):
        pass

    def kill_after_two_epochs(line):
        if "epoch 2 of" in line:
            raise Killed

    given = redrawing if anew else data
    precision = backend.resolve_precision("auto")
    setting = settings(run, epochs=4, plan=Plan(precision, dict.fromkeys(by_fft, "fft")))
    undisturbed = fit(setting, given, Nowhere(), str)
    store = Checkpoints(tmp_path / run, "key")
    with pytest.raises(Killed):
        fit(setting, given, store, kill_after_two_epochs)
    lines = []
    resumed = fit(setting, given, store, lines.append)
    assert "goes on after epoch 2 of 4" in lines[0]
    assert len(lines) == 3
    assert resumed.curve == undisturbed.curve
    for name, fitted in (("a", undisturbed), ("b", resumed)):
        model_files.save(fitted.model, tmp_path / f"{name}.keras")
    assert files.sha256(tmp_path / "a.keras") == files.sha256(tmp_path / "b.keras")


def test_a_checkpoint_of_another_machine_is_taken_and_said(tmp_path, data):
    store = Checkpoints(tmp_path, "key")
    fit(settings("cae", epochs=1), data, store, str)
    count = len(np.load(store.path).files) - 1
    store.save(store.load(count)._replace(machine="an abacus"))
    lines = []
    fit(settings("cae", epochs=1), data, store, lines.append)
    assert lines == ["goes on after epoch 1 of 1, computed on an abacus"]


def test_a_damaged_checkpoint_is_not_taken(tmp_path, data):
    store = Checkpoints(tmp_path, "key")
    fit(settings("cae", epochs=1), data, store, str)
    store.path.write_bytes(store.path.read_bytes()[:-100])
    lines = []
    fit(settings("cae", epochs=1), data, store, lines.append)
    assert "epoch 1 of 1" in lines[0]
    assert "goes on" not in lines[0]


def test_a_run_keeps_one_checkpoint_and_leaves_those_of_others(tmp_path):
    state = checkpoints.State([np.ones(2)], [{"epoch": 1}], 1.0, "here")
    other = Checkpoints(tmp_path / "other", "a")
    other.save(state)
    for key in ("a", "b"):
        Checkpoints(tmp_path / "run", key).save(state)
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["b.npz"]
    loaded = other.load(1)
    np.testing.assert_array_equal(loaded.values[0], state.values[0])
    assert loaded[1:] == state[1:]
    other.clear()
    assert other.load(1) is None


def test_seeds_and_streams_start_from_different_weights(data):
    starts = [settings(), settings(seed=1), settings(stream="another")]
    kernels = [
        weights(
            fit(dataclasses.replace(one, work=Work(**WORK | {"epochs": 1})), data, Nowhere(), str)
        )[0]
        for one in starts
    ]
    assert not np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


def test_renaming_a_run_changes_nothing():
    content = CONTENT | {"runs": CONTENT["runs"] | {"renamed": CONTENT["runs"]["cnn"]}}
    assert stage.settings(content, "renamed") == stage.settings(content, "cnn")
    unstated = {key: value for key, value in CONTENT["runs"]["cnn"].items() if key != "stream"}
    content = CONTENT | {"runs": {"one": unstated, "two": unstated}}
    assert stage.settings(content, "one") == stage.settings(content, "two")


def test_redrawn_noise_differs_from_epoch_to_epoch(data, redrawing):
    once, anew = (fit(settings("cae"), one, Nowhere(), str) for one in (data, redrawing))
    assert not np.array_equal(weights(once)[0], weights(anew)[0])


def test_images_of_a_size_that_the_network_does_not_take_are_one_line(data):
    cut = Arrays(*((clean[:, :27], noisy[:, :, :27]) for clean, noisy in data[:2]))
    with pytest.raises(InputError, match="27 x 28 pixels: network cae needs multiples of 4"):
        fit(settings("cae"), cut, Nowhere(), str)


def test_the_digest_changes_with_everything_the_result_depends_on(tmp_path, monkeypatch):
    code, versions, made = checkpoints.code_of("cnn", "supervised"), {"keras": "3"}, {"train": "a"}

    def of(run="cnn", code=code, data=made, versions=versions, **changes):
        return digest(settings(run, **changes).dump(), code, data, versions)

    assert of() == of()
    others = [
        of(epochs=3),
        of(data={"train": "b"}),
        of(seed=1),
        of(stream="another"),
        of("cae"),
        of(plan=Plan("float32", {"conv2": "fft"})),
        of(plan=Plan("bfloat16")),
        of(noise=Gaussian(name="gaussian", sigma=0.4, clip=True)),
        of(versions={"keras": "0"}),
        of(code=checkpoints.code_of("cae", "supervised")),
        of(code=checkpoints.code_of("cnn", "noise2noise")),
        of(code=code[1:]),
    ]
    assert len({of(), *others}) == len(others) + 1
    monkeypatch.setattr(checkpoints, "_PACKAGE", tmp_path)
    for file in code:
        file = tmp_path / file.relative_to(ROOT / "denoising")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".py").write_text("one = 1\n")
    first = of(code=[tmp_path])
    (tmp_path / "training.py").write_text("one = 1  # a comment\n")
    assert of(code=[tmp_path]) != first


def test_collapse_is_told_by_number():
    targets = np.eye(4)[None].repeat(2, axis=0)
    noisy, constant = float(np.mean(targets**2)), constant_mse(targets)
    assert (noisy, constant) == (0.25, 0.1875)
    assert collapsed(0.01, noisy, constant) == ""
    assert collapsed(0.25, noisy, constant) == "no better than its noisy input (0.25000)"
    assert collapsed(0.2, noisy, constant) == "no better than a constant image (0.18750)"
    assert collapsed(float("nan"), noisy, constant)


def test_a_training_that_diverges_is_one_line(data):
    with pytest.raises(InputError, match=r"diverged in epoch \d.*learning_rate = 1e\+30 is too"):
        fit(settings(learning_rate=1e30, schedule="constant"), data, Nowhere(), str)


def test_a_training_is_given_up_where_its_validation_error_is_not_low_enough(data):
    whole = fit(settings(epochs=4), data, Nowhere(), log=str)
    errors = [row["val_mse"] for row in whole.curve]
    lines = []
    hopeless = (Stop(epoch=1, above=errors[0] * 1.01), Stop(epoch=2, above=errors[1] * 0.99))
    ended = fit(settings(epochs=4, stop=hopeless), data, Nowhere(), log=lines.append)
    assert ended.curve == whole.curve[:2]
    assert lines[-1].startswith("given up after epoch 2")
    kept = tuple(Stop(epoch=at + 1, above=error) for at, error in enumerate(errors))
    assert fit(settings(epochs=4, stop=kept), data, Nowhere(), log=str).curve == whole.curve
