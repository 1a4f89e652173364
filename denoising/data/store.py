"""The images of a source on disk: stored once, whole, whatever their sizes, and memory-mapped.

A folder has one file of pixels per role (clean images, noisy ones, further shots), all images of it
one after another; `images.npz`, which says where each begins; and `source.json`, which says
what the pixel values mean and has the digests of the others.
"""

import hashlib
import mmap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np

from denoising.files import InputError, atomic, read_arrays, read_json, sha256, write_json
from denoising.files import write_arrays as write_npz

ROLES = ("clean", "noisy", "second", "third")
OwnSet = Literal["train", "test", ""]  # "": the source leaves the choice to the dataset
ABOUT = "source.json"
INDEX = "images.npz"

_RELEASED = 2**28  # bytes read through a map, after which the process gives its pages back
_AROUND = 2**16  # bytes that Linux maps with each page that is touched
_DTYPES = ("uint8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64")

Blocks = Callable[[], Iterator[np.ndarray]]
Progress = Callable[[Iterable[Any]], Iterable[Any]]
Window = tuple[slice, slice]  # rows, columns
WHOLE: Window = (slice(None), slice(None))


class Image(NamedTuple):
    """An image of a source, not read yet.

    Attributes
    ----------
    name : str
        Unique in its source.
    own_set : {"train", "test", ""}
        Where the source has sets of its own.
    shape : tuple (H, W, C)
    read : dict of str to callable
        By role: gives its rows from top to bottom in blocks (rows, W, C).
    """

    name: str
    own_set: OwnSet
    shape: tuple[int, int, int]
    read: Mapping[str, Blocks]


class Catalogue(NamedTuple):
    """The images of a source, and what their pixel values mean.

    Attributes
    ----------
    images : sequence of Image
        Every one has the same roles and number of channels.
    dtype : numpy.dtype
    black, white : float
        Pixel values that mean 0 and 1.
    held_out : int
        How many images of the source's own training set are for validation alone: the last ones.
    """

    images: Sequence[Image]
    dtype: np.dtype
    black: float
    white: float
    held_out: int = 0


def write(folder: Path, catalogue: Catalogue, progress: Progress = lambda images: images) -> None:
    """Store the images of a catalogue.

    Raises
    ------
    InputError
        If an image is not what the catalogue says of it.
    """
    roles = list(catalogue.images[0].read)
    shapes = np.array([image.shape for image in catalogue.images], np.int64)
    digests: dict[str, str] = {}
    for role in roles:
        path = folder / f"{role}.npy"
        with atomic(path) as temporary, open(temporary, "wb") as file:
            hashed = _Hashed(file)
            header = {"descr": catalogue.dtype.str, "fortran_order": False}
            shape = (int(shapes.prod(axis=1).sum()),)
            np.lib.format.write_array_header_2_0(hashed, header | {"shape": shape})
            contents = [
                _write_image(hashed, image, role, catalogue.dtype)
                for image in progress(catalogue.images)
            ]
        digests[path.name] = hashed.digest.hexdigest()
        if role == roles[0]:
            content = contents
    write_npz(
        folder / INDEX,
        names=np.array([image.name for image in catalogue.images]),
        own_sets=np.array([image.own_set for image in catalogue.images]),
        shapes=shapes,
        content=np.array(content, "S"),
    )
    digests[INDEX] = sha256(folder / INDEX)
    about = {
        "images": len(shapes),
        "roles": roles,
        "dtype": catalogue.dtype.name,
        "black": float(catalogue.black),
        "white": float(catalogue.white),
        "held_out": catalogue.held_out,
        "sha256": digests,
    }
    write_json(folder / ABOUT, about)


