"""Which of the choices that the article leaves open move the error?

`python -m benchmarks.open_choices` measures:

1. The published DnCNN, trained by the article's full protocol: with its batch-norm averages taken
   anew, and after one more epoch, at the constant rate or at one that falls to zero. This starts
   where a whole training ends, so it shows for a tenth of the cost what is lost there.
2. CAE and CNN, which are cheap, with one choice at a time changed: a tenth of the article's work,
   but most of its steps, in smaller batches, since the seed alone decides after a tenth of the
   steps.

It needs the images that `make repro` fetches. Trainings of the second kind are rows of runs in
pipelines of their own, sweeps/open_choices_cae and sweeps/open_choices_cnn; with `--cluster
ADDRESS` they run side by side, as docs/cluster.md says. Measurements are rows of
benchmarks/open_choices.csv; what is there is not measured again (fifty minutes on two cores in
all). Writes benchmarks/open_choices.md.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import digits
from denoising.compute import backend, execution
from denoising.compute.backend import keras
from denoising.compute.plan import Plan
from denoising.data.store import to_unit
from denoising.data.streams import rng_for
from denoising.evaluation import metrics
from denoising.files import InputError, write_text
from denoising.inference import model_files
from denoising.inference import predict as inference
from denoising.methods.base import Given
from denoising.reporting.tables import pipes
from stages import corrupt, schema, train
from stages.shared import layout, params
from tools import folders
from tools.sweep_plan import Trial, with_trials

FOLDER = Path(__file__).parent
PUBLISHED = Path("results/article")
REDUCED = {  # of the article's budget
    "train_images": 10_000,
    "validation_images": 100,
    "epochs": 5,
    "batch_size": 16,
}
CHOICES: dict[str, dict[str, dict[str, Any]]] = {  # of a run: what is changed, by name
    "cae": {
        "as in params.yaml": {},
        "another training seed": {"seeds.training": 1},
        "learning rate falls to zero (cosine)": {"budgets.article.schedule": "cosine"},
        "noise drawn every epoch": {"datasets.gauss50.redraw": "every_epoch"},
        "shuffled choice of images": {"datasets.gauss50.selection": "shuffled"},
        "initialiser Glorot uniform": {"networks.cae.initializer": "glorot_uniform"},
        "output sigmoid, initialiser Glorot uniform": {
            "networks.cae.output_activation": "sigmoid",
            "networks.cae.initializer": "glorot_uniform",
        },
        "one convolution per level": {"networks.cae.convolutions_per_level": 1},
        "three convolutions per level": {"networks.cae.convolutions_per_level": 3},
    },
    "cnn": {
        "as in params.yaml": {},
        "another training seed": {"seeds.training": 1},
        "four convolutions": {"networks.cnn.depth": 4},
    },
}
AVERAGED = 50  # batches that batch-norm statistics are averaged over
CONTINUED = {
    "as trained": None,
    "one more epoch, constant rate": "constant",
    "one more epoch, rate falls to zero": "cosine",
}


def main(cluster: Sequence[str]) -> None:
    """Measure what is not there yet, and write the tables.

    Parameters
    ----------
    cluster : sequence of str
        See `folders.settle`.

    Raises
    ------
    InputError
        If there are rows of another machine, or a training fails.
    """
    file = FOLDER / "open_choices.csv"
    rows = pd.read_csv(file).to_dict("records") if file.is_file() else []

    def add(run: str, choice: str, errors: dict[str, Any]) -> None:
        rows.append({"run": run, "choice": choice, "device": device} | errors)
        refuse_others()
        print(rows[-1], flush=True)
        write_text(file, pd.DataFrame(rows).to_csv(index=False, float_format="%.6g"))

    def refuse_others() -> None:
        if foreign := [row for row in rows if row["device"] != device]:
            raise InputError(f"{file}: of another machine than {device}: {foreign[0]}")

    device = backend.device()[1]
    refuse_others()
    done = {(row["run"], row["choice"]) for row in rows}
    for choice, schedule in CONTINUED.items():
        if ("dncnn", choice) not in done:
            add("dncnn", choice, continued_dncnn(changed_parameters({}), schedule))
    for run, choices in CHOICES.items():
        missing = {
            choice: Trial(changes)
            for choice, changes in choices.items()
            if (run, choice) not in done
        }
        for choice, scores in trained(run, missing, cluster).items():
            add(run, choice, params.pick(scores, "mse", "device"))
    write_text(FOLDER / "open_choices.md", report(pd.DataFrame(rows)))
    print((FOLDER / "open_choices.md").read_text())


def trained(run: str, trials: Mapping[str, Trial], cluster: Sequence[str]) -> dict[str, Any]:
    """Metrics of each choice, all of them rows of a pipeline of their own."""
    if not trials:
        return {}
    folder, made = Path("sweeps") / f"open_choices_{run}", "by python -m benchmarks.open_choices"
    scores = folders.measured(folder, rows_of_runs(run, trials), cluster, made)
    return {choice: scores[trial.name] for choice, trial in trials.items()}


def rows_of_runs(run: str, trials: Mapping[str, Trial]) -> params.Content:
    """A params.yaml of these trials of a run alone, with the reduced amount of work."""
    reduced = {f"budgets.article.{key}": value for key, value in REDUCED.items()}
    return with_trials(changed_parameters(reduced), run, list(trials.values()))


def changed_parameters(changes: Mapping[str, Any]) -> params.Content:
    """params.yaml at the article's budget with some values, given by dotted names, changed."""
    content = params.read()
    for key, value in {"budget": "article", **changes}.items():
        *sections, name = key.split(".")
        place = content
        for section in sections:
            place = place[section]
        assert name in place, f"{key} is no parameter"
        place[name] = value
    schema.validate(content)
    return content


