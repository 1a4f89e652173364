"""Training that is killed goes on from its last epoch, and ends with the same bytes."""

import os
import random
import signal
import time

import pytest

from tests.conftest import Project

pytestmark = pytest.mark.slow

EPOCHS = 8
OUTPUTS = ("models/cae.keras", "plots/curves/cae.csv", "models/cae.json")


@pytest.fixture(scope="module")
def long(tmp_path_factory, mnist_folder):
    """One cheap run of many epochs, its data made."""
    project = Project(tmp_path_factory.mktemp("kills"), mnist_folder)
    project.keep_only("cae", "noisy")
    project.edit_params(
        budget="smoke", budgets__smoke__epochs=EPOCHS, budgets__smoke__train_images=512
    )
    project.run("dvc", "repro", "corrupt")
    return project


@pytest.fixture(scope="module")
def undisturbed(long):
    """Bytes of the outputs of a training that nobody killed."""
    long.stage("train", "cae")
    return forget(long)


def forget(project):
    """Remove all that was learned, so that the next training is a new one.

    Return what the outputs were.
    """
    outputs = {file: project.read(file) for file in OUTPUTS}
    for file in OUTPUTS:
        (project.folder / file).unlink()
    for file in (project.folder / ".checkpoints").rglob("*.npz"):
        file.unlink()
    (project.folder / "dvc.lock").write_text(
        (project.folder / "dvc.lock").read_text().partition("  train@cae:")[0]
    )
    return outputs


def start_and_wait_for_epoch(project, epoch):
    """Start dvc; return it and the trainer's process id once an epoch's checkpoint is written."""
    dvc = project.start("dvc", "repro", "--no-run-cache", "train@cae")
    for line in dvc.stdout:
        if f"epoch {epoch} of {EPOCHS}" in line:
            return dvc, int((project.folder / ".locks/train-cae").read_text())
    pytest.fail("the training ended before the epoch that was waited for")


def finish(project):
    output = project.run("dvc", "repro", "--no-run-cache", "train@cae")
    assert f"epoch {EPOCHS} of {EPOCHS}" in output or f"goes on after epoch {EPOCHS}" in output
    return output


def checkpoints(project):
    """Files of the trainings that are under way or were killed."""
    return list((project.folder / ".checkpoints").rglob("*.npz"))


def test_the_process_alone(long, undisturbed):
    dvc, trainer = start_and_wait_for_epoch(long, 3)
    os.kill(trainer, signal.SIGKILL)
    dvc.communicate()
    assert dvc.returncode == 255
    assert not (long.folder / "models/cae.keras").exists()
    output = finish(long)
    assert any(f"goes on after epoch {epoch} of" in output for epoch in (3, 4))
    assert forget(long) == undisturbed


@pytest.mark.nightly
def test_dvc_alone_while_its_trainer_lives_on(long, undisturbed):
    dvc, trainer = start_and_wait_for_epoch(long, 2)
    os.kill(dvc.pid, signal.SIGKILL)
    dvc.wait()
    os.kill(
        trainer, signal.SIGSTOP
    )  # the orphan stays at work for as long as its successor needs to start
    successor = long.start("dvc", "repro", "--no-run-cache", "train@cae")
    waiting = f"process {trainer} is still at work on this stage; waiting"
    assert any(waiting in line for line in successor.stdout)
    os.kill(trainer, signal.SIGCONT)
    output, _ = successor.communicate()
    assert successor.returncode == 0
    dvc.communicate()
    assert (
        f"goes on after epoch {EPOCHS} of {EPOCHS}" in output
    )  # what the orphan has learned is not learned again
    assert forget(long) == undisturbed


@pytest.mark.nightly
def test_dvc_alone_and_its_trainer_is_done_before_the_next_one_starts(long, undisturbed):
    dvc, _ = start_and_wait_for_epoch(long, 6)
    os.kill(dvc.pid, signal.SIGKILL)
    dvc.communicate()  # ends when the orphan does
    assert (long.folder / "models/cae.keras").exists()
    output = finish(long)  # DVC deletes the outputs that it knows nothing of
    assert f"goes on after epoch {EPOCHS} of {EPOCHS}" in output
    output = long.run("dvc", "repro", "--force", "--single-item", "train@cae")
    assert f"epoch 1 of {EPOCHS}" in output  # to force is to train again
    assert forget(long) == undisturbed


@pytest.mark.nightly
def test_the_whole_group(long, undisturbed):
    dvc, _ = start_and_wait_for_epoch(long, 5)
    os.killpg(dvc.pid, signal.SIGKILL)
    dvc.communicate()
    output = finish(long)
    assert any(f"goes on after epoch {epoch} of" in output for epoch in (5, 6))
    assert forget(long) == undisturbed


@pytest.mark.nightly
def test_at_any_moment(long, undisturbed):
    """Kill after random times, start-up and saving included, until eight kills were survived."""
    moments, kills = random.Random(0), 0
    while kills < 8:
        dvc = long.start("dvc", "repro", "--no-run-cache", "train@cae")
        time.sleep(moments.uniform(2, 14))
        if dvc.poll() is None:
            os.killpg(dvc.pid, signal.SIGKILL)
            kills += 1
        dvc.communicate()
        if dvc.returncode == 0:
            assert forget(long) == undisturbed
    long.run("dvc", "repro", "--no-run-cache", "train@cae")
    assert forget(long) == undisturbed


def test_other_settings_do_not_take_the_checkpoint(long, undisturbed):
    dvc, _ = start_and_wait_for_epoch(long, 2)
    os.killpg(dvc.pid, signal.SIGKILL)
    dvc.communicate()
    (old,) = checkpoints(long)
    long.edit_params(budgets__smoke__learning_rate=3.0e-3)
    dvc, trainer = start_and_wait_for_epoch(long, 1)  # a training that goes on has no epoch 1
    os.kill(trainer, signal.SIGSTOP)  # or it might be done before it is looked at
    (new,) = checkpoints(long)
    os.kill(trainer, signal.SIGCONT)
    output, _ = dvc.communicate()
    assert new != old
    assert dvc.returncode == 0
    assert f"epoch {EPOCHS} of {EPOCHS}" in output
    assert checkpoints(long) == []  # a training that is done needs none
    assert forget(long)["models/cae.keras"] != undisturbed["models/cae.keras"]
    long.edit_params(budgets__smoke__learning_rate=2.0e-3)
