"""What is kept of test images that are looked at one by one: the first of them, and histograms."""

import hashlib

import numpy as np
import pandas as pd

from denoising.evaluation import metrics
from denoising.files import InputError

Arrays = dict[str, np.ndarray]


def check_finite(prediction: np.ndarray) -> None:
    """Refuse predictions that are no numbers.

    Raises
    ------
    InputError
    """
    if not np.isfinite(prediction).all():
        raise InputError("the predictions are not finite numbers: the network has diverged")


class Examples:
    """The first images of a test, to be looked at.

    Parameters
    ----------
    count : int
    crop : tuple (height, width), optional
        Size of what is kept of each, cut out of the middle; None: whole images.
    """

    def __init__(self, count: int, crop: tuple[int, int] | None = None) -> None:
        self._left, self._crop = count, crop
        self._kept: list[Arrays] = []

    def add(self, **images: np.ndarray) -> None:
        """Keep images (n, H, W, C) of some names, as many as are wanted still."""
        found = {name: _middle(one[: self._left], self._crop) for name, one in images.items()}
        if count := len(next(iter(found.values()))):
            self._kept.append(found)
            self._left -= count

    def state(self) -> Arrays:
        """What `join` takes."""
        return self.arrays() if self._kept else {}

    def join(self, state: Arrays) -> None:
        """Go on with the first of further images, which were looked at elsewhere."""
        if state:
            self.add(**state)

    def arrays(self) -> Arrays:
        """The images by name: (K, h, w, C)."""
        return {name: np.concatenate([one[name] for one in self._kept]) for name in self._kept[0]}


class Histograms:
    """How many pixels have which value, of several kinds of images.

    Parameters
    ----------
    step : float
        Width of a bin, pixel values.
    """

    def __init__(self, step: float) -> None:
        self._step = step
        self._counts: dict[str, np.ndarray] = {}

    def add(self, **images: np.ndarray) -> None:
        """Count the pixels of images of some names, on the scale [0, 1]."""
        for name, pixels in images.items():
            counts = metrics.histogram_counts(pixels, self._step)
            self._counts[name] = self._counts.get(name, 0) + counts

    def state(self) -> Arrays:
        """What `join` takes: numbers of pixels by name."""
        return self._counts

    def join(self, state: Arrays) -> None:
        """Add what was counted elsewhere."""
        for name, counts in state.items():
            self._counts[name] = self._counts.get(name, 0) + counts

    def shares(self, **others: tuple[np.ndarray, np.ndarray]) -> pd.DataFrame:
        """Share of pixels by `value`: the others, then what was added.

        Parameters
        ----------
        others : tuple (values, counts)
            Pixel values on the scale [0, 1], and how often each occurs.
        """
        columns: dict[str, np.ndarray] = {"value": metrics.histogram_centres(self._step).round(6)}
        for name, (values, counts) in others.items():
            columns[name] = metrics.histogram(values, self._step, counts=counts)
        for name, found in self._counts.items():
            columns[name] = found / found.sum()
        return pd.DataFrame(columns)


class Kept:
    """What is kept of test images besides measures, and a digest of all: a base of what measures.

    Parameters
    ----------
    examples : Examples
        The first images are kept there.
    histogram_step : float
        Width of a bin, pixel values.
    """

    def __init__(self, examples: Examples, histogram_step: float) -> None:
        self._examples, self._histograms = examples, Histograms(histogram_step)
        self._digest = hashlib.sha256()

    def identify(self, *images: np.ndarray) -> None:
        """Let images, or bands of them, count in what the test data are known by."""
        for one in images:
            self._digest.update(one.tobytes())

    @property
    def _test_digest(self) -> str:
        return self._digest.hexdigest()[:12]

    def state(self) -> Arrays:
        """What `join` takes: all but what the test data are known by."""
        examples = {f"example {name}": one for name, one in self._examples.state().items()}
        counts = {f"counts {name}": one for name, one in self._histograms.state().items()}
        return examples | counts

    def join(self, state: Arrays) -> None:
        """Go on with further images, which were measured elsewhere; `identify` them as well."""
        for kind, kept in (("example ", self._examples), ("counts ", self._histograms)):
            own = {name: one for name, one in state.items() if name.startswith(kind)}
            kept.join({name.removeprefix(kind): one for name, one in own.items()})

    def histogram(self, **others: tuple[np.ndarray, np.ndarray]) -> pd.DataFrame:
        """Shares of pixels by value; see `Histograms.shares`."""
        return self._histograms.shares(**others)


def _middle(images: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    if size is None:
        return images
    top, left = ((have - want) // 2 for have, want in zip(images.shape[1:3], size, strict=True))
    return images[:, top : top + size[0], left : left + size[1]]
