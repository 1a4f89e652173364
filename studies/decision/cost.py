"""What the cells cost on one machine: minutes of training, and seconds an image.

Errors may have been measured on several machines, busy or not; this is timed on one, idle, in ten
minutes: of each network the median of short epochs, but the first, which also compiles. Batches
are given as where patches are cut while a network learns: of arrays, epochs may end seconds late
(benchmarks/feeding.md).
"""

import time
from typing import Any

import numpy as np

from denoising.files import InputError, write_json
from denoising.methods.base import Given, Method
from denoising.training.examples import Arrays
from stages.shared import command
from studies.decision import cells, images
from studies.decision.cells import Chosen
from studies.decision.settings import COSTS, FILE, Cell, Settings, chosen_file, validate
from studies.images import Split

PIXELS = 1_200_000  # of an epoch: seconds
EPOCHS = 4
IMAGES = 3  # that are denoised, after a first one


def main(content: dict[str, Any]) -> None:
    """Time every cell that is chosen."""
    from denoising.compute import backend

    settings = validate(content)
    chosen = {name: cell for name, cell in settings.cells.items() if chosen_file(name).is_file()}
    if not chosen:
        raise InputError(f"{chosen_file('*')}: no cell is chosen; run `make study NAME=decision`")
    found: dict[str, dict[str, float]] = {}
    for name, cell in chosen.items():
        found[name] = _cost(settings, cell, cells.chosen(name))
        command.say(f"{name}: {found[name]}")
    about = {key: backend.description()[key] for key in ("device_name", "cores")}
    precision = backend.resolve_precision(settings.precision)
    write_json(COSTS, about | {"precision": precision, "cells": found})


class _Fed(Arrays):
    """Arrays that Keras is given in batches of ours."""

    def epoch(
        self, method: Method, given: Given, epoch: int, rng: np.random.Generator, batch_size: int
    ) -> dict[str, Any]:
        """See `Examples.epoch`."""
        from denoising.compute import backend

        whole = super().epoch(method, given, epoch, rng, batch_size)
        return {"x": backend.batches_of((whole["x"], whole["y"]), batch_size)}


def _cost(settings: Settings, cell: Cell, one: Chosen) -> dict[str, float]:
    test = images.of_set(settings, cell.images, "test")
    if not one.network:
        return {"seconds_an_image": _seconds(cells.filtered(one), test)}
    of_set = settings.images[cell.images]
    patches = max(of_set.work.batch_size, PIXELS // of_set.patch**2)
    work = of_set.work.model_copy(update={"epochs": EPOCHS})
    short = settings.changed(cell.images, patches=patches, work=work)
    data = _Fed(*cells.data_of(short, cell, one))
    ends: list[float] = []
    denoise = cells.trained(short, cell, one, data, 0, lambda _: ends.append(time.perf_counter()))
    epoch = float(np.median(np.diff(ends)))
    whole = epoch * of_set.patches / patches
    return {
        "minutes": round(whole * of_set.work.epochs / 60, 2),
        "seconds_an_image": _seconds(denoise, test),
    }


def _seconds(denoise: images.Denoise, test: Split) -> float:
    """Of one test image, once everything is compiled."""
    some = test.noisy[: IMAGES + 1]
    denoise(some[0])
    started = time.perf_counter()
    for image in some[1:]:
        denoise(image)
    return round((time.perf_counter() - started) / (len(some) - 1), 4)


if __name__ == "__main__":
    command.run("studies.decision.cost", main, path=FILE, check=validate)
