"""The images of the cases, with their noise, and the stage that stores the sets they are of."""

from pathlib import Path
from typing import Any

from denoising.data import store
from denoising.noise.base import Noise
from denoising.sections import read_kind
from stages.shared import command
from studies.advice.settings import FILE, FOLDER, Settings, validate
from studies.images import Split, keep, read

STREAM = "advice"  # of the noise, and of the places of patches


def folder(name: str) -> Path:
    """Where a set of images is stored."""
    return FOLDER / "images" / name


def of_case(settings: Settings, name: str, split: str) -> Split:
    """Images of a case, the noise drawn once."""
    case, images = settings.case(name)
    counts = {
        part: max(1, round(settings.work.share * count))
        for part, count in (("train", images.train_images), ("test", images.test_images))
    } | {"validation": 1}
    noise: Noise = read_kind("noise", case.noise, f"cases.{name}.noise")
    return read(
        store.Store(folder(case.images)),
        images.split,
        counts,
        split,
        noise,
        (STREAM, name),
        images.crop if split == "test" else None,
    )


def main(content: dict[str, Any], name: str) -> None:
    """Store a set of images."""
    section = validate(content).images[name].source
    keep(section, f"images.{name}.source", folder(name))


if __name__ == "__main__":
    command.run("studies.advice.images", main, "set", path=FILE, check=validate)
