"""One noisy dataset: clean images of each split and their noisy versions."""

import dataclasses
import hashlib
import inspect
from functools import partial
from typing import Any

import numpy as np

from denoising.data import datasets, splits
from denoising.evaluation import targets
from denoising.files import write_json
from denoising.noise.base import Noise
from denoising.noise.clipping import clipped_share
from denoising.sections import read_kind, validate
from denoising.sources import files as source_files
from stages.shared import command, layout, params

NOTICEABLE = 0.01  # share of pixels, and of the range of pixel values


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a noisy dataset is made of."""

    options: datasets.DatasetOptions
    noise: Noise
    seed: int
    images: splits.Amount

    @property
    def stream(self) -> str:
        """The key of its random streams."""
        return self.options.stream or datasets.STREAM


def settings(content: params.Content, name: str) -> Settings:
    """The sections of one dataset."""
    row, path = params.row(content, "datasets", name), f"datasets.{name}"
    amount = params.pick(params.budget(content), *splits.Amount.model_fields)
    return Settings(
        options=validate(
            datasets.DatasetOptions, {key: row[key] for key in row if key != "noise"}, path
        ),
        noise=read_kind("noise", row["noise"], f"{path}.noise"),
        seed=content["seeds"]["data"],
        images=validate(splits.Amount, amount, f"budgets.{content['budget']}"),
    )


def main(content: params.Content, name: str) -> None:
    """Make one dataset."""
    chosen = settings(content, name)
    options, noise = chosen.options, chosen.noise
    source = source_files.read(layout.source_folder(options.source))
    counts = chosen.images.by_split
    found = splits.split_images(*source, counts, options.selection, chosen.seed)
    for split, clean in found.items():
        bar = partial(command.progress, label=f"{name}/{split}")
        noisy = datasets.corrupt(clean, noise, chosen.seed, chosen.stream, split, progress=bar)
        datasets.write(layout.dataset_file(name, split), clean, noisy, split)
        versions = f"{len(noisy)} noisy version{'s' if len(noisy) > 1 else ''} of each"
        command.say(f"{name}/{split}: {len(clean)} images, {versions}")
        if split == "train":
            measured = targets.measure(clean, noisy, noise)
            targets.write(layout.targets_file(name), measured)
            _warn(name, measured.mean[[0, -1]], clipped_share(noisy))
    write_json(layout.noise_file(name), _noise(chosen))


def _noise(chosen: Settings) -> dict[str, Any]:
    """What a training needs to know: it does not depend on params.yaml for the data it is given."""
    anew = chosen.options.redraw == "every_epoch"
    about: dict[str, Any] = {"noise": chosen.noise.model_dump(), "redraw": chosen.options.redraw}
    if anew:  # it then draws noise itself: from these streams, by this code
        code = inspect.getsource(inspect.getmodule(type(chosen.noise)))  # type: ignore[arg-type]
        about |= {
            "seed": chosen.seed,
            "stream": chosen.stream,
            "code_sha256": hashlib.sha256(code.encode()).hexdigest(),
        }
    return about


def _warn(name: str, means: np.ndarray, shares: tuple[float, float]) -> None:
    """Say so where noisy images, taken as targets, would teach something else than clean ones."""
    black, white = means
    at_black, at_white = shares
    if at_black + at_white > NOTICEABLE and max(abs(black), abs(1 - white)) > NOTICEABLE:
        command.say(
            f"warning: {name}: {at_black:.0%} of the noisy pixels lie at 0 and {at_white:.0%} at "
            f"1: the noise moves the mean of a black pixel to {black:.3f} and of a white one to "
            f"{white:.3f}. Squared error against noisy targets teaches these means; a row under "
            "`debiased` takes them back (docs/why-noise2noise.md)"
        )


if __name__ == "__main__":
    command.run("corrupt", main, "dataset")
