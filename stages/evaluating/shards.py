"""Shards of a test set: what other processes have measured, for the one that writes the results.

A shard is a range of images. Where the environment names a folder, the shards are files there. A
process that is given one of them measures its images, and nothing else; one that is given none
takes what is there, in the order of the images, and measures the rest. The results have the same
bytes, whatever the number of shards. `cluster` makes use of it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from denoising.files import read_arrays, write_arrays

Arrays = dict[str, np.ndarray]

CUT = ("evaluate", "evaluate_debiased", "evaluate_filter")  # the stages that do so
FOLDER = "DENOISING_SHARDS"
OWN = "DENOISING_SHARD"  # number and count of the one to measure, such as 0/7


def name(number: int | str, count: int) -> str:
    """Of the file of a shard; of those of all numbers, if it is "*"."""
    return f"{number}-of-{count}.npz"


def own(images: int) -> range | None:
    """The images of this process's shard; None: it is given none."""
    if OWN not in os.environ:
        return None
    number, count = map(int, os.environ[OWN].split("/"))
    return _range(images, number, count)


def own_file() -> Path:
    """Of this process's shard."""
    number, count = map(int, os.environ[OWN].split("/"))
    return Path(os.environ[FOLDER], name(number, count))


def write(state: Arrays, how: str) -> None:
    """Leave what was measured of this process's shard, and how."""
    write_arrays(own_file(), names=np.array(list(state)), how=np.array(how), **state)


def each(images: int, how: str) -> Iterator[tuple[range, Arrays | None]]:
    """Images, range after range, and what was measured of them so; None: nothing yet."""
    folder = os.environ.get(FOLDER)
    files = sorted(Path(folder).glob("*-of-*.npz")) if folder else []
    count = int(files[0].stem.rpartition("-")[2]) if files else 1
    for number in range(count):
        chosen = _range(images, number, count)
        path = Path(folder or "", name(number, count))
        if len(chosen):
            yield chosen, _read(path, how) if path in files else None


def _range(images: int, number: int, count: int) -> range:
    """As even as can be; of more shards than images some have none."""
    return range(number * images // count, (number + 1) * images // count)


def _read(path: Path, how: str) -> Arrays | None:
    names, was = read_arrays(path, "names", "how")
    if str(was) != how:
        return None
    return dict(zip(names.tolist(), read_arrays(path, *names.tolist()), strict=True))
