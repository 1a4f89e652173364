"""Noisy datasets: which images, and noise that no two of them share.

A dataset is three files, one a split, each with
    clean  (N, 28, 28) uint8     pixel values 0 .. 255
    noisy  (D, N, 28, 28) float16  D independent noisy versions, pixel values on the scale [0, 1]
    split  its name, so that no file is taken for another
D is 2 for training and validation (Noise2Noise wants input and target from the same image) and 1 for the test images.
"""

import hashlib

import numpy as np

from denoising.files import InputError, read_arrays
from stages.schema import TRAINING_POOL

INPUT, TARGET = 0, 1  # which noisy version is which, where both are used
DRAWS = {"train": 2, "validation": 2, "test": 1}
_SPLITS = list(DRAWS)
_CHUNK = 1000  # images at a time


def rng_for(seed, *names):
    """A random generator of its own for every (seed, names), however many others there are.

    Parameters
    ----------
    seed : int
    names : str or int
        What the stream is for, such as dataset, split and draw. Names enter by their digest, so that adding a dataset
        changes no other's stream.
    """
    key = []
    for name in names:
        key += (
            [name]
            if isinstance(name, int)
            else np.frombuffer(hashlib.sha256(name.encode()).digest(), "<u4").tolist()
        )
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def split_images(train, test, counts, selection, seed):
    """Clean images of each split.

    Parameters
    ----------
    train, test : ndarray (N, H, W) uint8
        The source's own two sets.
    counts : dict
        Images wanted of each of "train", "validation", "test".
    selection : {"first", "shuffled"}
        Which of the source's training images are trained on: the first 50,000, or 50,000 drawn with `seed`.

    Returns
    -------
    dict of str to ndarray
        Fewer images than a pool holds are taken at even distances: the first 5,000 of MNIST's test images come from other
        writers than the last 5,000 and are "cleaner and easier" (LeCun et al.), so its first thousand are not like the rest.
    """
    order = np.arange(len(train))
    if selection == "shuffled":
        order = rng_for(seed, "selection").permutation(order)
    pools = {
        "train": train[order[:TRAINING_POOL]],
        "validation": train[order[TRAINING_POOL:]],
        "test": test,
    }
    return {split: _evenly(pools[split], counts[split], split) for split in _SPLITS}


def _evenly(images, count, split):
    if count > len(images):
        raise InputError(f"{split}_images = {count}: the source has {len(images)}")
    return images[np.arange(count) * len(images) // count]


def corrupt(clean, noise, seed, dataset, split, progress=lambda chunks: chunks):
    """Noisy versions (D, N, H, W) float16 of clean images (N, H, W) uint8.

    Parameters
    ----------
    noise : object with `corrupt(clean, rng)`
    seed, dataset, split : int, str, str
        With the number of the draw they fix the random stream.
    progress : callable
        Wraps the list of chunks, as tqdm does.
    """
    streams = [rng_for(seed, dataset, split, draw) for draw in range(DRAWS[split])]
    noisy = np.empty((len(streams), *clean.shape), np.float16)
    for start in progress(range(0, len(clean), _CHUNK)):
        chunk = slice(start, start + _CHUNK)
        pixels = to_unit(clean[chunk])
        for draw, rng in enumerate(streams):
            noisy[draw, chunk] = noise.corrupt(pixels, rng)
    return noisy


def pairs(clean, noisy, target, order=slice(None)):
    """Inputs and targets to learn from, (N, H, W) float32.

    Parameters
    ----------
    clean : ndarray (N, H, W) uint8
        Not looked at when the targets are noisy.
    noisy : ndarray (2, N, H, W) float16
    target : {"clean", "noisy"}
    order : index, optional
        Which images, in which order.
    """
    inputs = noisy[INPUT][order].astype(np.float32)
    return inputs, to_unit(clean[order]) if target == "clean" else noisy[TARGET][order].astype(
        np.float32
    )


def to_unit(images):
    """uint8 pixel values 0 .. 255 as float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(255)


def read(path, split):
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
    if not right_types or noisy.shape != (DRAWS[split], *clean.shape) or clean.ndim != 3:
        raise InputError(
            f"{path}: clean {clean.dtype}{clean.shape} and noisy {noisy.dtype}{noisy.shape} do not fit; "
            f"expected uint8 (N, H, W) and float16 ({DRAWS[split]}, N, H, W)"
        )
    return clean, noisy
