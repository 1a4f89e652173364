"""Reproduce the committed results from nothing, in a clean clone, and gate them: make check"""

import subprocess
import sys
import tempfile
from pathlib import Path

from stages.shared import command, params
from tools import programs


def main(_: params.Content) -> None:
    """Clone, reproduce, compare with the committed bytes, gate."""
    if programs.output("git", "status", "--porcelain"):
        command.say("note: uncommitted changes are not in the clone, and so not checked")
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        programs.output("git", "clone", "--quiet", ".", clone)
        _module("dvc", "repro", folder=clone)
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
    command.run("reproduce", main)
