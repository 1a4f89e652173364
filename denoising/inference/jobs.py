"""Which files are to be denoised, and where the results go."""

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from denoising.files import InputError, PathLike
from denoising.formats.base import shown
from denoising.formats.opening import ENDINGS, SUFFIXES, is_image, is_zarr


def jobs(
    inputs: Iterable[PathLike],
    out: Path,
    form: str | None = None,
    log: Callable[[str], object] = lambda line: None,
) -> dict[Path, Path]:
    """The output file of every input file.

    A file that is given by itself goes into `out` under its name, a file of a folder that is given
    under its path in that folder.

    Parameters
    ----------
    inputs : iterable of path-like
        Image files, .zarr folders, or folders that are searched for these.
    out : Path
    form : str, optional
        Format of the results, a key of `denoising.formats.opening.ENDINGS`, which then says how
        their names end.
    log : callable
        Takes a line that says which files of a folder are left out.

    Raises
    ------
    InputError
        If `out` is no folder, an input is missing or has no images, or two inputs, or an input and
        an output, would be one file.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {shown(out)}: is not a folder")
    found: dict[Path, Path] = {}
    for given in map(Path, inputs):
        is_folder = given.is_dir()
        if is_folder and not is_image(given) and not is_zarr(given):
            for file in _of_folder(given, out, log):
                found[file] = _named(out / file.relative_to(given), form)
        elif is_folder or given.is_file():
            found[given] = _named(out / given.name, form)
        else:
            raise InputError(f"{shown(given)}: no such file or folder")
    by_output: dict[Path, Path] = {}
    sources = {file.resolve() for file in found}
    for file, target in found.items():
        place = target.resolve()
        other = by_output.setdefault(place, file)
        if other != file:
            both = f"{shown(file)} and {shown(other)}"
            raise InputError(f"{both}: both would become {shown(target)}")
        if place in sources:
            raise InputError(f"{shown(target)}: is an input; choose another folder with --out")
    return found


def _named(target: Path, form: str | None) -> Path:
    """With the ending of its format."""
    ending = target.suffix.lower()
    if form is None or ending in ENDINGS[form]:
        return target
    bare = target.with_suffix("") if ending in SUFFIXES else target
    return bare.with_name(bare.name + ENDINGS[form][0])


def _of_folder(folder: Path, out: Path, log: Callable[[str], object]) -> list[Path]:
    if out.resolve() == folder.resolve():
        raise InputError(f"--out {shown(out)}: is the folder of the inputs; choose another")
    found, others = [], collections.Counter[str]()
    for path in _walk(folder, out.resolve()):
        if is_image(path):
            found.append(path)
        elif path.is_dir():
            others["links to folders"] += 1
        elif not path.name.startswith("."):
            others[path.suffix.lower() or "without ending"] += 1
    if not found:
        allowed = ", ".join(sorted(SUFFIXES))
        raise InputError(
            f"{shown(folder)}: no image files there; their names should end in {allowed}"
        )
    if others:
        kinds = ", ".join(f"{number} {shown(kind)}" for kind, number in others.most_common(5))
        left = f"left out {others.total()} that are not images by their names"
        log(f"{shown(folder)}: {left}: {kinds}")
    return sorted(found)


def _walk(folder: Path, without: Path) -> Iterator[Path]:
    """Files below a folder, .zarr folders and links to folders, which are not followed.

    What earlier runs wrote to `without` is left out.
    """
    for place, folders, files in os.walk(folder, onerror=_refuse):
        here = Path(place)
        images = [name for name in folders if is_image(here / name)]
        folders[:] = [
            name for name in folders if name not in images and (here / name).resolve() != without
        ]
        links = [name for name in folders if (here / name).is_symlink()]
        yield from (here / name for name in (*images, *links, *files))


def _refuse(error: OSError) -> None:
    raise InputError(f"{shown(error.filename)}: cannot be read ({error.strerror})") from None
