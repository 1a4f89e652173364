"""Images in memory, with their noise, as studies learn from them and test on them."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from denoising.data import splits, store
from denoising.data.streams import rng_for
from denoising.noise.base import Noise
from denoising.sections import read_kind
from stages.shared import command, layout


class Split(NamedTuple):
    """Images of a split, on the scale [0, 1].

    Attributes
    ----------
    clean, noisy : list of ndarray (H, W, C) float32
    """

    clean: list[np.ndarray]
    noisy: list[np.ndarray]

    def patches(
        self, size: int, count: int, stream: str, name: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Clean and noisy patches at random places, (N, size, size, C).

        Parameters
        ----------
        size, count : int
        stream, name : str
            Of the random numbers.
        """
        rng = rng_for(0, stream, name)
        found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for index in rng.integers(len(self.clean), size=count):
            corner = [int(rng.integers(side - size + 1)) for side in self.clean[index].shape[:2]]
            window = tuple(slice(start, start + size) for start in corner)
            for kept, images in zip(found, self, strict=True):
                kept.append(images[index][window])
        return np.stack(found[0]), np.stack(found[1])


def keep(section: dict[str, Any], path: str, folder: Path) -> None:
    """Store the images of a source, once for all that read them.

    Parameters
    ----------
    section : dict
        Of the source.
    path : str
        Where it stands, for errors.
    folder : Path
    """
    source = read_kind("sources", section, path)
    catalogue = source.scan(layout.PROVIDED, layout.FETCHED, command.say)
    store.write(folder, catalogue, partial(command.progress, label=folder.name))


def read(
    source: store.Store,
    which: splits.Split | None,
    counts: dict[str, int],
    split: str,
    noise: Noise,
    label: tuple[str, ...],
    crop: int | None = None,
) -> Split:
    """Images of a split, the noise drawn once.

    Parameters
    ----------
    source : Store
    which : splits.Split or None
        What is in which split, where the source does not say so.
    counts : dict of str to int
        Images of each split.
    split : {"train", "validation", "test"}
    noise : Noise
        What is drawn, from clean images; if it is none that can be drawn, the stored noisy ones
        are taken.
    label : tuple of str
        Of the noise's random numbers.
    crop : int, optional
        Pixels of a side, in the middle. None: all.
    """
    clean, noisy = [], []
    for index in map(int, splits.of_source(source, which, counts, "shuffled", seed=0)[split]):
        window = store.WHOLE if crop is None else _middle(source.shapes[index], crop)
        clean.append(source.unit("clean", index, window))
        if noise.is_model:
            noisy.append(noise.corrupt(clean[-1], rng_for(0, *label, split, str(index))))
        else:
            noisy.append(source.unit("noisy", index, window))
    return Split(clean, noisy)


def _middle(shape: np.ndarray, crop: int) -> store.Window:
    top, left = ((int(side) - crop) // 2 for side in shape[:2])
    return slice(top, top + crop), slice(left, left + crop)
