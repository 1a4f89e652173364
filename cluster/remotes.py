"""The DVC remote through which nodes get what they need and give what they make."""

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
