"""What a dataset's training targets are like, in a file of a few hundred kilobytes.

Made once, with the dataset, so that no evaluation reads the whole training set: how often each
pixel value occurs among clean and among noisy targets (exact, so a histogram of any step follows),
and the mean that the noise gives to each pixel value.
"""

from typing import NamedTuple

import numpy as np

from denoising.data.datasets import TARGET
from denoising.data.image_sets import ImageSet
from denoising.data.store import Window
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

    @property
    def clipped_share(self) -> tuple[float, float]:
        """Share of the noisy pixels at or beyond black, and at or beyond white."""
        at_black, at_white = self.noisy_values <= 0, self.noisy_values >= 1
        total = self.noisy_counts.sum()
        return (
            float(self.noisy_counts[at_black].sum() / total),
            float(self.noisy_counts[at_white].sum() / total),
        )

    def values(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Values and counts of the targets of a kind, "clean" or "noisy"."""
        if kind == "clean":
            return self.clean_values, self.clean_counts
        return self.noisy_values, self.noisy_counts


SAMPLED = 256  # images of any size that are looked at, evenly spread
WINDOW = 512  # pixels of a side that are looked at, in the middle of each


def sample(images: ImageSet, noise: Noise) -> Targets:
    """`Targets` of images of any size, from the middle of some of them.

    Pixel values are counted as float16. Where there are no clean images, the noisy ones count as
    such.
    """
    counts = {kind: np.zeros(2**16, np.int64) for kind in ("clean", "noisy")}
    for index in sampled(len(images)):
        window = middle(images, index)
        version = images.versions - 1
        noisy = images.noisy(index, version, window)
        clean = images.clean(index, window) if images.has_clean else noisy
        for kind, pixels in (("clean", clean), ("noisy", noisy)):
            bits = pixels.astype(np.float16).ravel().view(np.uint16)
            counts[kind] += np.bincount(bits, minlength=2**16)
    return Targets(*_seen(counts["clean"]), *_seen(counts["noisy"]), noise.mean_table())


def _seen(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values that occur, and how often, of a count by the bits of a float16."""
    bits = np.flatnonzero(counts)
    return bits.astype(np.uint16).view(np.float16).astype(np.float32), counts[bits]


def sampled(count: int) -> list[int]:
    """Which of so many images are looked at."""
    return np.unique(np.linspace(0, count - 1, SAMPLED).astype(int)).tolist()


def middle(images: ImageSet, index: int) -> Window:
    """What is looked at of an image."""
    height, width, _ = images.shapes[index]
    return _middle(height), _middle(width)


def _middle(size: int) -> slice:
    start = max(0, (size - WINDOW) // 2)
    return slice(start, min(start + WINDOW, size))


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
