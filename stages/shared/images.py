"""The images of a dataset's split, of either kind: kept as arrays, or in their source's store."""

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np

from denoising.data import datasets, image_sets
from denoising.data.image_sets import ImageSet
from denoising.data.store import Store, Window
from denoising.files import read_json
from denoising.noise.base import Noise
from denoising.sections import read_kind
from stages.shared import layout

ALIGNED = 16  # rows, that bands begin at multiples of: networks pool by 16 at most
_BAND = 2**22  # pixels of an image that are evaluated at a time
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
    noise = set_noise(dataset, split)
    store = Store(layout.source_folder(source))
    drawn = noise if noise.is_model else None
    return image_sets.read(path, split, store, drawn, about["seed"], about["stream"])


def set_noise(dataset: str, split: str) -> Noise:
    """What is known of the noise of such images: drawn, or what they have already."""
    path = layout.dataset_file(dataset, split)
    _, about = image_sets.about(path)
    found: Noise = read_kind("noise", about["noise"], str(path))
    return found


class Group(NamedTuple):
    """Test images of one size, or a band of one.

    Attributes
    ----------
    truth : ndarray (n, H, W, C), or None
        What predictions are held against: see `TestImages.truth`.
    noisy : ndarray (n, h, W, C)
        With some rows more above and below a band, which denoisers want to see.
    rows : slice
        Those of `noisy` that are the band's.
    part : str
        Which test set they are of, where the names tell.
    goes_on : bool
        Is it a further band of the image before?
    third : ndarray (n, H, W, C), or None
        Third shots, where second ones are the truth.
    place : tuple (name, row)
        Of the image in its source, and of the band in the image.
    """

    truth: Any
    noisy: np.ndarray
    rows: slice
    part: str
    goes_on: bool
    third: np.ndarray | None = None
    place: tuple[str, int] = ("", 0)


@dataclasses.dataclass(frozen=True)
class TestImages:
    """Test images in groups of one size: arrays at once, images of a store one by one.

    Attributes
    ----------
    shape : tuple (height, width, channels)
        Of the largest image.
    count : int
    any_size : bool
        Do they come from a store?
    crop : tuple (height, width), optional
        Of the examples to keep; None: whole images.
    truth : {"clean", "second shots", "none"}
        Second shots are none where the noise is known to move the mean.
    """

    dataset: str
    shape: tuple[int, int, int]
    count: int
    any_size: bool
    crop: tuple[int, int] | None
    truth: Literal["clean", "second shots", "none"]

    def groups(self, margin: int, chosen: range | None = None) -> Iterator[Group]:
        """The images; large ones in bands, with `margin` rows more, a multiple of `ALIGNED`.

        Of images of any size only those that are chosen; None: all.
        """
        if not self.any_size:
            clean, noisy = datasets.read(layout.dataset_file(self.dataset, "test"), "test")
            yield Group(clean, noisy[datasets.INPUT], slice(None), "", goes_on=False)
            return
        images = image_set(self.dataset, "test")
        for index in range(len(images)) if chosen is None else chosen:
            part, found, _ = images.name(index).partition("/")
            height, width, _ = images.shapes[index]
            for start, stop in _bands(height, width):
                above, below = max(0, start - margin), min(height, stop + margin)
                window = (slice(start, stop), slice(None))
                has_third = self.truth == "second shots" and images.versions > 2
                yield Group(
                    truth=self._truth(images, index, window),
                    noisy=images.noisy(index, 0, (slice(above, below), slice(None)))[None],
                    rows=slice(start - above, stop - above),
                    part=part if found else "",
                    goes_on=start > 0,
                    third=images.noisy(index, 2, window)[None] if has_third else None,
                    place=(images.name(index), start),
                )

    def _truth(self, images: ImageSet, index: int, window: Window) -> np.ndarray | None:
        if self.truth == "none":
            return None
        if self.truth == "second shots":
            return images.noisy(index, 1, window)[None]
        return images.clean(index, window)[None]


def _bands(height: int, width: int) -> Iterator[tuple[int, int]]:
    """First row of each band of an image, and the row after its last."""
    rows = max(_LARGEST_EXAMPLE, _BAND // width // ALIGNED * ALIGNED)
    for start in range(0, height, rows):
        yield start, min(start + rows, height)


def test_images(dataset: str, examples: int) -> TestImages:
    """The test images of a dataset, of which some are kept as examples."""
    if not is_image_set(dataset, "test"):
        clean, _ = datasets.read(layout.dataset_file(dataset, "test"), "test")
        height, width, channels = clean.shape[1:]
        return TestImages(dataset, (height, width, channels), len(clean), False, None, "clean")
    images = image_set(dataset, "test")
    largest = images.shapes[np.argmax(images.shapes[:, :2].prod(axis=1))]
    height, width = np.minimum(images.shapes[:examples, :2].min(axis=0), _LARGEST_EXAMPLE)
    shape = (int(largest[0]), int(largest[1]), int(largest[2]))
    crop = (int(height), int(width))
    truth: Any = "clean" if images.has_clean else "none"
    if truth == "none" and images.versions > 1 and set_noise(dataset, "test").keeps_mean:
        truth = "second shots"
    return TestImages(dataset, shape, len(images), True, crop, truth)
