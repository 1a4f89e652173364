"""What a dataset's training targets are like, in a file of a few hundred kilobytes.

Made once, with the dataset, so that no evaluation reads the whole training set: how often each
pixel value occurs among clean and among noisy targets (exact, so a histogram of any step follows),
and the mean that the noise gives to each pixel value.
"""

from typing import NamedTuple

import numpy as np

from denoising.data.datasets import TARGET
from denoising.files import PathLike, read_arrays, write_arrays
from denoising.noise.base import Noise


class Targets(NamedTuple):
    """What is known of a dataset's training targets.

    Attributes
    ----------
    clean_values, noisy_values : ndarray (V,) float32
        Distinct pixel values.
    clean_counts, noisy_counts : ndarray (V,) int64
        How many pixels have them.
    mean : ndarray (`denoising.noise.base.NODES`,) float64
        `Noise.mean_table`.
    """

    clean_values: np.ndarray
    clean_counts: np.ndarray
    noisy_values: np.ndarray
    noisy_counts: np.ndarray
    mean: np.ndarray

    def values(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Values and counts of the targets of a kind, "clean" or "noisy"."""
        if kind == "clean":
            return self.clean_values, self.clean_counts
        return self.noisy_values, self.noisy_counts


def measure(clean: np.ndarray, noisy: np.ndarray, noise: Noise) -> Targets:
    """`Targets` of training images: clean (N, H, W, C) uint8, noisy (2, N, H, W, C) float16."""
    clean_counts = np.bincount(clean.ravel(), minlength=256)
    # a float16 has 65,536 possible bit patterns: counting them needs no sorting
    bits = np.bincount(noisy[TARGET].ravel().view(np.uint16), minlength=2**16)
    seen = np.flatnonzero(bits)
    return Targets(
        clean_values=np.arange(256, dtype=np.float32) / np.float32(255),
        clean_counts=clean_counts.astype(np.int64),
        noisy_values=seen.astype(np.uint16).view(np.float16).astype(np.float32),
        noisy_counts=bits[seen].astype(np.int64),
        mean=noise.mean_table(),
    )


def write(path: PathLike, targets: Targets) -> None:
    """Write the file of a dataset's targets."""
    write_arrays(path, **targets._asdict())


def read(path: PathLike) -> Targets:
    """Read what `write` wrote.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    return Targets(*read_arrays(path, *Targets._fields))
