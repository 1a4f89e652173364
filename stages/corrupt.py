"""One noisy dataset: clean images of each split and their noisy versions."""

from functools import partial

import numpy as np

from denoising import datasets, mnist
from denoising.files import write_arrays
from stages import command, layout


def main(params, name):
    settings = params.corrupt_settings(name)
    train, test = mnist.read(layout.RAW)
    dataset = settings.dataset
    splits = datasets.split_images(train, test, settings.images, dataset.selection, settings.seed)
    for split, clean in splits.items():
        bar = partial(command.progress, label=f"{name}/{split}")
        noisy = datasets.corrupt(clean, dataset.noise, settings.seed, name, split, bar)
        write_arrays(layout.dataset_file(name, split), clean=clean, noisy=noisy, split=np.array(split))
        command.say(f"{name}/{split}: {len(clean)} images, {len(noisy)} noisy version(s) of each")


if __name__ == "__main__":
    command.run("corrupt", main, "dataset")
