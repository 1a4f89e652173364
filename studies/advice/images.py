"""The images of the cases, with their noise, and the stage that stores the sets they are of."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from denoising.data import splits, store
from denoising.data.streams import rng_for
from denoising.noise.base import Noise
from denoising.sections import read_kind
from stages.shared import command, layout
from studies.advice.settings import FILE, FOLDER, Images, Settings, validate

STREAM = "advice"  # of the noise, and of the places of patches


class Split(NamedTuple):
    """Images of a split, on the scale [0, 1].

    Attributes
    ----------
    clean, noisy : list of ndarray (H, W, C) float32
    """

    clean: list[np.ndarray]
    noisy: list[np.ndarray]

    def patches(self, size: int, count: int, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Clean and noisy patches at random places, (N, size, size, C)."""
        rng = rng_for(0, STREAM, name)
        found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for index in rng.integers(len(self.clean), size=count):
            corner = [int(rng.integers(side - size + 1)) for side in self.clean[index].shape[:2]]
            window = tuple(slice(start, start + size) for start in corner)
            for kept, images in zip(found, self, strict=True):
                kept.append(images[index][window])
        return np.stack(found[0]), np.stack(found[1])


def folder(name: str) -> Path:
    """Where a set of images is stored."""
    return FOLDER / "images" / name


def of_case(settings: Settings, name: str, split: str) -> Split:
    """Images of a case, the noise drawn once."""
    case, images = settings.case(name)
    source = store.Store(folder(case.images))
    counts = {
        part: max(1, round(settings.work.share * count))
        for part, count in (("train", images.train_images), ("test", images.test_images))
    } | {"validation": 1}
    places = splits.of_source(source, images.split, counts, "shuffled", seed=0)[split]
    noise: Noise = read_kind("noise", case.noise, f"cases.{name}.noise")
    clean, noisy = [], []
    for index in map(int, places):
        window = _middle(source.shapes[index], images) if split == "test" else store.WHOLE
        clean.append(source.unit("clean", index, window))
        if noise.is_model:
            noisy.append(noise.corrupt(clean[-1], rng_for(0, STREAM, name, split, str(index))))
        else:
            noisy.append(source.unit("noisy", index, window))
    return Split(clean, noisy)


def _middle(shape: np.ndarray, images: Images) -> store.Window:
    top, left = ((int(side) - images.crop) // 2 for side in shape[:2])
    return slice(top, top + images.crop), slice(left, left + images.crop)


def main(content: dict[str, Any], name: str) -> None:
    """Store a set of images."""
    source = read_kind("sources", validate(content).images[name].source, f"images.{name}.source")
    catalogue = source.scan(layout.PROVIDED, layout.FETCHED, command.say)
    store.write(folder(name), catalogue, partial(command.progress, label=name))


if __name__ == "__main__":
    command.run("studies.advice.images", main, "set", path=FILE, check=validate)