class _Hashed:
    """A file to write, and the digest of what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def write(self, content: Any) -> None:
        self.file.write(content)
        self.digest.update(content)


def _write_image(file: _Hashed, image: Image, role: str, dtype: np.dtype) -> str:
    """Write an image and return the digest of its pixels."""
    content, rows = hashlib.blake2b(digest_size=16), 0
    for block in image.read[role]():
        if block.dtype != dtype or block.ndim != 3 or block.shape[1:] != image.shape[1:]:
            raise InputError(
                f"{image.name}: {role} is {block.dtype} {block.shape[1:]}, expected {dtype} "
                f"{image.shape[1:]}; did the file change while it was read?"
            )
        pixels = np.ascontiguousarray(block).data.cast("B") if block.size else b""
        file.write(pixels)
        content.update(pixels)
        rows += len(block)
    if rows != image.shape[0]:
        raise InputError(
            f"{image.name}: {role} has {rows} rows, expected {image.shape[0]}; did the file change "
            "while it was read?"
        )
    return content.hexdigest()


class Store:
    """The images of a source, read through memory maps.

    Resident memory does not grow with what is read: pages are given back from time to time.

    Attributes
    ----------
    names : ndarray (N,) of str
    own_sets : ndarray (N,) of str
        See `Image.own_set`.
    shapes : ndarray (N, 3) of int
        Height, width, channels.
    content : ndarray (N,) of bytes
        Digests of the images' pixels: of the clean ones, where there are any.
    roles : list of str
    dtype : numpy.dtype
    black, white : float
    held_out : int
    digest : str
        Of all of it.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        keys = ("images", "roles", "dtype", "black", "white", "held_out", "sha256")
        about = read_json(folder / ABOUT, *keys)
        self.digest = sha256(folder / ABOUT)
        names = ("names", "own_sets", "shapes", "content")
        self.names, self.own_sets, self.shapes, self.content = read_arrays(folder / INDEX, *names)
        known = about["dtype"] in _DTYPES and isinstance(about["roles"], list) and about["roles"]
        if not known or len(self.shapes) != about["images"] or self.shapes.ndim != 2:
            raise InputError(f"{folder / ABOUT}: damaged; run the fetch stage again")
        self.roles: list[str] = about["roles"]
        self.dtype = np.dtype(about["dtype"])
        self.black, self.white = float(about["black"]), float(about["white"])
        self.held_out: int = about["held_out"]
        self.sha256: dict[str, str] = about["sha256"]
        self._ends = np.cumsum(self.shapes.prod(axis=1))
        self._maps = {role: self._map(role) for role in self.roles}
        self._read = 0

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def channels(self) -> int:
        """Of every image."""
        return int(self.shapes[0, 2])

    def check(self) -> None:
        """Hold the files of pixels against their digests, which takes seconds per gigabyte.

        Raises
        ------
        InputError
        """
        for name, expected in self.sha256.items():
            if (actual := sha256(self.folder / name)) != expected:
                raise InputError(
                    f"{self.folder / name}: has SHA-256 {actual}, expected {expected}; run the "
                    "fetch stage again"
                )

    def raw(self, role: str, index: int, window: Window = WHOLE) -> np.ndarray:
        """Pixels of an image as they were stored: (h, w, C) of `dtype`, a copy."""
        height, width, channels = self.shapes[index]
        end = self._ends[index]
        pixels = self._maps[role][end - height * width * channels : end]
        found = pixels.reshape(height, width, channels)[window].copy()
        row = found[:1].nbytes + _AROUND
        self._read += min(len(found) * row, len(found) * width * channels * self.dtype.itemsize)
        if self._read > _RELEASED:
            self.release()
        return found

    def unit(self, role: str, index: int, window: Window = WHOLE) -> np.ndarray:
        """Pixels of an image with black at 0 and white at 1: (h, w, C) float32."""
        return to_unit(self.raw(role, index, window), self.black, self.white)

    def array(self, role: str, indices: np.ndarray) -> np.ndarray:
        """Images of one size as one array: (N, H, W, C) of `dtype`.

        Raises
        ------
        InputError
            If they differ in size.
        """
        sizes = np.unique(self.shapes[indices], axis=0)
        if len(sizes) > 1:
            raise InputError(
                f"{self.folder.name}: images of {len(sizes)} sizes are no array; its datasets need "
                "drawn: when_needed"
            )
        found = np.empty((len(indices), *sizes[0]), self.dtype)
        for place, index in enumerate(indices):
            found[place] = self.raw(role, index)
        return found

    def release(self) -> None:
        """Give the pages that were read back to the system, which keeps them as a cache."""
        self._read = 0
        for pixels in self._maps.values():
            mapped: Any = pixels
            if len(pixels):
                mapped._mmap.madvise(mmap.MADV_DONTNEED)

    def _map(self, role: str) -> np.ndarray:
        path = self.folder / f"{role}.npy"
        try:
            pixels = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; the fetch stage makes it") from None
        except (OSError, ValueError, EOFError):
            pixels = np.empty((0, 0))
        if pixels.shape != (self._ends[-1],) or pixels.dtype != self.dtype:
            raise InputError(f"{path}: damaged; run the fetch stage again")
        return pixels


def as_unit(images: np.ndarray) -> np.ndarray:
    """8-bit pixel values, or those on the scale [0, 1] already, as float32 on that scale."""
    return to_unit(images) if images.dtype == np.uint8 else images


def to_unit(pixels: np.ndarray, black: float = 0.0, white: float = 255.0) -> np.ndarray:
    """Pixel values with black at 0 and white at 1, as float32."""
    if pixels.dtype.itemsize > 2:  # more digits than a float32 has
        return ((pixels - float(black)) / (white - float(black))).astype(np.float32)
    unit = pixels.astype(np.float32)
    if black:
        unit -= np.float32(black)
    return unit / np.float32(white - black)
