"""Noisy datasets: noise that no two images share, and the files that hold it.

A dataset whose noise is drawn in advance, for small images of one size, has one file per split with
    clean  (N, H, W, C) uint8       pixel values 0 .. 255
    noisy  (D, N, H, W, C) float16  D independent noisy versions, pixel values in [0, 1]
    split  its name, so that no file is taken for another
D is 2 for training and validation (Noise2Noise wants input and target from one image) and 1 for
the test images. Those of any size stay where they are: see `denoising.data.image_sets`.
"""

from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np

from denoising.data.splits import Selection, Split
from denoising.data.store import to_unit
from denoising.data.streams import rng_for
from denoising.files import InputError, PathLike, read_arrays, write_arrays
from denoising.noise.base import Noise
from denoising.sections import Key, Section

INPUT, TARGET = 0, 1  # which noisy version is which, where both are used
DRAWS = {"train": 2, "validation": 2, "test": 1}
CHUNK = 1000  # images for which noise is drawn at a time
STREAM = "dataset"  # the key of the random streams of a dataset that states none

Redraw = Literal["never", "every_epoch"]
Drawn = Literal["in_advance", "when_needed"]
Progress = Callable[[Iterable[int]], Iterable[int]]


class DatasetOptions(Section):
    """A row of `datasets`, without its noise model: which source, which images, which stream.

    Attributes
    ----------
    drawn : {"in_advance", "when_needed"}
        Whether the noisy images are kept as arrays, which small images of one size allow, or noise
        is drawn where and when it is looked at.
    """

    source: Key
    selection: Selection
    redraw: Redraw
    drawn: Drawn = "in_advance"
    split: Split | None = None
    stream: Key | None = None


def draw(
    noise: Noise,
    clean: np.ndarray,
    rng: np.random.Generator,
    chunk: int = CHUNK,
    progress: Progress = lambda chunks: chunks,
) -> np.ndarray:
    """One noisy version of images; the only place where noise of datasets is drawn.

    Parameters
    ----------
    clean : ndarray (N, ...) uint8
    chunk : int
        Images at a time.
    progress : callable
        Wraps the list of chunks, as tqdm does.

    Returns
    -------
    ndarray (N, ...) float16
        Pixel values on the scale [0, 1].
    """
    noisy = np.empty(clean.shape, np.float16)
    for start in progress(range(0, len(clean), chunk)):
        part = slice(start, start + chunk)
        noisy[part] = noise.corrupt(to_unit(clean[part]), rng)
    return noisy


def corrupt(
    clean: np.ndarray,
    noise: Noise,
    seed: int,
    stream: str,
    split: str,
    epoch: int = 0,
    progress: Progress = lambda chunks: chunks,
) -> np.ndarray:
    """All noisy versions that a split has.

    Parameters
    ----------
    clean : ndarray (N, H, W, C) uint8
    seed, stream, split, epoch : int, str, str, int
        With the number of the draw they fix the random stream. Epoch 0 is what is kept on disk.
    progress : callable
        Wraps the list of chunks, as tqdm does.

    Returns
    -------
    ndarray (D, N, H, W, C) float16
    """
    anew = (epoch,) if epoch else ()
    streams = (rng_for(seed, stream, split, version, *anew) for version in range(DRAWS[split]))
    return np.stack([draw(noise, clean, rng, progress=progress) for rng in streams])


def write(path: PathLike, clean: np.ndarray, noisy: np.ndarray, split: str) -> None:
    """Write the file of a split; see the head of this module."""
    write_arrays(path, clean=clean, noisy=noisy, split=np.array(split))


def read(path: PathLike, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The arrays `clean` and `noisy` of a file that must hold this split.

    Raises
    ------
    InputError
        If the file is missing or damaged, or its arrays do not fit together.
    """
    clean, noisy, held = read_arrays(path, "clean", "noisy", "split")
    if str(held) != split:
        raise InputError(f"{path}: holds the {held} images, expected the {split} images")
    right_types = clean.dtype == np.uint8 and noisy.dtype == np.float16
    if not right_types or noisy.shape != (DRAWS[split], *clean.shape) or clean.ndim != 4:
        raise InputError(
            f"{path}: clean {clean.dtype}{clean.shape} and noisy {noisy.dtype}{noisy.shape} do not "
            f"fit; expected uint8 (N, H, W, C) and float16 ({DRAWS[split]}, N, H, W, C)"
        )
    return clean, noisy
