"""One cell of the table: the error on test images, for every seed, and what it costs."""

import time
from typing import Any, NamedTuple

import numpy as np

from denoising.evaluation import filters
from denoising.files import read_json, write_json
from denoising.methods.base import Assumption
from denoising.noise.base import Noise
from denoising.sections import read_kind
from denoising.training.examples import Arrays
from stages.shared import command
from studies.decision import images
from studies.decision.settings import (
    FILE,
    Cell,
    Settings,
    chosen_file,
    measured_file,
    validate,
)
from studies.images import Split
from studies.learning import Learner

HELD_OUT = 64  # patches, for the learning curve alone


class Chosen(NamedTuple):
    """What is done in a cell: see `denoising.advice.candidates.Candidate`; and the noise."""

    name: str
    section: dict[str, Any]
    network: str
    assumes: list[str]
    corrected: bool
    noise: dict[str, Any]

    @property
    def told(self) -> Noise:
        """The noise that a method is told, and that corrects means."""
        found: Noise = read_kind("noise", self.noise, "noise")
        return found

    def corrects(self, denoise: images.Denoise) -> images.Denoise:
        """What a denoiser gives, taken back through the mean of the noise if that is chosen."""
        if not self.corrected:
            return denoise
        noise = self.told
        return lambda image: noise.debias(denoise(image))


def main(content: dict[str, Any], name: str) -> None:
    """Measure one cell."""
    settings = validate(content)
    cell, _ = settings.cell(name)
    kept = read_json(chosen_file(name), *Chosen._fields)
    one = Chosen(**{key: kept[key] for key in Chosen._fields})
    test = images.of_set(settings, cell.images, "test")
    found = []
    if not one.network:
        by = filters.read(one.section, one.name)
        found.append(images.measured(one.corrects(images.whole(by)), test, minutes=0.0))
    else:
        data = _data(settings, cell, one)
        for seed in settings.seeds:
            started = time.perf_counter()
            denoise = _trained(settings, cell, one, data, seed)
            minutes = (time.perf_counter() - started) / 60
            found.append(images.measured(denoise, test, minutes))
            command.say(f"{name}: seed {seed}: {found[-1]['psnr']:.2f} dB, {minutes:.1f} minutes")
    about = one._asdict()
    del about["noise"]
    write_json(measured_file(name), about | {"seeds": found})


def _data(settings: Settings, cell: Cell, one: Chosen) -> Arrays:
    """Patches to learn from, as far as there is anything in the cell."""
    of_set = settings.images[cell.images]
    train = images.of_set(settings, cell.images, "train")
    parts = {"train": of_set.patches, "held out": HELD_OUT}

    def cut(split: Split) -> list[tuple[np.ndarray, np.ndarray]]:
        return [
            split.patches(of_set.patch, settings.amount(count), images.STREAM, name)
            for name, count in parts.items()
        ]

    clean = [patches for patches, _ in cut(train)]
    versions = [[patches] for _, patches in cut(train)]
    if cell.have == "shots":
        again = Split(train.clean, images.second_shots(settings, cell.images, train))
        for found, (_, patches) in zip(versions, cut(again), strict=True):
            found.append(patches)
    if Assumption.CLEAN not in one.assumes:
        clean = [np.zeros_like(patches) for patches in clean]  # nobody has them
    learning, held_out = (
        (patches, np.stack(found)) for patches, found in zip(clean, versions, strict=True)
    )
    if cell.have != "clean":
        return Arrays(learning, held_out)
    noise = images.noise_of(settings, cell.images)

    def redrawn(epoch: int) -> np.ndarray:
        label = (cell.images, f"epoch {epoch}")
        return np.stack(images.drawn_again([learning[0]], noise, *label))

    return Arrays(learning, held_out, redrawn)


def _trained(
    settings: Settings, cell: Cell, one: Chosen, data: Arrays, seed: int
) -> images.Denoise:
    """What a network makes of an image, when it has learned."""
    from denoising.inference import tiles

    of_set = settings.images[cell.images]
    learner = Learner(of_set.networks, settings.optimizer, of_set.work, settings.precision)
    method = read_kind("methods", one.section, "method")
    model = learner.learn(one.network, method, one.told, data, seed)
    predict = tiles.predictor(model)
    return one.corrects(lambda image: tiles.denoise(model, image, predict))


if __name__ == "__main__":
    command.run("studies.decision.measure", main, "cell", path=FILE, check=validate)
