"""Pipelines in folders of their own: own/NAME for images of one's own, sweeps/NAME for trials.

Their dvc.yaml is that of the repository, with the paths that the code has from there.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from denoising.files import InputError, read_json, write_text
from stages import schema
from stages.shared import command, layout, params

_CODE = ("denoising/", "stages/")
_IGNORED = ("/data/sources/", "/data/noisy/", "/data/evaluated/", "/models/", "/logs/")
_UP = "../.."  # from such a folder to the repository


def settle(
    folder: Path, content: params.Content, stage: str, cluster: Sequence[str], made: str
) -> int:
    """Write a pipeline that nobody edits, and run what is not up to date of one of its stages.

    What fails keeps others from running only if they need it.

    Parameters
    ----------
    content : dict
        Of its params.yaml.
    stage : str
        All its instances, and what they need.
    cluster : sequence of str
        Arguments of `cluster`, which has stages side by side; (): one after another.
    made : str
        Of what and by whom, for its reader.

    Returns
    -------
    int
        The exit code: not 0 if anything failed.

    Raises
    ------
    InputError
        If something in the content is wrong.
    """
    schema.validate(content, folder / layout.PARAMS)
    note = f"# Made {made}: do not edit.\n"
    write_text(folder / layout.PARAMS, note + yaml.safe_dump(content, sort_keys=False))
    write_pipeline(folder, content)
    if cluster:
        return side_by_side(folder, *cluster, "--only", stage)
    return repro(folder, "--keep-going", stage)


def measured(
    folder: Path, content: params.Content, cluster: Sequence[str], made: str
) -> dict[str, dict[str, Any]]:
    """The metrics of all its runs, of a pipeline that is settled first.

    Parameters
    ----------
    content, cluster, made : dict, sequence of str, str
        See `settle`.

    Raises
    ------
    InputError
        If anything failed, or something in the content is wrong.
    """
    if settle(folder, content, "evaluate", cluster, made):
        raise InputError(
            f"{folder}: a stage failed, see above; the same command goes on from there"
        )
    names = content["runs"]
    return {name: read_json(folder / layout.metrics_file(name), "mse", "device") for name in names}


def alone(content: params.Content, runs: params.Content) -> params.Content:
    """A params.yaml with these rows of runs and nothing else that is measured."""
    gate = content["gate"] | {"accepted": {}}
    return content | {"runs": runs, "debiased": {}, "filters": {}, "gate": gate}


def row_with(row: params.Content, changes: params.Content) -> params.Content:
    """A row of runs that sets other values, by path, and has no seeds but those."""
    kept = {key: value for key, value in row.items() if key not in ("seeds", "set")}
    changes = (row.get("set") or {}) | changes
    return kept | ({"set": changes} if changes else {})


def write_pipeline(folder: Path, content: params.Content) -> None:
    """The dvc.yaml of a folder, and what git is not to keep, which DVC would say in data/."""
    write_text(folder / "dvc.yaml", pipeline(paths(content)))
    if not (folder / ".gitignore").exists():
        write_text(folder / ".gitignore", "".join(f"{line}\n" for line in _IGNORED))


def paths(content: params.Content) -> list[str]:
    """The folders of images that the sources read."""
    return [row["path"] for row in content["sources"].values() if row.get("name") == "folder"]


def pipeline(read: list[str]) -> str:
    """The dvc.yaml of a folder.

    Parameters
    ----------
    read : list of str
        Folders of images, as they are called from there: when a file in them changes, they are
        read again.
    """
    lines = []
    for line in Path("dvc.yaml").read_text().splitlines():
        if line.strip() == "- article.json":
            continue
        line = re.sub(rf"- ({'|'.join(_CODE)})", rf"- {_UP}/\1", line)
        lines.append(line.replace("cmd: python", f"cmd: PYTHONPATH={_UP} python"))
        if line.strip() == f"- {_UP}/stages/fetch.py":
            lines += [f'        - "{path}"' for path in read]
    return "\n".join(lines) + "\n"


def repro(folder: Path, *stages: str) -> int:
    """Run what is not up to date in a folder, of these stages or of all; the exit code."""
    command_line = [sys.executable, "-m", "dvc", "repro", *stages]
    return subprocess.run(command_line, cwd=folder, env=os.environ | {"PYTHONPATH": _UP}).returncode


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """The option, the last, after which all is for `side_by_side`."""
    parser.add_argument(
        "--cluster",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="ADDRESS",
        help="stages side by side; what follows is for python -m cluster",
    )


def run(main: Callable[[Sequence[str]], object]) -> None:
    """Run a program's main, which takes arguments of `cluster`, by the command line, and exit."""
    about: Any = sys.modules["__main__"]
    name = about.__spec__.name
    description = (about.__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=description)
    add_cluster(parser)
    with command.errors_of_one_line(name):
        main(parser.parse_args().cluster)


def side_by_side(folder: Path, *arguments: str) -> int:
    """The same on a cluster, and what else `python -m cluster` is told; the exit code."""
    command_line = [sys.executable, "-m", "cluster", *arguments, "--folder", str(folder)]
    return subprocess.run(command_line).returncode
