"""One run: a network trained on one dataset with one kind of target."""

from pathlib import Path

import pandas as pd

from denoising import backend, datasets, saving, training
from denoising.files import awaited, sha256, write_json, write_text
from stages import command, layout, outputs

CHECKPOINTS = Path(".checkpoints")


def main(params, name):
    settings = params.train_settings(name)
    settings = settings.model_copy(update={"precision": backend.resolve_precision(settings.precision)})
    files = {split: layout.dataset_file(settings.run.data, split) for split in ("train", "validation")}
    train, validation = (datasets.read(file, datasets.DRAWS[split]) for split, file in files.items())
    digests = {split: sha256(file) for split, file in files.items()}
    checkpoint = CHECKPOINTS / f"{name}-{training.digest(settings, digests)}.npz"
    environment = backend.description()
    command.say(f"{name}: {settings.run.model} on {environment['device_name']}, {settings.precision}")

    model, curve, seconds = training.train(settings, train, validation, checkpoint, log=command.say)

    problem = training.collapse(curve, *datasets.pairs(*validation, settings.run.target))
    if problem:
        command.say(f"\n*** {name} COLLAPSED: {problem} ***\n")
    saving.save(model, layout.model_file(name))
    write_text(layout.curve_file(name), pd.DataFrame(curve).to_csv(index=False))
    provenance = {
        "settings": settings.model_dump(),
        "data_sha256": digests,
        "train_images": len(train[0]),
        "parameters": model.count_params(),
        "collapsed": bool(problem),
        "environment": environment,
    }
    write_json(layout.provenance_file(name), provenance)
    model_sha256 = sha256(layout.model_file(name))
    outputs.write_log("train", name, model_sha256=model_sha256, seconds=round(seconds, 1))
    if awaited(layout.lock_file("train", name)):
        return  # its dvc was killed, and the next one waits to write the same files again: let it take the checkpoint
    for file in CHECKPOINTS.glob(f"{name}-*.npz"):  # this one's and those of settings that were given up
        file.unlink()


if __name__ == "__main__":
    command.run("train", main, "run")
