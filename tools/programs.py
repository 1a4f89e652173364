"""The programs that tools call: git and DVC."""

import subprocess
import sys

from denoising.files import InputError, PathLike


def call(*command: PathLike, cwd: PathLike = ".") -> "subprocess.CompletedProcess[str]":
    """Run a program to its end, whatever its exit code. DVC is the one of this environment."""
    if command[0] == "dvc":
        command = (sys.executable, "-m", *command)
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def output(*command: PathLike, cwd: PathLike = ".") -> str:
    """What a program prints.

    Raises
    ------
    InputError
        If it fails; with its complaint, as one line.
    """
    done = call(*command, cwd=cwd)
    if done.returncode:
        complaint = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise InputError(f"{' '.join(map(str, command[:2]))}: {complaint}")
    return done.stdout
