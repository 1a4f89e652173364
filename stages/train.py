"""One run: a network trained on one dataset by one method."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import psutil

from denoising.compute import kernels, ranks
from denoising.compute.plan import as_names
from denoising.data import datasets
from denoising.data.collapse import collapsed, constant_mse
from denoising.data.image_sets import ImageSet
from denoising.data.patches import Patches
from denoising.files import InputError, sha256, write_json, write_text
from denoising.methods.base import Given, Method
from denoising.sections import Section, kind, read_kind, validate
from denoising.training import fit
from denoising.training.checkpoints import Checkpoints, ReadOnly, code_of, digest
from denoising.training.examples import Arrays, Examples, PatchExamples
from stages.shared import command, images, layout, log, params


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run is asked for, before this machine decides how to compute it."""

    dataset: str
    network: str
    section: Section
    method: Method
    stream: str
    seed: int
    precision: str
    convolution: str
    optimizer: fit.Optimizer
    work: fit.Work
    patches: Patches | None
    stop: tuple[fit.Stop, ...]
    ranks: int


def settings(content: params.Content, name: str) -> Settings:
    """The sections of one run."""
    row, content = params.row(content, "runs", name), params.of_run(content, name)
    network = row["network"]
    section = params.row(content, "networks", network)
    cut = row.get("patches")
    work = params.pick(params.budget(content), *fit.Work.model_fields)
    return Settings(
        dataset=row["dataset"],
        network=network,
        section=validate(kind("networks", network), section, f"networks.{network}"),
        method=read_kind("methods", row["method"], f"runs.{name}.method"),
        stream=row.get("stream") or fit.STREAM,
        seed=content["seeds"]["training"],
        precision=content["precision"],
        convolution=content["convolution"],
        optimizer=validate(fit.Optimizer, content["optimizer"], "optimizer"),
        work=validate(fit.Work, work, f"budgets.{content['budget']}"),
        patches=validate(Patches, cut, f"runs.{name}.patches") if cut is not None else None,
        stop=tuple(validate(fit.Stop, one, f"runs.{name}.stop") for one in row.get("stop") or ()),
        ranks=row.get("ranks", 1),
    )


def main(content: params.Content, name: str) -> None:
    """Train one run. Of several ranks only the first writes what came of it."""
    chosen = settings(content, name)
    if ranks.count() != chosen.ranks:
        raise InputError(
            f"runs.{name}.ranks = {chosen.ranks}: so many processes train it together, which a "
            "cluster starts: make repro CLUSTER=local"
        )
    files = {split: layout.dataset_file(chosen.dataset, split) for split in ("train", "validation")}
    files["noise"] = layout.noise_file(chosen.dataset)
    data, about = _data(chosen, name)
    digests = {key: sha256(file) for key, file in files.items()}
    ancestors = _ancestors()
    kernels.choose(single_images=chosen.work.batch_size == 1)

    from denoising.compute import backend  # TensorFlow takes seconds: only when all is well
    from denoising.inference import model_files

    backend.prepare(0)
    asked = _resolved(chosen, about, data)
    environment = backend.description()
    key = digest(
        asked.dump(),
        code_of(chosen.network, asked.method.about["method"]),
        digests,
        environment["versions"],
    )
    checkpoints = Checkpoints(layout.CHECKPOINTS / name, key)
    store = checkpoints if ranks.own() == 0 else ReadOnly(checkpoints)
    precision = f"{asked.plan.precision}{as_names(asked.plan.by_fft)}"
    command.say(f"{name}: {chosen.network} on {environment['device_name']}, {precision}")
    try:
        model, curve, seconds = fit.fit(
            asked, data, store, log=lambda line: command.say(f"{name}: {line}")
        )
    except InputError as error:
        found = InputError(f"{name}: {error}")
        ranks.refuse(found)
        raise found from None
    if ranks.own() > 0:
        return

    problem = _problem(asked, curve[-1], data)
    if problem:
        command.say(f"\n*** {name} COLLAPSED: {problem} ***\n")
    model_files.save(model, layout.model_file(name))
    write_text(layout.curve_file(name), pd.DataFrame(curve).to_csv(index=False))
    model_sha256 = sha256(layout.model_file(name))
    provenance = {
        "model_sha256": model_sha256,
        "settings": asked.dump(),
        "method": asked.method.about,
        "data_sha256": {split: digests[split] for split in ("train", "validation")},
        "train_images": data.images,
        **({"images": about["images"]} if "images" in about else {}),
        "parameters": model.count_params(),
        "collapsed": bool(problem),
        "environment": environment,
    }
    write_json(layout.provenance_file(name), provenance)
    log.write_log("train", name, model_sha256=model_sha256, seconds=round(seconds, 1))
    # Who started this will record it. If that process is gone, its successor need not train again.
    if _ancestors() == ancestors:
        checkpoints.clear()


