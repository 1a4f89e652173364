"""The clean images of the study: digits, digits in the middle of the range, and patches of photographs."""

import numpy as np
from skimage import color, data, measure, util

from denoising.data import datasets
from denoising.sources import mnist

PHOTOGRAPHS = {  # what scikit-image brings with it, and no test photograph is trained on
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


def digits(folder, counts):
    """MNIST's splits, (N, 28, 28) uint8 by name.

    Parameters
    ----------
    folder : path-like
        Of the two IDX files.
    counts : dict of str to int
        Images wanted of each of "train", "validation", "test".
    """
    return datasets.split_images(*mnist.read(folder), counts, "first", seed=0)


def squeezed(splits, factor):
    """The same images with less contrast: black becomes 1/2 - 1/(2 factor), white 1/2 + 1/(2 factor)."""
    return {
        name: np.round(127.5 + (images - 127.5) / factor).astype(np.uint8)
        for name, images in splits.items()
    }


def natural(counts):
    """Patches at random places of grey photographs, (N, 28, 28) uint8 by split."""
    splits = {}
    for split, count in counts.items():
        photographs = [_grey(name) for name in PHOTOGRAPHS["test" if split == "test" else "train"]]
        rng = datasets.rng_for(0, "natural", split)
        splits[split] = np.stack(
            [_patch(photographs[index % len(photographs)], rng) for index in range(count)]
        )
    return splits


def _grey(name):
    image = getattr(data, name)()
    grey = color.rgb2gray(image) if image.ndim == 3 else util.img_as_float(image)
    return np.round(measure.block_reduce(grey, SHRINK, np.mean) * 255).astype(np.uint8)


def _patch(photograph, rng):
    row, column = (rng.integers(length - SIZE + 1) for length in photograph.shape)
    return photograph[row : row + SIZE, column : column + SIZE]
