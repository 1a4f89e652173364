"""A training's checkpoint, kept in the remote while it runs: no epoch dies with a node."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from cluster.watching import repeatedly
from stages.shared import layout

FOLDER = "checkpoints"  # in the remote, beside DVC's own
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
    kept = _Kept(repo, remote, layout.CHECKPOINTS / run, stage)
    patiently(kept.fetch)

    def send() -> None:
        with contextlib.suppress(OSError):  # the next look comes soon
            kept.send()

    with repeatedly(send, EVERY):
        yield
    with contextlib.suppress(OSError):  # a checkpoint that stays does no harm
        kept.clear()


class _Kept:
    def __init__(self, repo: Repo, remote: str, folder: Path, stage: str) -> None:
        odb = repo.cloud.get_remote_odb(remote, "push", hash_name="md5-dos2unix")
        self._fs, self._folder = odb.fs, folder
        pipeline = Path.cwd().relative_to(repo.root_dir).parts
        self._there = odb.fs.join(odb.path, FOLDER, *pipeline, stage.replace("@", "-"))
        self._sent: dict[str, tuple[int, int]] = {}

    def fetch(self) -> None:
        """A training takes up only what is of its own code, data and settings."""
        if not self._fs.exists(self._there):
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in self._fs.find(self._there):
            name = self._fs.name(path)
            if name.endswith(".npz"):
                self._fs.get_file(path, str(self._folder / name))

    def send(self) -> None:
        """Those that are new. They appear in the remote as a whole."""
        for file in self._folder.glob("*.npz"):
            about = file.stat()
            state = about.st_mtime_ns, about.st_size
            if self._sent.get(file.name) == state:
                continue
            target = self._fs.join(self._there, file.name)
            self._fs.makedirs(self._there, exist_ok=True)
            self._fs.put_file(str(file), f"{target}.part")
            self._fs.move(f"{target}.part", target)
            self._sent[file.name] = state

    def clear(self) -> None:
        if self._fs.exists(self._there):
            self._fs.remove(self._there, recursive=True)
