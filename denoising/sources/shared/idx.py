"""IDX, the format of MNIST and of the sets that take its place: images as bytes, after a header."""

import gzip
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from denoising.data.store import Blocks, Catalogue, Image, OwnSet
from denoising.files import InputError, PathLike, sha256
from denoising.sources.base import Log, Source
from denoising.sources.shared.downloads import Digests, Files, SourceError

_MAGIC = 0x0803  # unsigned bytes, three axes


class IDXImages(Source):
    """60,000 training images, of which the last 10,000 are for validation, and 10,000 of test.

    28 x 28 pixels, one channel, 8 bits: MNIST, and what takes its place.
    """

    available: ClassVar[Mapping[str, int]] = {
        "train": 50_000,
        "validation": 10_000,
        "test": 10_000,
    }
    digests: ClassVar[Digests]  # SHA-256 of the two files, that of the training images first

    def find(self, provided: Path, kept: Path, log: Log) -> Path:
        """A folder with the two files; see `Source.scan`."""
        raise NotImplementedError

    def scan(self, provided: Path, kept: Path, log: Log) -> Catalogue:
        train, test = read_known(self.find(provided, kept, log), self.digests)
        return catalogue(train, test, self.available["validation"])


def encode_idx(images: np.ndarray) -> bytes:
    """The IDX file of images (N, H, W) uint8, as bytes."""
    return np.array([_MAGIC, *images.shape], dtype=">i4").tobytes() + images.tobytes()


def read_idx(path: PathLike) -> np.ndarray:
    """Images (N, H, W) uint8 of an IDX file, its header checked against its size.

    Raises
    ------
    InputError
        If the file is missing, no image file, or shorter or longer than its header says.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; the fetch stage makes it") from None
    header = np.frombuffer(content[:16].ljust(16, b"\0"), dtype=">i4")
    if header[0] != _MAGIC:
        raise InputError(f"{path}: not an IDX file of images")
    expected = 16 + int(np.prod(header[1:], dtype=np.int64))
    if len(content) != expected:
        raise InputError(
            f"{path}: {len(content)} bytes, its header says {expected}; run the fetch stage again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=16).reshape(header[1:])


def read_known(folder: PathLike, digests: Digests) -> tuple[np.ndarray, ...]:
    """Images (N, H, W) uint8 of each of a folder's IDX files whose digests are known.

    Raises
    ------
    InputError
        If a file is missing or not the one whose digest is known.
    """
    for name, expected in digests.items():
        path = Path(folder) / name
        if path.is_file() and (actual := sha256(path)) != expected:
            raise InputError(
                f"{path}: has SHA-256 {actual}, expected {expected}; run the fetch stage again"
            )
    return tuple(read_idx(Path(folder) / name) for name in digests)


def catalogue(train: np.ndarray, test: np.ndarray, held_out: int) -> Catalogue:
    """The catalogue of two sets of grey images (N, H, W) uint8 that are in memory."""
    sets: list[tuple[OwnSet, np.ndarray]] = [("train", train), ("test", test)]
    images = [
        Image(f"{name}{number:05}", name, (*pixels.shape, 1), {"clean": _one(pixels[..., None])})
        for name, array in sets
        for number, pixels in enumerate(array)
    ]
    return Catalogue(images, np.dtype(np.uint8), 0, 255, held_out)


def _one(pixels: np.ndarray) -> Blocks:
    return lambda: iter([pixels])


def from_folder(folder: PathLike, names: Iterable[str]) -> Files | None:
    """IDX files of a folder, plain or as .gz; None where it has neither.

    Raises
    ------
    SourceError
        If they cannot be read.
    """
    folder, names = Path(folder), list(names)
    for suffix, open_file in (("", open), (".gz", gzip.open)):
        if all((folder / (name + suffix)).is_file() for name in names):
            return {name: read_bytes(folder / (name + suffix), open_file) for name in names}
    return None


def read_bytes(path: Path, open_file: Any = open) -> bytes:
    """The content of a file; what is wrong with it is a `SourceError`."""
    try:
        with open_file(path, "rb") as file:
            return file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path.name} cannot be read ({error})") from None
