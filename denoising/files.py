"""Files that are whole or absent, and locks that die with their process."""

import contextlib
import fcntl
import hashlib
import json
import os
import zipfile
from pathlib import Path

import numpy as np


class InputError(Exception):
    """Something the user gave (a parameter, a file) is wrong; the message is one line that names it."""


@contextlib.contextmanager
def atomic(path):
    """Yield a temporary path beside `path`, which takes its place when the block ends and vanishes when it fails.

    Leftovers of writers that were killed are removed first: writers of one path exclude each other by `lock`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob(f".{path.name}.*.tmp"):
        stale.unlink(missing_ok=True)
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp"
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path, content):
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def write_text(path, content):
    write_bytes(path, content.encode())


def write_json(path, content):
    """Write strict JSON (no NaN, no infinity): a broken number must fail here, not in the reader."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path, *keys):
    """A JSON object that has at least these keys.

    Raises
    ------
    InputError
        If the file is missing, damaged or lacks a key.
    """
    try:
        content = json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; the stage that makes it has not run") from None
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error})") from None
    missing = [key for key in keys if not isinstance(content, dict) or key not in content]
    if missing:
        raise InputError(f"{path}: lacks {', '.join(missing)}; run the stage that makes it again")
    return content


def write_arrays(path, **arrays):
    """Write an uncompressed .npz; equal arrays give equal bytes (NumPy dates every member 1980-01-01)."""
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def read_arrays(path, *names):
    """Arrays of an .npz by name. Its checksums catch truncated and altered files.

    Raises
    ------
    InputError
        If the file is missing, damaged or lacks one of the names.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return tuple(archive[name] for name in names)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; the stage that makes it has not run") from None
    except KeyError as error:
        raise InputError(
            f"{path}: {error.args[0]}; expected the arrays {', '.join(names)}"
        ) from None
    except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
        raise InputError(
            f"{path}: damaged ({error}); delete it and run the stage that makes it"
        ) from None


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def lock(path, waiting):
    """Hold `path` exclusively; the kernel releases it when the process ends, however it ends.

    Parameters
    ----------
    path : path-like
    waiting : callable
        Called once with the process id of the holder, when there is one to wait for.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            waiting(file.read().strip() or "unknown")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
