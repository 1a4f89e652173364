"""Files whose digests are known, from whichever place answers.

A digest is the only thing that is trusted: a place that delivers anything else is passed over, and
the log says so.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from denoising.files import InputError, PathLike, one_line, sha256, write_bytes
from denoising.sources.base import Log

Files = dict[str, bytes]  # content by name
Digests = Mapping[str, str]  # SHA-256 by name
Getters = Mapping[str, Callable[[Path], Files]]  # each takes a temporary folder

CONNECT_SECONDS, READ_SECONDS = 4, 60
CLIENT_SECONDS = 300  # for a package manager to fetch 30 MB
AT_ONCE = 4  # downloads from one place

_DIGESTS = Path(__file__).parent / "digests"


class SourceError(Exception):
    """A place did not deliver the files; the message says why."""


def fetch(
    title: str,
    places: Getters,
    digests: Digests,
    folders: Iterable[PathLike],
    by_hand: str,
    log: Log,
) -> None:
    """Put files into folders, from the first place that delivers all of them as they should be.

    Parameters
    ----------
    title : str
        What they are, for messages.
    places : dict of str to callable
        Tried in this order. Each takes a temporary folder and returns {file name: content}.
    digests : dict of str to str
        File names and the SHA-256 that their content must have.
    folders : iterable of path-like
        Nothing is written there unless all files are right.
    by_hand : str
        What a user can do, for the error.
    log : callable
        Takes one line of progress.

    Raises
    ------
    InputError
        If no place delivered: what was tried, why each failed, and `by_hand`.
    """
    failures = []
    for name, place in places.items():
        log(f"trying {name}")
        try:
            files = _ask(place)
            _check(files, digests)
        except SourceError as error:
            failures.append(f"{name}: {error}")
            log(f"  {error}")
            continue
        for file, content in files.items():
            for folder in {Path(one) for one in folders}:
                write_bytes(folder / file, content)
        log(f"  {', '.join(files)}: as expected")
        return
    raise _unavailable(title, failures, by_hand)


def _unavailable(title: str, failures: list[str], by_hand: str) -> InputError:
    tried = "; ".join(failures)
    return InputError(f"{title} is not available. Tried: {tried}. By hand: {by_hand}")


def _ask(place: Callable[[Path], Files]) -> Files:
    """Files of a place; whatever is wrong with what it delivers is a SourceError."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            return place(Path(folder))
    except (
        KeyError,
        ValueError,
        OSError,
        EOFError,
        zlib.error,
        zipfile.BadZipFile,
        tarfile.TarError,
    ) as error:
        raise SourceError(f"damaged or incomplete ({one_line(error)})") from None


def _check(files: Files, digests: Digests) -> None:
    for name, expected in digests.items():
        actual = hashlib.sha256(files[name]).hexdigest()
        if actual != expected:
            raise SourceError(f"{name} has SHA-256 {actual}, expected {expected}")


def known_digests(source: str) -> dict[str, str]:
    """SHA-256 of every file of a source, by its path below the source's folder.

    The list has the form of `sha256sum`, which can check it in the folder above.
    """
    lines = (_DIGESTS / f"{source}.sha256").read_text().splitlines()
    entries = (line.split("  ", 1) for line in lines)
    return {path.removeprefix(f"./{source}/"): digest for digest, path in entries}


def find(
    title: str,
    digests: Digests,
    known: Iterable[Path],
    kept: Path,
    place: str,
    urls: Mapping[str, str],
    log: Log,
) -> Path:
    """The folder that has every one of many files as it should be.

    Parameters
    ----------
    title : str
        What they are, for messages.
    digests : dict of str to str
        Paths below the folder and the SHA-256 of each file.
    known : iterable of Path
        Folders to look into, in this order, before anything is downloaded into `kept`. Those that
        do not exist are passed over.
    kept : Path
        Files that an interrupted download left there are not downloaded again.
    place : str
        What is downloaded from, for messages.
    urls : dict of str to str
        Address of each file.
    log : callable
        Takes one line of progress.

    Raises
    ------
    InputError
        If no place has all of them: what was tried, why each failed, what to do by hand.
    """
    known, failures = list(known), []
    for folder in [one for one in dict.fromkeys([*known, kept]) if one.is_dir()]:
        log(f"trying {folder}")
        if not (problem := _first_problem(folder, digests)):
            log(f"  {len(digests)} files: as expected")
            return folder
        failures.append(f"{folder}: {problem}")
        log(f"  {problem}")
    log(f"trying {place}: {len(digests)} files")
    try:
        download(urls, digests, kept)
    except SourceError as error:
        failures.append(f"{place}: {error}")
        log(f"  {error}")
    else:
        log(f"  {len(digests)} files: as expected")
        return kept
    folders = sorted({name.rpartition("/")[0] for name in digests})
    by_hand = f"put the folder{'s' if len(folders) > 1 else ''} {', '.join(folders)} into"
    raise _unavailable(title, failures, f"{by_hand} {known[0]}/")


def _first_problem(folder: Path, digests: Digests) -> str:
    for name, expected in digests.items():
        try:
            actual = sha256(folder / name)
        except FileNotFoundError:
            return f"lacks {name}"
        except OSError as error:
            return f"{name} cannot be read ({error.strerror})"
        if actual != expected:
            return f"{name} has SHA-256 {actual}, expected {expected}"
    return ""


def download(urls: Mapping[str, str], digests: Digests, folder: Path) -> None:
    """Files from their addresses into a folder, but for those that are there already.

    Each appears there when it is whole and has its digest.

    Raises
    ------
    SourceError
        If one of them does not come; those that came are kept.
    """
    # here, because it imports requests: a second that who has the files need not wait
    import pooch
    from tqdm import tqdm

    pooch.get_logger().setLevel("ERROR")
    downloader = pooch.HTTPDownloader(timeout=(CONNECT_SECONDS, READ_SECONDS))

    def one(name: str) -> None:
        place, file = (folder / name).parent, Path(name).name
        pooch.retrieve(urls[name], f"sha256:{digests[name]}", file, place, downloader=downloader)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        waiting = [threads.submit(one, name) for name in digests]
        quiet = not sys.stderr.isatty()
        try:
            for done in tqdm(as_completed(waiting), total=len(waiting), disable=quiet):
                done.result()
        # requests' errors are OSErrors, pooch's mismatch is a ValueError
        except (OSError, ValueError) as error:
            raise SourceError(one_line(error)) from None
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def client(*command: Any, folder: Path | None = None) -> None:
    """Run a package manager; its last line of complaint becomes the error.

    Raises
    ------
    SourceError
    """
    program = shutil.which(str(command[0]))
    if program is None:
        raise SourceError(f"no {command[0]} on this machine")
    try:
        done = subprocess.run(
            [program, *command[1:]],
            capture_output=True,
            text=True,
            timeout=CLIENT_SECONDS,
            cwd=folder,
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"no answer within {CLIENT_SECONDS} s") from None
    if done.returncode:
        complaint = done.stderr.strip() or done.stdout.strip() or "no message"
        raise SourceError(f"exit code {done.returncode}: {complaint.splitlines()[-1]}")


def only_file(folder: Path, pattern: str) -> Path:
    """The one file of a folder that a package manager left.

    Raises
    ------
    SourceError
    """
    files = list(folder.glob(pattern))
    if len(files) != 1:
        raise SourceError(f"expected one {pattern}, got {len(files)}")
    return files[0]
