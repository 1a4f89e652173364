"""The images of a split that stay in their source's store: of any size, noise drawn when needed.

A split is a file of the images' places in the store. Noise is drawn from streams keyed by image, so
that no array has to hold it: once for all, in blocks of the image that are the same whenever they
are drawn, or anew for every patch.
"""

import itertools
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from denoising.data.store import WHOLE, Store, Window
from denoising.data.streams import rng_for
from denoising.files import InputError, PathLike, read_arrays, write_arrays
from denoising.noise.base import Noise

BLOCK = 64  # pixels, side of the blocks that noise is drawn in
SHOTS = ("noisy", "second", "third")  # roles of the store, where the noise is real


def write(
    path: PathLike, store: Store, images: np.ndarray, split: str, about: Mapping[str, Any]
) -> None:
    """Write which images of a store a split has, and what is known of their noise, as JSON."""
    write_arrays(
        path,
        images=images,
        split=np.array(split),
        source=np.array(store.folder.name),
        source_digest=np.array(store.digest),
        about=np.array(json.dumps(dict(about), sort_keys=True)),
    )


def is_one(path: Path) -> bool:
    """Is a split's file of this kind? Otherwise it has arrays, see `denoising.data.datasets`.

    Of a damaged file nothing is known: whoever reads it says what is wrong.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return "images" in archive.files
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return False


class ImageSet:
    """Images of a split, with their noisy versions.

    Parameters
    ----------
    store : Store
    images : ndarray (N,) of int
        Their places in the store.
    split : str
    noise : Noise, optional
        Of clean images; None: the store has noisy ones.
    seed, stream : int, str
        Of the noise that is drawn.
    """

    def __init__(
        self,
        store: Store,
        images: np.ndarray,
        split: str,
        noise: Noise | None,
        seed: int = 0,
        stream: str = "",
    ) -> None:
        self.store, self.images, self.split = store, images, split
        self.noise, self.seed, self.stream = noise, seed, stream

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shapes(self) -> np.ndarray:
        """Height, width and channels of each image: (N, 3)."""
        return self.store.shapes[self.images]

    @property
    def channels(self) -> int:
        """Of every image."""
        return self.store.channels

    @property
    def has_clean(self) -> bool:
        """Are there clean images?"""
        return "clean" in self.store.roles

    @property
    def versions(self) -> int:
        """How many independent noisy versions of an image there can be."""
        return 2 if self.noise else sum(role in self.store.roles for role in SHOTS)

    def name(self, index: int) -> str:
        """The name of an image in its source."""
        return str(self.store.names[self.images[index]])

    def clean(self, index: int, window: Window = WHOLE) -> np.ndarray:
        """(h, w, C) float32 on the scale [0, 1]."""
        return self.store.unit("clean", self.images[index], window)

    def noisy(self, index: int, version: int = 0, window: Window = WHOLE) -> np.ndarray:
        """A noisy version as it is in every epoch: (h, w, C) float32."""
        if self.noise is None:
            return self.store.unit(SHOTS[version], self.images[index], window)
        height, width, channels = self.shapes[index]
        rows, columns = (
            range(*part.indices(size)) for part, size in zip(window, (height, width), strict=True)
        )
        found = np.empty((len(rows), len(columns), channels), np.float32)
        for y, x in _blocks(rows, columns):
            block = (slice(y, min(y + BLOCK, height)), slice(x, min(x + BLOCK, width)))
            rng = self._rng(index, version, y // BLOCK, x // BLOCK)
            noisy = self.noise.corrupt(self.clean(index, block), rng)
            top, left = max(y, rows.start), max(x, columns.start)
            bottom, right = min(y + BLOCK, rows.stop), min(x + BLOCK, columns.stop)
            found[
                top - rows.start : bottom - rows.start, left - columns.start : right - columns.start
            ] = noisy[top - y : bottom - y, left - x : right - x]
        return found

    def noisy_anew(
        self, index: int, clean: np.ndarray, version: int, epoch: int, number: int
    ) -> np.ndarray:
        """A noisy version of a patch (h, w, C), of an epoch's patch of this number alone."""
        if self.noise is None:
            raise ValueError("real noise cannot be drawn")
        return self.noise.corrupt(clean, self._rng(index, version, epoch, number, -1))

    def _rng(self, index: int, version: int, *place: int) -> np.random.Generator:
        numbers = ",".join(map(str, place))
        return rng_for(self.seed, self.stream, self.split, self.name(index), version, numbers)


def _blocks(rows: range, columns: range) -> Iterator[tuple[int, int]]:
    """Corners of the blocks that a window touches."""
    ys, xs = (range(part.start // BLOCK * BLOCK, part.stop, BLOCK) for part in (rows, columns))
    return itertools.product(ys, xs)


def read(
    path: PathLike, split: str, store: Store, noise: Noise | None, seed: int = 0, stream: str = ""
) -> ImageSet:
    """What `write` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another split, or of other images.
    """
    images, held, digest = read_arrays(path, "images", "split", "source_digest")
    if str(held) != split:
        raise InputError(f"{path}: holds the {held} images, expected the {split} images")
    if str(digest) != store.digest or len(images) == 0 or images.max() >= len(store):
        raise InputError(
            f"{path}: is of other images than {store.folder} holds; run the corrupt stage again"
        )
    return ImageSet(store, images, split, noise, seed, stream)


def about(path: PathLike) -> tuple[str, dict[str, Any]]:
    """Name of the source that a split's images are from, and what is known of their noise.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    source, known = read_arrays(path, "source", "about")
    return str(source), json.loads(str(known))
