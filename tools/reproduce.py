"""Reproduce the committed results from nothing, in a clean clone, and hold them against the committed ones: make check"""

import subprocess
import sys
import tempfile
from pathlib import Path

from stages.shared import command


def main(_):
    if subprocess.run(
        ["git", "status", "--porcelain"], capture_output=True, text=True, check=True
    ).stdout:
        command.say("note: uncommitted changes are not in the clone, and so not checked")
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", ".", clone], check=True)
        _module("dvc", "repro", folder=clone)
        differing = _git("diff", "--name-only", folder=clone).split()
        if differing:
            command.say(
                f"not the committed bytes: {', '.join(differing)}; as on other processors, where tolerances decide"
            )
        else:
            command.say("every output has the committed bytes")
        _module("stages.gate", "HEAD", folder=clone)


def _module(name, *arguments, folder):
    done = subprocess.run([sys.executable, "-m", name, *arguments], cwd=folder, check=False)
    if done.returncode:
        sys.exit(f"error: {name} {' '.join(arguments)} ended with exit code {done.returncode}")


def _git(*arguments, folder):
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


if __name__ == "__main__":
    command.run("reproduce", main)
