"""One dataset: which images of its source each split has, and their noisy versions."""

import contextlib
import dataclasses
import hashlib
import inspect
from functools import partial
from typing import Any

import numpy as np

from denoising.data import datasets, image_sets, splits
from denoising.data.image_sets import ImageSet
from denoising.data.leaks import check_no_leak
from denoising.data.store import Store
from denoising.evaluation import targets
from denoising.files import InputError, write_json
from denoising.noise.base import Noise
from denoising.noise.clipping import clipped_share
from denoising.noise.estimate import estimated_sigma
from denoising.sections import read_kind, validate
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
    source = Store(layout.source_folder(chosen.options.source))
    found = _split(chosen, source)
    if chosen.options.drawn == "in_advance":
        _write_arrays(name, chosen, source, found)
        seen = {}
    else:
        seen = {"images": _write_image_sets(name, chosen, source, found)}
    write_json(layout.noise_file(name), _noise(chosen) | seen)


def _split(chosen: Settings, source: Store) -> dict[str, np.ndarray]:
    """Places in the source of each split's images."""
    options = chosen.options
    found = splits.of_source(
        source, options.split, chosen.images.by_split, options.selection, chosen.seed
    )
    check_no_leak(source, found)
    return found


def _write_arrays(name: str, chosen: Settings, source: Store, found: dict[str, np.ndarray]) -> None:
    """Noisy versions of all images, drawn now and kept."""
    if source.roles != ["clean"] or source.dtype != np.uint8 or not chosen.noise.is_model:
        raise InputError(
            f"datasets.{name}.drawn = 'in_advance': is for clean 8-bit images; source "
            f"{chosen.options.source} has {' and '.join(source.roles)} ones of {source.dtype}: "
            "should be when_needed"
        )
    source.check()
    for split, places in found.items():
        clean = source.array("clean", places)
        bar = partial(command.progress, label=f"{name}/{split}")
        noisy = datasets.corrupt(
            clean, chosen.noise, chosen.seed, chosen.stream, split, progress=bar
        )
        datasets.write(layout.dataset_file(name, split), clean, noisy, split)
        versions = f"{len(noisy)} noisy version{'s' if len(noisy) > 1 else ''} of each"
        command.say(f"{name}/{split}: {len(clean)} images, {versions}")
        if split == "train":
            measured = targets.measure(clean, noisy, chosen.noise)
            targets.write(layout.targets_file(name), measured)
            _warn(name, measured.mean[[0, -1]], clipped_share(noisy))


def _write_image_sets(
    name: str, chosen: Settings, source: Store, found: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Which images each split has; their noise is drawn where it is needed.

    Returns what a network that is trained on them has seen, to be told from other images.
    """
    noise = chosen.noise if chosen.noise.is_model else None
    if ("noisy" in source.roles) == bool(noise):
        has = " and ".join(source.roles)
        wanted = "a noise model" if noise is None else "real"
        raise InputError(
            f"datasets.{name}.noise.name = {chosen.noise.model_dump()['name']!r}: source "
            f"{chosen.options.source} has {has} images; should be {wanted}"
        )
    for split, places in found.items():
        image_sets.write(layout.dataset_file(name, split), source, places, split, _noise(chosen))
        command.say(f"{name}/{split}: {len(places)} images{_sizes(source.shapes[places])}")
    images = ImageSet(source, found["train"], "train", noise, chosen.seed, chosen.stream)
    measured = targets.sample(images, chosen.noise)
    targets.write(layout.targets_file(name), measured)
    _warn(name, measured.mean[[0, -1]], measured.clipped_share)
    return {
        "dtype": source.dtype.name,
        "black": source.black,
        "white": source.white,
        "channels": source.channels,
        "noise_sigma": _sigma(images),
        "range": [float(measured.noisy_values.min()), float(measured.noisy_values.max())],
    }


def _sigma(images: ImageSet) -> float | None:
    """Median of the noise levels that are found in the images that `targets.sample` looks at."""
    found = []
    for index in targets.sampled(len(images)):
        with contextlib.suppress(InputError):  # too small to tell
            found.append(estimated_sigma(images.noisy(index, 0, targets.middle(images, index))))
    return round(float(np.median(found)), 6) if found else None


def _sizes(shapes: np.ndarray) -> str:
    """Height and width of images, as a log shows them."""
    (least_high, least_wide), (most_high, most_wide) = (
        shapes[:, :2].min(axis=0),
        shapes[:, :2].max(axis=0),
    )
    if (least_high, least_wide) == (most_high, most_wide):
        return f" of {most_high} x {most_wide} pixels"
    return f" of {least_high} .. {most_high} x {least_wide} .. {most_wide} pixels"


def _noise(chosen: Settings) -> dict[str, Any]:
    """What a training needs to know: it does not depend on params.yaml for the data it is given."""
    options = chosen.options
    anew, later = options.redraw == "every_epoch", options.drawn == "when_needed"
    about: dict[str, Any] = {"noise": chosen.noise.model_dump(), "redraw": options.redraw}
    if anew or later:  # it then draws noise itself: from these streams, by this code
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
