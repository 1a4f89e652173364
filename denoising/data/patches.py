"""Patches of images, cut at random places while a network is trained."""

from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from denoising.data.image_sets import ImageSet
from denoising.data.streams import rng_for
from denoising.sections import Section

_Count = Annotated[int, Field(ge=1, le=1_000_000_000)]


class Patches(Section):
    """How a run cuts patches out of its images; an epoch is a number of them."""

    size: int = Field(ge=4, le=4096)  # pixels, of a side
    per_epoch: _Count
    validation: _Count  # patches of the validation images, the same in every epoch
    flips: bool  # each in one of eight orientations: flipped, turned by quarters


class Places(NamedTuple):
    """Where patches lie: arrays (N,) of int.

    Attributes
    ----------
    image, top, left : ndarray
    orientation : ndarray
        0 to 7: quarter turns, and from 4 on flipped as well.
    """

    image: np.ndarray
    top: np.ndarray
    left: np.ndarray
    orientation: np.ndarray


def places(images: ImageSet, patches: Patches, count: int, rng: np.random.Generator) -> Places:
    """Random places: every place of every image is as likely as any other."""
    heights, widths = (np.maximum(images.shapes[:, :2] - patches.size, 0) + 1).T
    cumulative = np.cumsum(heights.astype(np.float64) * widths)
    drawn = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    image = np.minimum(drawn, len(images) - 1)
    top = rng.integers(heights[image])
    left = rng.integers(widths[image])
    orientation = rng.integers(8, size=count)
    return Places(image, top, left, orientation if patches.flips else np.zeros_like(orientation))


class Cut(NamedTuple):
    """Patches.

    Attributes
    ----------
    clean : ndarray (N, S, S, C) float32, or None
    noisy : ndarray (D, N, S, S, C) float32
    """

    clean: np.ndarray | None
    noisy: np.ndarray


def cut(
    images: ImageSet,
    patches: Patches,
    where: Places,
    part: slice,
    versions: int,
    clean: bool,
    epoch: int | None = None,
) -> Cut:
    """Some of the patches at these places. An image that is too small is mirrored at its border.

    Parameters
    ----------
    part : slice
        Which of the places.
    versions : int
        Noisy versions wanted.
    clean : bool
        Are clean patches wanted?
    epoch : int, optional
        Noise is drawn anew for it. None: noise is the same in every epoch.
    """
    numbers = range(*part.indices(len(where.image)))
    shape = (len(numbers), patches.size, patches.size, images.channels)
    targets = np.empty(shape, np.float32) if clean else None
    noisy = np.empty((versions, *shape), np.float32)
    for place, number in enumerate(numbers):
        image, top, left, orientation = (int(axis[number]) for axis in where)
        window = (slice(top, top + patches.size), slice(left, left + patches.size))
        anew = epoch is not None and images.noise is not None
        original = images.clean(image, window) if clean or anew else None
        if targets is not None:
            targets[place] = _fitted(original, patches.size, orientation)
        for version in range(versions):
            if anew:
                one = images.noisy_anew(image, original, version, epoch, number)  # type: ignore[arg-type]
            else:
                one = images.noisy(image, version, window)
            noisy[version, place] = _fitted(one, patches.size, orientation)
    return Cut(targets, noisy)


def _fitted(patch: np.ndarray | None, size: int, orientation: int) -> np.ndarray:
    """(h, w, C) -> (size, size, C), in its orientation."""
    assert patch is not None
    height, width = patch.shape[:2]
    if height < size or width < size:
        patch = np.pad(patch, [(0, size - height), (0, size - width), (0, 0)], mode="symmetric")
    patch = np.rot90(patch, orientation % 4)
    return patch[:, ::-1] if orientation >= 4 else patch


def validation(
    images: ImageSet, patches: Patches, seed: int, stream: str, versions: int, clean: bool
) -> Cut:
    """The patches that validate: the same for all runs of a seed and stream."""
    rng = rng_for(seed, stream, "validation")
    where = places(images, patches.model_copy(update={"flips": False}), patches.validation, rng)
    return cut(images, patches, where, slice(None), versions, clean)
