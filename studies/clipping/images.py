"""The clean images of the study: digits, digits of low contrast, and patches of photographs."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from skimage import color, data, measure, util

from denoising.data import splits
from denoising.data.store import Store
from denoising.data.streams import rng_for

PHOTOGRAPHS = {  # those that scikit-image brings along; no test photograph is trained on
    "train": (
        "astronaut",
        "brick",
        "cat",
        "coins",
        "gravel",
        "hubble_deep_field",
        "immunohistochemistry",
        "moon",
        "retina",
    ),
    "test": ("camera", "coffee", "grass", "rocket"),
}
SIZE = 28  # pixels, as digits
SHRINK = 2  # photographs are reduced by this factor first: their finest scale is smooth

Splits = dict[str, np.ndarray]


def digits(folder: Path, counts: Mapping[str, int]) -> Splits:
    """MNIST's images, (N, 28, 28, 1) uint8 by split.

    Parameters
    ----------
    folder : Path
        Where the fetch stage keeps them.
    counts : dict of str to int
        Images wanted of each of "train", "validation", "test".
    """
    source = Store(folder)
    found = splits.of_source(source, None, counts, "first", seed=0)
    return {split: source.array("clean", places) for split, places in found.items()}


def low_contrast(digits: Splits, factor: float) -> Splits:
    """The same images between the greys 1/2 - 1/(2 factor) and 1/2 + 1/(2 factor)."""
    return {
        split: np.round(127.5 + (images - 127.5) / factor).astype(np.uint8)
        for split, images in digits.items()
    }


def natural(counts: Mapping[str, int]) -> Splits:
    """Patches at random places of grey photographs, (N, 28, 28, 1) uint8 by split."""
    found = {}
    for split, count in counts.items():
        photographs = [_grey(name) for name in PHOTOGRAPHS["test" if split == "test" else "train"]]
        rng = rng_for(0, "natural", split)
        patches = [_patch(photographs[index % len(photographs)], rng) for index in range(count)]
        found[split] = np.stack(patches)[..., np.newaxis]
    return found


def _grey(name: str) -> np.ndarray:
    image = getattr(data, name)()
    grey = color.rgb2gray(image) if image.ndim == 3 else util.img_as_float(image)
    return np.round(measure.block_reduce(grey, SHRINK, np.mean) * 255).astype(np.uint8)


def _patch(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    row, column = (rng.integers(length - SIZE + 1) for length in photograph.shape)
    return photograph[row : row + SIZE, column : column + SIZE]
