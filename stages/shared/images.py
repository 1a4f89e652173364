"""The images of a dataset's split, of either kind: kept as arrays, or in their source's store."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from denoising.data import datasets, image_sets
from denoising.data.image_sets import ImageSet
from denoising.data.store import Store
from denoising.files import InputError, read_json
from denoising.noise.base import Noise
from denoising.sections import read_kind
from stages.shared import layout

_LARGEST_EXAMPLE = 256  # pixels, of a side


def noise_of(dataset: str) -> tuple[Noise, dict[str, Any]]:
    """The noise of a dataset, and all that is known of it."""
    path = layout.noise_file(dataset)
    about = read_json(path, "noise", "redraw")
    return read_kind("noise", about["noise"], str(path)), about


def is_image_set(dataset: str, split: str) -> bool:
    """Do the images of a split stay in their source's store?"""
    return image_sets.is_one(layout.dataset_file(dataset, split))


def image_set(dataset: str, split: str) -> ImageSet:
    """The images of a split that stay in their source's store.

    Raises
    ------
    InputError
        If they are not those that the dataset was made of.
    """
    path = layout.dataset_file(dataset, split)
    source, about = image_sets.about(path)
    noise = read_kind("noise", about["noise"], str(path))
    store = Store(layout.source_folder(source))
    drawn = noise if noise.is_model else None
    return image_sets.read(path, split, store, drawn, about["seed"], about["stream"])


@dataclasses.dataclass(frozen=True)
class TestImages:
    """Test images in groups of one size: arrays at once, images of a store one by one.

    Attributes
    ----------
    shape : tuple (height, width, channels)
        Of the largest group.
    count : int
    any_size : bool
        Do they come from a store?
    crop : tuple (height, width), optional
        Of the examples to keep; None: whole images.
    second_shots : bool
        Are there no clean images, but second noisy shots in their place?
    """

    dataset: str
    shape: tuple[int, int, int]
    count: int
    any_size: bool
    crop: tuple[int, int] | None
    second_shots: bool = False

    def groups(self) -> Iterator[tuple[np.ndarray, np.ndarray, str]]:
        """Clean images and noisy ones, (n, H, W, C) each, and which test set they are of."""
        if not self.any_size:
            clean, noisy = datasets.read(layout.dataset_file(self.dataset, "test"), "test")
            yield clean, noisy[datasets.INPUT], ""
            return
        images = image_set(self.dataset, "test")
        for index in range(len(images)):
            part, found, _ = images.name(index).partition("/")
            truth = images.noisy(index, 1) if self.second_shots else images.clean(index)
            yield truth[None], images.noisy(index)[None], part if found else ""


def test_images(dataset: str, examples: int) -> TestImages:
    """The test images of a dataset, of which some are kept as examples."""
    if not is_image_set(dataset, "test"):
        clean, _ = datasets.read(layout.dataset_file(dataset, "test"), "test")
        return TestImages(dataset, clean.shape[1:], len(clean), any_size=False, crop=None)
    images = image_set(dataset, "test")
    if not images.has_clean and images.versions < 2:
        raise InputError(
            f"datasets.{dataset}: has neither clean images nor second shots to measure errors with"
        )
    largest = images.shapes[np.argmax(images.shapes[:, :2].prod(axis=1))]
    height, width = np.minimum(images.shapes[:examples, :2].min(axis=0), _LARGEST_EXAMPLE)
    crop = (int(height), int(width))
    shape = (int(largest[0]), int(largest[1]), int(largest[2]))
    return TestImages(dataset, shape, len(images), True, crop, not images.has_clean)
