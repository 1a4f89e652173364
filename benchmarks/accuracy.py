"""Does speed cost accuracy? The pipeline's way to compute beside plain Keras in float32, at the default budget, over seeds.

    python -m benchmarks.accuracy

Five seeds for CNN and CAE, three for DnCNN and Win5-RB. `fast` is what the pipeline does on this machine, `plain` is the
network as `denoising.models` builds it, float32, direct convolutions, Keras's own batch normalisation. Needs the data of
`make repro`. Every training is a row of benchmarks/accuracy.csv as soon as it is done; what is there is not trained again,
so the command can be stopped and goes on; for another budget or machine remove the file. Writes benchmarks/accuracy.md.
"""

import contextlib
import sys
import tempfile
from pathlib import Path
from unittest import mock

import pandas as pd
from scipy import stats

from denoising import backend, datasets, execution, inference, metrics, models, params, training, tuning
from denoising.files import write_text
from denoising.tables import pipes
from stages import layout, outputs

FOLDER = Path(__file__).parent
SEEDS = {"cnn": 5, "cae": 5, "dncnn": 3, "win5rb": 3}
WAYS = ("plain", "fast")


def main():
    file = FOLDER / "accuracy.csv"
    rows = pd.read_csv(file).to_dict("records") if file.is_file() else []
    settings = params.load()
    budget = settings.budgets[settings.budget].model_dump(include={"train_images", "epochs", "batch_size"})
    same = {"budget": settings.budget} | budget | {"device": backend.device()[1]}
    if foreign := [row for row in rows if any(row[key] != value for key, value in same.items())]:
        sys.exit(f"error: {file} has rows of another budget or machine, such as {foreign[0]}; now: {same}")
    for way in WAYS:
        for name, seeds in SEEDS.items():
            for seed in range(seeds):
                key = {"network": name, "way": way, "seed": seed}
                if not any(row | key == row for row in rows):
                    rows.append(key | train(settings, name, way, seed) | same | {"git_revision": outputs.git_revision()})
                    print(rows[-1], flush=True)
                    write_text(file, pd.DataFrame(rows).to_csv(index=False, float_format="%.8g"))
    write_text(FOLDER / "accuracy.md", report(pd.read_csv(file)))
    print((FOLDER / "accuracy.md").read_text())


def train(parameters, name, way, seed):
    """One run of the pipeline with another training seed; its MSE over the test images."""
    settings = parameters.train_settings(name).model_copy(update={"seed": seed})
    precision = "float32" if way == "plain" else backend.resolve_precision(settings.precision)
    settings = settings.model_copy(update={"precision": precision})
    data = {split: datasets.read(layout.dataset_file(settings.run.data, split), split) for split in datasets.DRAWS}
    clean, noisy = data["test"]
    batches = {"training": settings.batch_size, "inference": parameters.evaluation.batch_size}
    backend.prepare(seed)
    network = models.build(settings.run.model, settings.network)
    by_fft = {
        task: tuning.choose("auto", network, clean.shape[1:], batch, precision, task) if way == "fast" else []
        for task, batch in batches.items()
    }
    with tempfile.TemporaryDirectory() as folder, _as_built(way):
        checkpoint = Path(folder) / "checkpoint.npz"
        model, _, _ = training.train(settings, data["train"], data["validation"], checkpoint, by_fft["training"], str)
        model = execution.for_inference(model, precision, by_fft["inference"])
        prediction = inference.denoise(model, noisy[0], batches["inference"])
    error = metrics.mse_per_image(prediction, datasets.to_unit(clean)).mean()
    return {"mse": error, "precision": precision, "by_fft": " ".join(by_fft["training"])}


def _as_built(way):
    """The plain way trains the very layers that denoising.models builds."""
    if way == "fast":
        return contextlib.nullcontext()
    return mock.patch.multiple(execution, for_training=lambda model, *_: model, for_inference=lambda model, *_: model)


def report(rows):
    first = rows.iloc[0]
    lines = []
    for name in SEEDS:
        errors = rows[rows.network == name].pivot_table(index="seed", columns="way", values="mse")
        if not set(WAYS) <= set(errors) or len(errors.dropna()) < 2:
            continue
        errors = errors.dropna()
        means = errors.mean()
        interval = stats.ttest_rel(errors.fast, errors.plain).confidence_interval(0.95)
        low, high = (bound / means.plain for bound in interval)
        lines.append(
            {"network": name, "seeds": str(len(errors))}
            | {f"{way}, mean MSE": f"{means[way]:.5f}" for way in WAYS}
            | {"fast / plain - 1": f"{means.fast / means.plain - 1:+.1%}", "95 % interval": f"{low:+.1%} .. {high:+.1%}"}
            | {"each seed": ", ".join(f"{ratio:+.1%}" for ratio in errors.fast / errors.plain - 1)}
        )
    text = (
        f"MSE after training with different seeds, budget {first.budget} ({first.train_images} images, {first.epochs} "
        f"epochs, batch {first.batch_size}), on {first.device}. The same seed means the same initial weights and batches, "
        "so seeds are compared in pairs; the interval is Student's t of the differences, relative to the plain mean."
    )
    return f"{text}\n\n{pipes(pd.DataFrame(lines))}\n" if lines else f"{text}\n"


if __name__ == "__main__":
    main()
