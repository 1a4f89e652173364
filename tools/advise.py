"""Look at the noise of someone's images and say what to train: make advise SOURCE=path/to/folder

Writes advice.md, advice.json and advice.png into the source's folder below own/. With RUN=yes the
advised rows are added to its params.yaml, the best two networks are trained within a time, and the
folder is denoised by the best row, which may be a filter's.
"""

import argparse
import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from denoising import cli
from denoising.advice import costs, figures, words
from denoising.advice.advise import Advice, advise
from denoising.advice.judge import Facts
from denoising.advice.look import look
from denoising.data.store import Store
from denoising.evaluation import filters
from denoising.files import InputError, read_json, write_json, write_text
from denoising.inference import jobs
from denoising.inference.files import Choices, FileDenoiser, WholePages
from denoising.middle import middle
from denoising.sections import read_kind, validate
from denoising.training import fit
from stages.shared import command, layout, params
from tools import folders, own, rows

LARGEST = 4096  # pixels of a side that are looked at, in the middle of an image


class _Images(Sequence[np.ndarray]):
    """The images of a store, read one by one."""

    def __init__(self, store: Store, role: str) -> None:
        self._store, self._role = store, role

    def __len__(self) -> int:
        return len(self._store)

    def __getitem__(self, index: Any) -> Any:
        window = middle(self._store.shapes[index], LARGEST)
        return self._store.unit(self._role, int(index), window)


def main(source: str, run: bool, minutes: float) -> None:
    """Give advice, and follow it if `run`.

    Raises
    ------
    InputError
        If there is no such source, if its images have no noise of their own, or a stage fails.
    """
    if not 0 < minutes < float("inf"):
        raise InputError(f"MINUTES={minutes:g}: should be greater than 0")
    folder, content = own.prepare(source, None)
    dataset, row = next(iter(content["datasets"].items()))
    stored = row["source"]
    if folders.repro(folder, f"fetch@{stored}"):
        raise InputError(f"{folder}: the images could not be stored, see above")
    store = Store(folder / layout.source_folder(stored))
    if "noisy" not in store.roles:
        raise InputError(
            f"SOURCE={source}: clean images, which have no noise to look at; "
            f"make repro SOURCE={source} trains on them"
        )
    command.say(f"{folder}: looking at the noise of {len(store)} images")
    advice = advise(_facts(store))
    # a params.yaml that was made before has not the networks of every method
    networks = params.parse(own.compose("noisy"), own.IMAGES)["networks"] | content["networks"]
    seconds = costs.measure(
        rows.trained(advice),
        read_kind("noise", advice.noise, "noise"),
        networks,
        validate(fit.Optimizer, content["optimizer"], "optimizer"),
        store.channels,
        log=command.say,
    )
    images = costs.measure_filters(
        [choice.candidate for choice in advice.fit], _Images(store, "noisy")[len(store) // 2]
    )
    spent = {"seconds_per_epoch": seconds, "seconds_per_image": images}
    write_json(folder / "advice.json", advice.to_json() | spent)
    text = words.text(source, advice, seconds, images, rows.text(dataset, advice))
    write_text(folder / "advice.md", text)
    figures.draw(advice, folder / "advice.png")
    print((folder / "advice.md").read_text())
    command.say(f"{folder / 'advice.md'}, advice.json, advice.png")
    if run:
        added = rows.add(folder / layout.PARAMS, dataset, advice, networks, seconds, minutes)
        own.main(source, rows.BUDGET)
        _denoise(folder, dataset, added, advice)


def _facts(store: Store) -> Facts:
    roles = set(store.roles)
    kind: Any = "noisy"
    if "second" in roles:
        kind = "shots"
    elif "clean" in roles:
        kind = "pairs"
    second = _Images(store, "second") if kind == "shots" else None
    return look(kind, int(store.shapes[:, :2].min()), _Images(store, "noisy"), second)


def _denoise(folder: Path, dataset: str, names: list[str], advice: Advice) -> None:
    """Denoise the images of a dataset's source with the best of some rows.

    The best is that of the smallest error, as far as errors can be told; else what was advised.
    """
    content = params.read(folder / layout.PARAMS)
    path = content["sources"][content["datasets"][dataset]["source"]].get("path")
    if not names or path is None:
        command.say("nothing is denoised: no row was added, or the source is no folder")
        return
    scores = {name: _error(read_json(folder / layout.metrics_file(name))) for name in names}
    if not all(map(math.isfinite, scores.values())):
        fit = advice.names  # a run that is corrected does not fit without
        scores = {name: fit.index(name) for name in names if name in fit}
    best = min(scores, key=scores.__getitem__)
    noisy = folder / Path(path).expanduser()
    noisy = noisy / "noisy" if (noisy / "noisy").is_dir() else noisy
    target = folder / "denoised"
    command.say(f"{best}: denoises {noisy} into {target}")
    noise = folder / layout.noise_file(dataset)
    if row := content["filters"].get(best):
        by = filters.read(row["filter"], f"filters.{best}")
        choices = Choices(correct=cli.correction(noise) if row.get("corrected") else None)
        found = jobs.jobs([noisy], target, None, command.say)
        failed = cli.through(
            lambda notes: FileDenoiser(WholePages(by), choices, None, notes), found
        )
    else:
        row = (content.get("debiased") or {}).get(best)
        model = folder / layout.model_file(row["run"] if row else best)
        command_line = [sys.executable, "-m", "denoising.cli", str(model), str(noisy)]
        command_line += ["--noise", str(noise)] if row else []
        failed = subprocess.run([*command_line, "--out", str(target)]).returncode
    if failed:
        raise InputError(f"{target}: could not be written as a whole, see above")


def _error(scores: dict[str, Any]) -> float:
    """The error, or its estimate; infinite where there is neither."""
    found = scores.get("mse", scores.get("estimated_mse"))
    return float("inf") if found is None else float(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tools.advise", description=__doc__.splitlines()[0]
    )
    parser.add_argument("source", help="a folder of noisy images, or the name of a public set")
    parser.add_argument("--run", action="store_true", help="follow the advice")
    parser.add_argument(
        "--minutes", type=float, default=15, help="that training may take (default: %(default)s)"
    )
    arguments = parser.parse_args()
    with command.errors_of_one_line("advise"):
        main(arguments.source, arguments.run, arguments.minutes)