def _ancestors() -> list[int]:
    """Process ids of who started this: a shell, and the dvc that started the shell."""
    return [process.pid for process in psutil.Process().parents()[:2]]


def _data(chosen: Settings, name: str) -> tuple[Examples, dict[str, Any]]:
    """What is learned from, and what is known of its noise."""
    if images.is_image_set(chosen.dataset, "train"):
        training, validation = (
            images.image_set(chosen.dataset, split) for split in ("train", "validation")
        )
        noise, about = images.noise_of(chosen.dataset)
        anew = about["redraw"] == "every_epoch"
        return _patches(chosen, name, training, validation, anew), about | {"noise": noise}
    return _arrays(chosen, name)


def _arrays(chosen: Settings, name: str) -> tuple[Arrays, dict[str, Any]]:
    """Whole images of one size."""
    dataset = chosen.dataset
    if chosen.patches:
        raise InputError(
            f"runs.{name}.patches: are cut from images that are drawn: when_needed; "
            f"datasets.{dataset} has whole images"
        )
    training, validation = (
        datasets.read(layout.dataset_file(dataset, split), split)
        for split in ("train", "validation")
    )
    noise, about = images.noise_of(dataset)

    def redrawn(epoch: int) -> Any:
        return datasets.corrupt(training[0], noise, about["seed"], about["stream"], "train", epoch)

    anew = about["redraw"] == "every_epoch"
    return Arrays(training, validation, redrawn if anew else None), about | {"noise": noise}


def _patches(
    chosen: Settings, name: str, training: ImageSet, validation: ImageSet, anew: bool
) -> PatchExamples:
    """Patches of images, if they have what the method learns from."""
    method = chosen.method
    if chosen.patches is None:
        raise InputError(
            f"runs.{name}.patches: missing; datasets.{chosen.dataset} has images of any size"
        )
    if method.targets == "clean" and not training.has_clean:
        raise InputError(f"runs.{name}.method: datasets.{chosen.dataset} has no clean images")
    if method.versions > training.versions:
        raise InputError(
            f"runs.{name}.method: needs {method.versions} noisy versions of each image; "
            f"datasets.{chosen.dataset} has {training.versions}"
        )
    redraw = anew and training.noise is not None
    return PatchExamples(training, validation, chosen.patches, redraw, chosen.seed, chosen.stream)


def _resolved(chosen: Settings, about: dict[str, Any], data: Examples) -> fit.Settings:
    """The settings with what "auto" becomes on this machine."""
    from denoising.compute import tuning
    from denoising.networks import base as networks

    _, height, width, channels = data.shape
    outputs = chosen.method.outputs(channels)
    network = networks.build(chosen.network, chosen.section, channels, outputs)
    plan = tuning.plan(
        chosen.convolution,
        chosen.precision,
        network,
        (height, width),
        chosen.work.batch_size,
        "training",
        log=command.say,
    )
    return fit.Settings(
        network=chosen.network,
        section=chosen.section,
        method=chosen.method,
        noise=about["noise"],
        seed=chosen.seed,
        stream=chosen.stream,
        plan=plan,
        optimizer=chosen.optimizer,
        work=chosen.work,
        patches=chosen.patches,
        stop=chosen.stop,
        ranks=chosen.ranks,
    )


def _problem(asked: fit.Settings, last: dict[str, Any], data: Examples) -> str:
    """Why the finished training is worth nothing, as far as its held-out pairs tell."""
    if not asked.method.tells_error:  # evaluate.py looks at clean images
        return ""
    error = last["val_mse"]
    inputs, targets = data.held_out(asked.method, Given(asked.noise), np.random.default_rng(0))
    noisy = float(((inputs - targets) ** 2).mean(dtype="float64"))
    constant = constant_mse(targets)
    if not collapsed(error, noisy, constant):
        return ""
    return f"validation MSE {error:.5f}, noisy input {noisy:.5f}, constant image {constant:.5f}"


if __name__ == "__main__":
    command.run("train", main, "run")
