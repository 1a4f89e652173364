"""Which image files a folder has, and for what: clean images, noisy ones, more shots; test sets.

clean/             clean images alone
clean/ noisy/      pairs: each noisy image, and the clean one of the same name
noisy/ noisy2/     two shots of each image, and in noisy3/ perhaps a third
noisy/             noisy images alone
test/              with the same folders inside: the test set
"""

import collections
import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from denoising.data.store import OwnSet
from denoising.files import InputError
from denoising.formats.base import shown
from denoising.formats.opening import SUFFIXES, is_image
from denoising.sources.base import Log

Kind = Literal["clean", "pairs", "shots", "noisy"]
FOLDERS = {"clean": "clean", "noisy": "noisy", "second": "noisy2", "third": "noisy3"}  # by role
# The first role is the one whose pixels tell whether two images are the same
ROLES: dict[Kind, tuple[str, ...]] = {
    "clean": ("clean",),
    "pairs": ("clean", "noisy"),
    "shots": ("noisy", "second"),
    "noisy": ("noisy",),
}
TEST = "test"

Folders = dict[str, Path]  # by role


def kind_of(root: Path) -> Kind:
    """The kind that a folder's sub-folders tell.

    Raises
    ------
    InputError
        If they tell none.
    """
    has = _has(root) - {"third"}  # which tells nothing without the second
    if {"noisy", "second"} <= has:
        return "shots"
    if {"noisy", "clean"} <= has:
        return "pairs"
    if has in ({"clean"}, {"noisy"}):
        return "clean" if has == {"clean"} else "noisy"
    entries = _entries(root)
    names = [shown(entry.name) + "/" * _is_folder(entry) for entry in entries]
    if any(is_image(entry.path) for entry in entries):
        found = "images in the folder itself"
    else:
        found = _some(names) or "nothing"
    raise InputError(
        f"{shown(root)}: has {found}, but neither clean/ nor noisy/; say kind: clean or kind: "
        "noisy if all its images are"
    )


def folders_of(root: Path, kind: Kind, log: Log) -> dict[OwnSet, Folders]:
    """The folder of each role, by set; the only set is "" where there is no test/.

    The clean images of shots are optional, and so is a third one.

    Raises
    ------
    InputError
        If a folder is missing.
    """
    train = _roles(root, kind)
    sets: dict[OwnSet, Folders] = {"": train}
    if (root / TEST).is_dir():
        test = _roles(root / TEST, kind, inside=root in train.values())
        sets = {"train": train, "test": test}
    places = {name: root / TEST if name == "test" else root for name in sets}
    beside = [
        role
        for role in ("clean", "third")
        if kind == "shots" and all((place / FOLDERS[role]).is_dir() for place in places.values())
    ]
    for name, place in places.items():
        found = sets[name] | {role: place / FOLDERS[role] for role in beside}
        sets[name] = {role: found[role] for role in FOLDERS if role in found}
    for name, folders in sets.items():
        _say_beside(places[name], folders, log)
    return sets


def _has(root: Path) -> set[str]:
    return {role for role, name in FOLDERS.items() if (root / name).is_dir()}


def _roles(root: Path, kind: Kind, inside: bool = True) -> Folders:
    """The folders of a kind's roles; if `inside`, the images may lie in the folder itself."""
    wanted = {role: root / FOLDERS[role] for role in ROLES[kind]}
    if inside and len(wanted) == 1 and not _has(root):
        return dict.fromkeys(wanted, root)
    if missing := [folder for folder in wanted.values() if not folder.is_dir()]:
        names = " and ".join(f"{folder.name}/" for folder in wanted.values())
        raise InputError(
            f"{shown(missing[0])}: no such folder; kind: {kind} needs {names} in {shown(root)}"
        )
    return wanted


def _say_beside(root: Path, folders: Folders, log: Log) -> None:
    """Say what lies beside the folders that are read."""
    if root in folders.values():
        return
    read = {TEST, *(folder.name for folder in folders.values())}
    left = [
        shown(entry.name) + "/" * _is_folder(entry)
        for entry in _entries(root)
        if not entry.name.startswith(".")
        and entry.name not in read
        and (is_image(entry.path) or _is_folder(entry))
    ]
    if left:
        names = ", ".join(f"{folder.name}/" for folder in folders.values())
        log(f"{shown(root)}: read are {names}; left out: {_some(left)}")


def _some(names: Sequence[str], most: int = 5) -> str:
    more = [f"{len(names) - most} more"] if len(names) > most else []
    return ", ".join([*names[:most], *more])


class Listing:
    """Lists folders, and counts what it leaves out."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.hidden = 0
        self.others: collections.Counter[str] = collections.Counter()  # by suffix

    def images(self, folder: Path, without: Path | None = None) -> dict[str, Path]:
        """The images below a folder, by name: the path from there, without its suffix.

        Parameters
        ----------
        without : Path, optional
            A folder that is not entered.

        Raises
        ------
        InputError
            If a folder cannot be read, or two names differ in nothing but suffix or case.
        """
        found: dict[str, Path] = {}
        seen: dict[str, str] = {}
        for path in self._walk(folder, without):
            name = key(path.relative_to(folder))
            if (other := seen.setdefault(name.casefold(), name)) != name or name in found:
                differ = "case" if other != name else _difference(path, found[name])
                raise InputError(
                    f"{shown(path)} and {shown(found[other].name)}: names that differ in nothing "
                    f"but their {differ}; rename one"
                )
            found[name] = path
        return found

    def _walk(self, folder: Path, without: Path | None) -> Iterator[Path]:
        """Images below a folder; folders behind links once, and none that the folder lies in."""
        real = os.path.realpath(folder)
        entered = {real, *map(str, Path(real).parents)}
        waiting, links = [folder], list[Path]()
        while waiting or links:
            if not waiting:  # links come last: a folder is read where it really is
                link = links.pop(0)
                if (real := os.path.realpath(link)) in entered:
                    self.log(f"{shown(link)}: links to a folder that is read already; left out")
                    continue
                entered.add(real)
                waiting.append(link)
            for entry in _entries(waiting.pop()):
                path = Path(entry.path)
                if path == without:
                    continue
                if entry.name.startswith("."):
                    self.hidden += 1
                elif is_image(path):
                    yield path
                elif not _is_folder(entry):
                    self.others[path.suffix.lower()] += 1
                elif entry.is_symlink():
                    links.append(path)
                elif (real := os.path.realpath(path)) not in entered:
                    entered.add(real)
                    waiting.append(path)

    def say(self, root: Path) -> None:
        """Say in one line what was left out."""
        most_first = sorted(self.others.items(), key=lambda one: (-one[1], one[0]))
        suffixes = [f"{count} {shown(suffix) or 'without'}" for suffix, count in most_first]
        left = [f"{self.hidden} hidden"] * bool(self.hidden)
        if suffixes:
            left.append(f"{self.others.total()} that are no images, by suffix: {_some(suffixes)}")
        if left:
            self.log(f"{shown(root)}: left out {' and '.join(left)}")


def key(path: Path) -> str:
    """What a pair's two paths have in common: all but the suffix, in one Unicode form."""
    bare = path.with_suffix("") if path.suffix.lower() in SUFFIXES else path
    return unicodedata.normalize("NFC", bare.as_posix())


def _difference(path: Path, other: Path) -> str:
    return "suffix" if path.suffix != other.suffix else "Unicode form"


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"{shown(folder)}: cannot be read ({error.strerror})") from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself
        return False
