"""What is done in a cell: what it was chosen to be, what it learns from, and the learning."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from denoising.evaluation import filters
from denoising.files import read_json
from denoising.methods.base import Assumption
from denoising.noise.base import Noise
from denoising.sections import read_kind
from denoising.training.examples import Arrays
from studies.decision import images
from studies.decision.settings import Cell, Settings, chosen_file
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


def chosen(name: str) -> Chosen:
    """What is done in a cell, as it was chosen."""
    kept = read_json(chosen_file(name), *Chosen._fields)
    return Chosen(**{key: kept[key] for key in Chosen._fields})


def data_of(settings: Settings, cell: Cell, one: Chosen) -> Arrays:
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


def filtered(one: Chosen) -> images.Denoise:
    """What a filter makes of an image."""
    return one.corrects(images.whole(filters.read(one.section, one.name)))


def trained(
    settings: Settings,
    cell: Cell,
    one: Chosen,
    data: Arrays,
    seed: int,
    log: Callable[[str], object] = str,
) -> images.Denoise:
    """What a network makes of an image, when it has learned; log takes a line after each epoch."""
    from denoising.inference import tiles

    of_set = settings.images[cell.images]
    learner = Learner(of_set.networks, settings.optimizer, of_set.work, settings.precision)
    method = read_kind("methods", one.section, "method")
    model = learner.learn(one.network, method, one.told, data, seed, log)
    predict = tiles.predictor(model)
    return one.corrects(lambda image: tiles.denoise(model, image, predict))
