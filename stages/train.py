"""One run: a network trained on one dataset with one kind of target."""

import hashlib

import pandas as pd

from denoising import networks as models
from denoising.compute import backend, tuning
from denoising.data import datasets
from denoising.files import sha256, write_json, write_text
from denoising.inference import model_files as saving
from denoising.training import fit as training
from stages.shared import command, layout, outputs


def main(params, name):
    settings = params.train_settings(name)
    settings = settings.model_copy(
        update={"precision": backend.resolve_precision(settings.precision)}
    )
    files = {
        split: layout.dataset_file(settings.run.data, split) for split in ("train", "validation")
    }
    train, validation = (datasets.read(file, split) for split, file in files.items())
    digests = {split: sha256(file) for split, file in files.items()}
    backend.prepare(0)
    by_fft = _convolutions(settings, train[0].shape[1:])
    checkpoint = _checkpoint(name, training.digest(settings, by_fft, digests))
    environment = backend.description()
    through = f", {', '.join(by_fft)} through spectra" if by_fft else ""
    command.say(
        f"{name}: {settings.run.model} on {environment['device_name']}, {settings.precision}{through}"
    )

    model, curve, seconds = training.train(
        settings, train, validation, checkpoint, by_fft, log=command.say
    )

    problem = None
    if (
        settings.run.loss == "mse"
    ):  # others do not learn the mean of noisy targets; evaluate.py looks at clean images
        problem = training.collapse(curve, *datasets.pairs(*validation, settings.run.target))
    if problem:
        command.say(f"\n*** {name} COLLAPSED: {problem} ***\n")
    saving.save(model, layout.model_file(name))
    write_text(layout.curve_file(name), pd.DataFrame(curve).to_csv(index=False))
    provenance = {
        "settings": settings.model_dump(),
        "convolutions_by_fft": by_fft,
        "data_sha256": digests,
        "train_images": len(train[0]),
        "parameters": model.count_params(),
        "collapsed": bool(problem),
        "environment": environment,
    }
    write_json(layout.provenance_file(name), provenance)
    model_sha256 = sha256(layout.model_file(name))
    outputs.write_log("train", name, model_sha256=model_sha256, seconds=round(seconds, 1))
    write_text(_finished(checkpoint), hashlib.md5(layout.model_file(name).read_bytes()).hexdigest())


def _convolutions(settings, shape):
    network = models.build(settings.run.model, settings.network)
    return tuning.choose(
        settings.convolution,
        network,
        shape,
        settings.batch_size,
        settings.precision,
        "training",
        log=command.say,
    )


def _checkpoint(name, key):
    """Where this training's checkpoint lies; those of settings that were given up are removed.

    A finished training's checkpoint stays until DVC has recorded its model: whoever is killed before that, nothing is
    learned twice. Once it is recorded, to train again means to train.
    """
    path = layout.CHECKPOINTS / f"{name}-{key}.npz"
    for file in layout.CHECKPOINTS.glob(f"*{name}-*"):
        if file.name.lstrip(".").startswith(f"{name}-") and file not in (path, _finished(path)):
            file.unlink()
    if (
        _finished(path).is_file()
        and layout.LOCK.is_file()
        and _finished(path).read_text() in layout.LOCK.read_text()
    ):
        path.unlink(missing_ok=True)
        _finished(path).unlink()
    return path


def _finished(checkpoint):
    """Holds the MD5, DVC's name for content, of the model that a finished training wrote."""
    return checkpoint.with_suffix(".md5")


if __name__ == "__main__":
    command.run("train", main, "run")
