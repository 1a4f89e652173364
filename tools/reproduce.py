"""Reproduce the committed results from nothing, in a clean clone, and gate them: make check"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from denoising.files import InputError
from stages import schema
from stages.shared import command, params
from tools import programs, publish


def main() -> None:
    """Reproduce the rows that the command line names; all, and the report, if it names none."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.reproduce", description=(__doc__ or "").partition(":")[0]
    )
    parser.add_argument("rows", metavar="ROW", nargs="*", help="a row of the tables; all if none")
    rows = parser.parse_args().rows
    with command.errors_of_one_line("reproduce"):
        reproduce(evaluations(schema.validate(params.read()), rows))


def evaluations(settings: schema.Params, rows: Sequence[str]) -> list[str]:
    """Names of the stages that end in the metrics of these rows.

    Raises
    ------
    InputError
        If the parameters have no such row.
    """
    stages = publish.stages_of_rows(settings)
    for row in rows:
        if row not in stages:
            raise InputError(f"{row}: not a row of params.yaml; these are: {', '.join(stages)}")
    return [stages[row][-1] for row in rows]


def reproduce(stages: Sequence[str]) -> None:
    """Clone, reproduce these stages or all, compare with the committed bytes, gate."""
    if programs.output("git", "status", "--porcelain"):
        command.say("note: uncommitted changes are not in the clone, and so not checked")
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        programs.output("git", "clone", "--quiet", ".", clone)
        _module("dvc", "repro", *stages, folder=clone)
        differing = programs.output("git", "diff", "--name-only", cwd=clone).split()
        if differing:
            command.say(
                f"not the committed bytes: {', '.join(differing)}; as on other processors, where "
                "tolerances decide"
            )
        else:
            command.say("every output has the committed bytes")
        _module("tools.gate", "HEAD", folder=clone)


def _module(name: str, *arguments: str, folder: Path) -> None:
    """Run a module in a folder. What it prints is seen at once: it may take minutes."""
    done = subprocess.run([sys.executable, "-m", name, *arguments], cwd=folder, check=False)
    if done.returncode:
        sys.exit(f"error: {name} {' '.join(arguments)} ended with exit code {done.returncode}")


if __name__ == "__main__":
    main()
