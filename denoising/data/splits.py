"""Which images are trained on, which validate, which test."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from denoising.data.streams import rng_for
from denoising.files import InputError
from denoising.sections import ImageCount, Section

SPLITS = ("train", "validation", "test")
Selection = Literal["first", "shuffled"]


class Amount(Section):
    """How many images of each split a budget takes."""

    train_images: ImageCount
    validation_images: ImageCount
    test_images: ImageCount

    @property
    def by_split(self) -> dict[str, int]:
        """The counts by split."""
        return {split: getattr(self, f"{split}_images") for split in SPLITS}


def split_images(
    train: np.ndarray,
    test: np.ndarray,
    held_out: int,
    counts: Mapping[str, int],
    selection: Selection,
    seed: int,
) -> dict[str, np.ndarray]:
    """Clean images of each split.

    Parameters
    ----------
    train, test : ndarray (N, ...) uint8
        The source's own two sets.
    held_out : int
        How many images of `train` are for validation.
    counts : dict
        Images wanted of each of "train", "validation", "test".
    selection : {"first", "shuffled"}
        Which images of `train` are trained on: all but the last `held_out`, or as many drawn with
        `seed`.

    Returns
    -------
    dict of str to ndarray
        Fewer images than there are are taken at even distances. The first 5,000 of MNIST's test
        images come from other writers than the last 5,000 and are "cleaner and easier" (LeCun et
        al.), so its first thousand are not like the rest.

    Raises
    ------
    InputError
        If the source has fewer images than are wanted.
    """
    order = np.arange(len(train))
    if selection == "shuffled":
        order = rng_for(seed, "selection").permutation(order)
    trained = max(0, len(train) - held_out)
    pools = {"train": train[order[:trained]], "validation": train[order[trained:]], "test": test}
    return {split: _evenly(pools[split], counts[split], split) for split in SPLITS}


def _evenly(images: np.ndarray, count: int, split: str) -> np.ndarray:
    if count > len(images):
        raise InputError(f"{split}_images = {count}: the source has {len(images)}")
    return images[np.arange(count) * len(images) // count]
