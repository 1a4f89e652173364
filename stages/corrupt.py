"""One noisy dataset: clean images of each split and their noisy versions."""

from functools import partial

import numpy as np

from denoising.data import datasets
from denoising.files import write_arrays
from denoising.noise.models import at_rails
from denoising.sources import mnist
from stages.shared import command, layout

NOTICEABLE = 0.01  # share of pixels, and of the range of pixel values


def main(params, name):
    settings = params.corrupt_settings(name)
    train, test = mnist.read(layout.RAW)
    dataset = settings.dataset
    splits = datasets.split_images(train, test, settings.images, dataset.selection, settings.seed)
    for split, clean in splits.items():
        bar = partial(command.progress, label=f"{name}/{split}")
        noisy = datasets.corrupt(clean, dataset.noise, settings.seed, name, split, bar)
        write_arrays(
            layout.dataset_file(name, split), clean=clean, noisy=noisy, split=np.array(split)
        )
        command.say(f"{name}/{split}: {len(clean)} images, {len(noisy)} noisy version(s) of each")
        if split == "train":
            _warn(name, dataset.noise, noisy)


def _warn(name, noise, noisy):
    """Say so where noisy images, taken as targets, would teach something else than clean ones."""
    black, white = noise.mean(np.array([0.0, 1.0]))
    at_black, at_white = at_rails(noisy)
    if at_black + at_white > NOTICEABLE and max(abs(black), abs(1 - white)) > NOTICEABLE:
        command.say(
            f"warning: {name}: {at_black:.0%} of the noisy pixels lie at 0 and {at_white:.0%} at 1: the noise moves the "
            f"mean of a black pixel to {black:.3f} and of a white one to {white:.3f}. Squared error against noisy targets "
            "teaches these means; a row under `debiased` takes them back (docs/why-noise2noise.md)"
        )


if __name__ == "__main__":
    command.run("corrupt", main, "dataset")
