"""Files that are whole or absent, and locks that die with their process."""

import contextlib
import fcntl
import hashlib
import json
import math
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

PathLike = str | os.PathLike[str]


class InputError(Exception):
    """Something the user gave (a parameter, a file) is wrong; the message is one line."""


@contextlib.contextmanager
def atomic(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces it when the block succeeds.

    Leftovers of writers that were killed are removed first: writers of one path exclude each
    other by `lock`.

    Raises
    ------
    OSError
        With the name of `path`, also where the system gives none, as for a full disk.
    """
    path = Path(path)
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for stale in path.parent.glob(f".{path.name}.*.tmp"):
            stale.unlink(missing_ok=True)
        try:
            yield temporary
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        if error.filename is None or Path(error.filename) == temporary:
            error.filename = str(path)
        raise


def write_bytes(path: PathLike, content: bytes) -> None:
    """Write a whole file, or leave the one that is there."""
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: PathLike, content: str) -> None:
    """Write a whole UTF-8 file, or leave the one that is there."""
    write_bytes(path, content.encode())


def write_json(path: PathLike, content: object) -> None:
    """Write strict JSON. NaN and infinity fail here, not where the file is read."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: PathLike, *keys: str) -> dict[str, Any]:
    """Read a JSON object that has at least these keys.

    Raises
    ------
    InputError
        If the file is missing or damaged, lacks a key, has one twice, or holds NaN or infinity.
    """
    try:
        content = json.loads(
            Path(path).read_text(), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; the stage that makes it has not run") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({one_line(error)})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: should hold a JSON object, found {type(content).__name__}")
    if missing := [key for key in keys if key not in content]:
        lacking = ", ".join(missing)
        raise InputError(f"{path}: lacks {lacking}; run the stage that makes it again")
    return content


def is_number(value: object) -> bool:
    """Is a value of a JSON file a number, and one that a float can hold?"""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice} is there twice")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def write_arrays(path: PathLike, **arrays: Any) -> None:
    """Write an uncompressed .npz. Equal arrays give equal bytes: NumPy dates every member 1980."""
    with atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def read_arrays(path: PathLike, *names: str) -> tuple[np.ndarray, ...]:
    """Read arrays of an .npz by name. Its checksums catch truncated and altered files.

    Raises
    ------
    InputError
        If the file is missing or damaged, or lacks one of the names.
    """
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as archive:
            return tuple(archive[name] for name in names)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; the stage that makes it has not run") from None
    except KeyError as error:
        expected = ", ".join(names)
        raise InputError(f"{path}: {error.args[0]}; expected the arrays {expected}") from None
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, OSError, EOFError) as error:
        reason = one_line(error)
        raise InputError(
            f"{path}: damaged, not a whole .npz file ({reason}); run the stage that makes it again"
        ) from None


def sha256(path: PathLike) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def lock(path: PathLike, waiting: Callable[[str], object]) -> Iterator[None]:
    """Hold `path` exclusively. The kernel releases it when the process ends, however it ends.

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


def one_line(error: Exception) -> str:
    """What another library complains of, as a part of an error of ours: one line, not too long."""
    if "integer string conversion" in str(error):  # Python's advice is how to allow it
        return "an integer of too many digits"
    return " ".join(str(error).split())[:200]