def continued_dncnn(content: params.Content, schedule: str | None) -> dict[str, float]:
    """MSE of the published DnCNN by its batch-norm averages, and by averages taken anew.

    Parameters
    ----------
    content : dict
        Of a valid params.yaml.
    schedule : {"constant", "cosine"}, optional
        Of the learning rate of one more epoch; None: as it was published.
    """
    chosen = train.settings(content, "dncnn")
    plan = Plan(backend.resolve_precision(chosen.precision))
    batch_size, rate = chosen.work.batch_size, chosen.work.learning_rate
    dataset = corrupt.settings(content, chosen.dataset)
    data = digits.arrays(dataset)
    order = rng_for(chosen.seed, "dncnn", "continued").permutation(len(data["train"][0]))
    clean, noisy = data["train"]
    given = Given(dataset.noise)
    inputs, targets = chosen.method.examples(clean[order], noisy[:, order], given, rng_for(0))
    assert isinstance(inputs, np.ndarray)
    backend.prepare(chosen.seed)
    model = model_files.load(PUBLISHED / layout.model_file("dncnn"))
    if schedule:
        if schedule == "cosine":
            rate = keras.optimizers.schedules.CosineDecay(rate, -(-len(inputs) // batch_size))
        model = execution.for_training(model, plan)
        model.compile(optimizer=keras.optimizers.Adam(rate), loss="mse")
        model.fit(inputs, targets, batch_size=batch_size, shuffle=False, verbose=2)

    def error() -> float:
        clean, noisy = data["test"]
        fast = execution.for_inference(model, plan)
        prediction = inference.denoise(fast, noisy[0], content["evaluation"]["batch_size"])
        return float(metrics.mse_per_image(prediction, to_unit(clean)).mean())

    model = execution.plain(model)
    before = error()
    average_anew(model, inputs, batch_size)
    return {"mse": before, "mse_averaged_anew": error()}


def average_anew(model: Any, inputs: np.ndarray, batch_size: int) -> None:
    """Set batch-norm averages to the plain mean over `AVERAGED` batches.

    Weights do not change, so a training would go on as before.

    References
    ----------
    Y. Wu, J. Johnson, "Rethinking 'Batch' in BatchNorm", arXiv:2105.07576 (2021), who recommend it.
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for batch in range(AVERAGED):
        for norm in norms:
            norm.momentum = batch / (batch + 1)
        images = inputs[batch * batch_size : (batch + 1) * batch_size]
        model(images.astype(np.float32), training=True)


def report(rows: pd.DataFrame) -> str:
    """Markdown: one table per run."""
    first = rows.iloc[0]
    text = [
        f"MSE over all 10,000 test images, on {first.device}. The learning rate is constant unless "
        "said otherwise. `change` is relative to the first row; the row of another seed says how "
        "much of it may be chance.",
    ]
    for run, group in rows.groupby("run", sort=False):
        base = group.mse.iloc[0]
        table = pd.DataFrame({"choice": group.choice})
        table["MSE"] = group.mse.map("{:.5f}".format)
        table["change"] = (group.mse / base - 1).map("{:+.1%}".format)
        if group.mse_averaged_anew.notna().all():
            table["batch-norm averages taken anew: MSE"] = group.mse_averaged_anew.map(
                "{:.5f}".format
            )
            table["change "] = (group.mse_averaged_anew / base - 1).map("{:+.1%}".format)
        amount = (
            "the network published in results/article (50,000 images, 10 epochs, batch 128)"
            if run == "dncnn"
            else f"{REDUCED['train_images']:,} images, {REDUCED['epochs']} epochs, "
            f"batch {REDUCED['batch_size']}"
        )
        text += [f"## {run}: {amount}", pipes(table)]
    return "\n\n".join(text) + "\n"


if __name__ == "__main__":
    folders.run(main)
