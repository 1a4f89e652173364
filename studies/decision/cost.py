"""What the cells cost on one machine: minutes of training, and seconds an image.

Errors may have been measured on several machines, busy or not; this is timed on one, idle, in a few
minutes: two short trainings of each network tell the time that each patch adds, and what remains.
"""

import time
from typing import Any

from denoising.files import InputError, write_json
from stages.shared import command
from studies.decision import cells, images
from studies.decision.cells import Chosen
from studies.decision.settings import COSTS, FILE, Cell, Settings, chosen_file, validate
from studies.images import Split

PATCHES = (320, 960)  # of the two trainings
IMAGES = 3  # that are denoised, after a first one


def main(content: dict[str, Any]) -> None:
    """Time every cell that is chosen."""
    from denoising.compute import backend

    settings = validate(content)
    found = {}
    for name, cell in settings.cells.items():
        if not chosen_file(name).is_file():
            continue
        found[name] = _cost(settings, cell, cells.chosen(name))
        command.say(f"{name}: {found[name]}")
    if not found:
        raise InputError(f"{chosen_file('*')}: no cell is chosen; run `make study NAME=decision`")
    about = {key: backend.description()[key] for key in ("device_name", "cores")}
    precision = backend.resolve_precision(settings.precision)
    write_json(COSTS, about | {"precision": precision, "cells": found})


def _cost(settings: Settings, cell: Cell, one: Chosen) -> dict[str, float]:
    test = images.of_set(settings, cell.images, "test")
    if not one.network:
        return {"seconds_an_image": _seconds(cells.filtered(one), test)}
    seconds = []
    for patches in PATCHES:
        short = settings.with_work(cell.images, patches)
        data = cells.data_of(short, cell, one)
        started = time.perf_counter()
        denoise = cells.trained(short, cell, one, data, seed=0)
        seconds.append(time.perf_counter() - started)
    of_set = settings.images[cell.images]
    seen = settings.amount(of_set.patches) * of_set.work.epochs
    each = (seconds[1] - seconds[0]) / (PATCHES[1] - PATCHES[0])
    minutes = (seconds[0] + each * (seen - PATCHES[0])) / 60
    return {"minutes": round(minutes, 2), "seconds_an_image": _seconds(denoise, test)}


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
