"""A training's checkpoint, kept in the remote while it runs: no epoch dies with a node."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from cluster import remotes
from cluster.watching import repeatedly
from stages.shared import layout

FOLDER = "checkpoints"  # in the remote
EVERY = 0.5  # seconds, between looks at what the training has written
Patiently = Callable[[Callable[[], Any]], Any]


@contextlib.contextmanager
def kept_in_the_remote(repo: Repo, remote: str, stage: str, patiently: Patiently) -> Iterator[None]:
    """Begin with the checkpoint that the remote has, and send those that come; gone after success.

    Parameters
    ----------
    stage : str
        Such as "train@cnn"; of others nothing is kept.
    patiently : callable
        Calls what it is given until the remote is there.
    """
    kind, _, run = stage.partition("@")
    if kind != "train":
        yield
        return
    there, here = _folder(repo, remote, run), layout.CHECKPOINTS / run
    patiently(lambda: fetch_checkpoint(repo, remote, stage))
    sent: dict[str, tuple[int, int]] = {}

    def send() -> None:
        with contextlib.suppress(OSError):  # the next look comes soon
            _send_new(there, here, sent)

    with repeatedly(send, EVERY):
        yield
    there.clear()


def fetch_checkpoint(repo: Repo, remote: str, stage: str) -> None:
    """Begin with what the remote has."""
    run = stage.partition("@")[2]
    _folder(repo, remote, run).fetch(layout.CHECKPOINTS / run)


def _folder(repo: Repo, remote: str, run: str) -> remotes.Folder:
    """In the remote. A training takes up only what is of its own code, data and settings."""
    return remotes.Folder(repo, remote, FOLDER, f"train-{run}")


def _send_new(there: remotes.Folder, here: Path, sent: dict[str, tuple[int, int]]) -> None:
    for file in here.glob("*.npz"):
        about = file.stat()
        state = about.st_mtime_ns, about.st_size
        if sent.get(file.name) != state:
            there.send(file)
            sent[file.name] = state
