"""The DVC remote through which nodes get what they need and give what they make."""

import contextlib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from denoising.files import InputError

NAME = "cluster"  # on the nodes, and here if the user has none
OWN = Path(".dvc/remote")


def chosen(may_be_own: bool) -> tuple[dict[str, Any], str]:
    """Configuration of the repository that has a remote, and the remote's name.

    Parameters
    ----------
    may_be_own : bool
        Without a remote of the user's, is a folder of this machine one?

    Raises
    ------
    InputError
        If there is none.
    """
    with Repo() as repo:
        name = repo.config["core"].get("remote")
        root = Path(repo.root_dir)
    if name:
        return {}, name
    if not may_be_own:
        raise InputError(
            "no DVC remote is configured, through which nodes could get their data: "
            "dvc remote add -d NAME URL"
        )
    folder = root / OWN
    folder.mkdir(exist_ok=True)
    return {"core": {"remote": NAME}, "remote": {NAME: {"url": str(folder)}}}, NAME


def for_nodes(repo: Repo, name: str) -> str:
    """DVC's configuration for a node: this remote with all its options, and no git."""
    remote = repo.cloud.get_remote(name)
    options = dict(repo.config["remote"][name])
    if remote.fs.protocol == "local":
        options["url"] = remote.path
    lines = [
        "[core]",
        f"remote = {NAME}",
        "no_scm = true",
        "analytics = false",
        "check_update = false",
    ]
    lines += [f"['remote \"{NAME}\"']", *(f"{key} = {value}" for key, value in options.items())]
    return "\n".join(lines) + "\n"


class Folder:
    """A folder of the remote beside DVC's own, for what lives as long as a stage takes.

    Parameters
    ----------
    repo : Repo
    remote : str
        Its name.
    kind, names : str
        Of the folder. The pipeline's own are between them.
    """

    def __init__(self, repo: Repo, remote: str, kind: str, *names: str) -> None:
        odb = repo.cloud.get_remote_odb(remote, "push", hash_name="md5-dos2unix")
        pipeline = Path.cwd().relative_to(repo.root_dir).parts
        self._fs, self._path = odb.fs, odb.fs.join(odb.path, kind, *pipeline, *names)

    def has(self, name: str) -> bool:
        """Is there such a file?"""
        return bool(self._fs.exists(self._fs.join(self._path, name)))

    def fetch(self, folder: Path, pattern: str = "*.npz") -> None:
        """Copy the files of such names to a folder here."""
        if not self._fs.exists(self._path):
            return
        folder.mkdir(parents=True, exist_ok=True)
        for path in self._fs.find(self._path):
            name = self._fs.name(path)
            if fnmatch(name, pattern):
                self._fs.get_file(path, str(folder / name))

    def send(self, file: Path) -> None:
        """Copy a file there. It appears as a whole."""
        target = self._fs.join(self._path, file.name)
        self._fs.makedirs(self._path, exist_ok=True)
        self._fs.put_file(str(file), f"{target}.part")
        self._fs.move(f"{target}.part", target)

    def clear(self) -> None:
        """Remove it, if that can be: what stays does no harm."""
        with contextlib.suppress(OSError):
            if self._fs.exists(self._path):
                self._fs.remove(self._path, recursive=True)
