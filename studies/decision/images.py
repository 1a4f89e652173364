"""The images of the table, stored once, and errors of what denoises them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from denoising.data import store
from denoising.data.streams import rng_for
from denoising.evaluation import metrics
from denoising.noise.base import Noise
from denoising.sections import read_kind
from stages.shared import command
from studies.decision.settings import FILE, FOLDER, Settings, validate
from studies.images import Split, keep, read

STREAM = "decision"  # of the noise, and of the places of patches

Denoise = Callable[[np.ndarray], np.ndarray]  # of one image (H, W, C)


def folder(name: str) -> Path:
    """Where a set of images is stored."""
    return FOLDER / "images" / name


def noise_of(settings: Settings, name: str) -> Noise:
    """The noise of a set of images, as it is drawn."""
    found: Noise = read_kind("noise", settings.images[name].noise, f"images.{name}.noise")
    return found


def of_set(settings: Settings, name: str, split: str) -> Split:
    """Images of a set, the noise drawn once."""
    images = settings.images[name]
    counts = {
        part: settings.amount(getattr(images, f"{part}_images"))
        for part in ("train", "validation", "test")
    }
    source, noise = store.Store(folder(name)), noise_of(settings, name)
    return read(source, images.split, counts, split, noise, (STREAM, name))


def drawn_again(clean: list[np.ndarray], noise: Noise, *label: str) -> list[np.ndarray]:
    """Noisy images of clean ones, with other noise."""
    return [
        noise.corrupt(one, rng_for(0, STREAM, *label, str(index)))
        for index, one in enumerate(clean)
    ]


def second_shots(settings: Settings, name: str, first: Split) -> list[np.ndarray]:
    """Another noisy version of each image."""
    return drawn_again(first.clean, noise_of(settings, name), name, "second")


def whole(by: Callable[[np.ndarray], np.ndarray]) -> Denoise:
    """A filter of images (N, H, W, C) as one of an image."""
    return lambda image: by(image[np.newaxis])[0]


def errors(denoise: Denoise, images: Split) -> dict[str, float]:
    """The means over images of MSE and PSNR in dB, predictions cut to [0, 1]."""
    mse = [
        metrics.mse_per_image(np.clip(denoise(noisy), 0, 1)[np.newaxis], clean[np.newaxis])[0]
        for clean, noisy in zip(*images, strict=True)
    ]
    return {"mse": float(np.mean(mse)), "psnr": float(np.mean(metrics.psnr(mse)))}


def main(content: dict[str, Any], name: str) -> None:
    """Store a set of images."""
    section = validate(content).images[name].source
    keep(section, f"images.{name}.source", folder(name))


if __name__ == "__main__":
    command.run("studies.decision.images", main, "set", path=FILE, check=validate)
