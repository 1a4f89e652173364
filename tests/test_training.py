import numpy as np
import pytest

from denoising import files
from denoising.compute import backend
from denoising.data import datasets
from denoising.files import InputError
from denoising.inference import model_files as saving
from denoising.inference import predict as inference
from denoising.noise.models import Gaussian
from denoising.sources import mnist
from denoising.training import fit as training
from stages import schema as params
from tests.conftest import ROOT

PARAMS = params.load(ROOT / "params.yaml")
NOISE = Gaussian(name="gaussian", sigma=0.5, clip=True)


def settings(run="cnn", **changes):
    small = {
        "precision": "float32",
        "epochs": 2,
        "batch_size": 16,
        "learning_rate": 1e-3,
        "schedule": "cosine",
    }
    base = PARAMS.train_settings(run)
    network = base.network.model_copy(update={"filters": 8})
    return base.model_copy(update=small | {"network": network} | changes)


@pytest.fixture(scope="module")
def data(mnist_folder):
    images = mnist.read_idx(mnist_folder / mnist.TRAIN)
    sets = {"train": images[:480], "validation": images[-64:], "test": images[1000:1200]}
    return {
        split: (clean, datasets.corrupt(clean, NOISE, 0, "d", split))
        for split, clean in sets.items()
    }


def train(data, checkpoint, setting, log=str, by_fft=()):
    return training.train(setting, data["train"], data["validation"], checkpoint, by_fft, log)


def weights(model):
    return [np.asarray(weight) for weight in model.get_weights()]


@pytest.mark.parametrize("run", PARAMS.runs)
def test_every_run_learns(tmp_path, data, run):
    steps = {"epochs": 3, "batch_size": 8, "learning_rate": 3e-3}
    model, curve, _ = train(data, tmp_path / "c.npz", settings(run, **steps))
    assert [point["epoch"] for point in curve] == [1, 2, 3]
    assert curve[-1]["val_loss"] < curve[0]["val_loss"]
    clean, noisy = data["test"]
    error = np.mean((inference.denoise(model, noisy[0], 64) - datasets.to_unit(clean)) ** 2)
    assert error < np.mean((noisy[0].astype(np.float32) - datasets.to_unit(clean)) ** 2)


def test_noisy_targets_need_no_clean_image(tmp_path, data):
    blind = {split: (np.zeros_like(clean), noisy) for split, (clean, noisy) in data.items()}
    seeing, _, _ = train(data, tmp_path / "a.npz", settings("win5rb_n2n", epochs=1))
    model, _, _ = train(blind, tmp_path / "b.npz", settings("win5rb_n2n", epochs=1))
    for one, other in zip(weights(model), weights(seeing), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("run", "redraw", "by_fft"),
    [("cae", "never", ()), ("cae", "every_epoch", ()), ("win5rb", "never", ("conv2", "conv5"))],
)
def test_a_training_that_was_killed_ends_with_the_same_bytes(tmp_path, data, run, redraw, by_fft):
    class Killed(Exception):
        pass

    def kill_after_two_epochs(line):
        if "epoch 2 of" in line:
            raise Killed

    setting = settings(run, epochs=4, redraw=redraw, precision="bfloat16")
    undisturbed, curve, _ = train(data, tmp_path / "a.npz", setting, by_fft=by_fft)
    with pytest.raises(Killed):
        train(data, tmp_path / "b.npz", setting, kill_after_two_epochs, by_fft)
    lines = []
    resumed, resumed_curve, _ = train(data, tmp_path / "b.npz", setting, lines.append, by_fft)
    assert "goes on after epoch 2 of 4" in lines[0]
    assert len(lines) == 3
    assert resumed_curve == curve
    for name, model in (("a", undisturbed), ("b", resumed)):
        saving.save(model, tmp_path / f"{name}.keras")
    assert files.sha256(tmp_path / "a.keras") == files.sha256(tmp_path / "b.keras")


def test_a_damaged_checkpoint_is_not_taken(tmp_path, data):
    checkpoint = tmp_path / "c.npz"
    train(data, checkpoint, settings("cae", epochs=1))
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    lines = []
    train(data, checkpoint, settings("cae", epochs=1), lines.append)
    assert "epoch 1 of 1" in lines[0]


def test_seeds_and_runs_start_from_different_weights(tmp_path, data):
    starts = [settings(), settings(seed=1), settings(name="cnn_again")]
    setups = [setting.model_copy(update={"epochs": 1}) for setting in starts]
    kernels = [
        weights(train(data, tmp_path / f"{number}.npz", setup)[0])[0]
        for number, setup in enumerate(setups)
    ]
    assert not np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


def test_redrawn_noise_differs_from_epoch_to_epoch(tmp_path, data):
    once, _, _ = train(data, tmp_path / "a.npz", settings("cae"))
    anew, _, _ = train(data, tmp_path / "b.npz", settings("cae", redraw="every_epoch"))
    assert not np.array_equal(weights(once)[0], weights(anew)[0])


def test_the_digest_changes_with_everything_the_result_depends_on(monkeypatch):
    base = training.digest(settings(), [], {"train": "a"})
    assert training.digest(settings(), [], {"train": "a"}) == base
    others = [
        training.digest(settings(epochs=3), [], {"train": "a"}),
        training.digest(settings(), [], {"train": "b"}),
        training.digest(settings(seed=1), [], {"train": "a"}),
        training.digest(settings("cae"), [], {"train": "a"}),
        training.digest(settings(), ["conv2"], {"train": "a"}),
    ]
    monkeypatch.setattr(backend, "description", lambda: {"versions": {"keras": "0"}})
    others.append(training.digest(settings(), [], {"train": "a"}))
    assert len({base, *others}) == len(others) + 1


def test_collapse_is_told_by_number():
    inputs, targets = np.zeros((2, 4, 4)), np.eye(4)[None].repeat(2, axis=0)
    assert training.collapse([{"val_mse": 0.01}], inputs, targets) is None
    assert "validation MSE 0.25000" in training.collapse([{"val_mse": 0.25}], inputs, targets)
    assert "constant image 0.18750" in training.collapse([{"val_mse": 0.2}], inputs, targets)


def test_a_training_that_diverges_is_one_line(tmp_path, data):
    with pytest.raises(
        InputError, match=r"cnn: diverged in epoch \d.*learning_rate = 1e\+30 is too high"
    ):
        train(data, tmp_path / "c.npz", settings(learning_rate=1e30, schedule="constant"))
