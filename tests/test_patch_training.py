"""Trainings on patches of images of any size: repeatable, also after a kill."""

import dataclasses

import numpy as np
import pytest

from denoising.compute.plan import Plan
from denoising.data.image_sets import ImageSet
from denoising.data.patches import Patches
from denoising.data.store import Store, write
from denoising.training.checkpoints import Checkpoints, Nowhere
from denoising.training.examples import PatchExamples
from denoising.training.fit import Work, fit
from stages import train as stage
from stages.shared import params
from tests.conftest import ROOT
from tests.test_store import NOISE, catalogue

PATCHES = Patches(size=20, per_epoch=96, validation=16, flips=True)
WORK = Work(epochs=3, batch_size=8, learning_rate=3e-3, schedule="cosine")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Smooth colour images of three sizes."""
    folder = tmp_path_factory.mktemp("source")
    images = []
    for height, width in [(40, 60), (70, 30), (15, 90)]:
        y, x = np.mgrid[:height, :width] / 20
        waves = np.stack([np.sin(x + y), np.cos(x - y), np.sin(y)], axis=-1)
        images.append(np.round(2000 + 1500 * waves).astype(np.uint16))
    write(folder, catalogue({"clean": images}))
    store = Store(folder)
    return [
        ImageSet(store, np.arange(3), split, NOISE, 0, "s") for split in ("train", "validation")
    ]


def settings(run="cnn"):
    chosen = stage.settings(params.read(ROOT / "params.yaml"), run)
    return stage.fit.Settings(
        network="cnn",
        section=stage.validate(
            stage.kind("networks", "cnn"),
            params.read(ROOT / "params.yaml")["networks"]["cnn"] | {"filters": 8},
        ),
        method=chosen.method,
        noise=NOISE,
        seed=0,
        stream="s",
        plan=Plan("float32"),
        optimizer=chosen.optimizer,
        work=WORK,
        patches=PATCHES,
    )


def examples(sets, redraw=True):
    return PatchExamples(*sets, PATCHES, redraw, seed=0, stream="s")


def weights(fitted):
    return [np.asarray(weight) for weight in fitted.model.get_weights()]


@pytest.mark.parametrize("run", ["cnn", "win5rb_n2n"])
@pytest.mark.parametrize("redraw", [True, False])
def test_patches_are_learned_from(sets, run, redraw):
    model, curve, _ = fit(settings(run), examples(sets, redraw), Nowhere(), str)
    assert model.inputs[0].shape[-1] == 3
    assert curve[-1]["val_loss"] < curve[0]["val_loss"] / 2


class Killed(Exception):
    """The training's end before its time."""


class DiesAfterTheFirstEpoch(Checkpoints):
    def save(self, state):
        super().save(state)
        raise Killed


def test_a_training_on_patches_that_was_killed_ends_with_the_same_weights(sets, tmp_path):
    whole = fit(settings(), examples(sets), Nowhere(), str)
    with pytest.raises(Killed):
        fit(settings(), examples(sets), DiesAfterTheFirstEpoch(tmp_path, "key"), str)
    resumed = fit(settings(), examples(sets), Checkpoints(tmp_path, "key"), str)
    assert [point["loss"] for point in resumed.curve] == [point["loss"] for point in whole.curve]
    for one, other in zip(weights(whole), weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_a_checkpoint_depends_on_has_the_patches():
    other = dataclasses.replace(settings(), patches=None)
    assert settings().dump()["patches"] == PATCHES.model_dump()
    assert "patches" not in other.dump()
