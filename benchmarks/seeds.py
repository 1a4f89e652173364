"""How much does a result depend on the seed, and on the way it is computed? python -m benchmarks.seeds

Trains runs of the pipeline with other training seeds. `fast` is what the pipeline does on this machine; `plain` is the
network as `denoising.networks` builds it, in float32, with direct convolutions and Keras's own batch normalisation. Needs the
raw data that `make repro` fetches. Every training is a row of benchmarks/seeds.csv as soon as it is done; what is there is
not trained again, so the command can be stopped and goes on (two hours on two cores in all). For another machine or budget
remove the file.

Writes benchmarks/accuracy.md (benchmarks/accuracy.py) and benchmarks/spread.md (benchmarks/spread.py).
"""

import contextlib
import sys
import tempfile
from pathlib import Path
from unittest import mock

import pandas as pd

from benchmarks import accuracy, spread
from denoising import networks as models
from denoising.compute import backend, execution, tuning
from denoising.data import datasets
from denoising.evaluation import metrics
from denoising.files import write_text
from denoising.inference import predict as inference
from denoising.sources import mnist
from denoising.training import fit as training
from stages import schema as params
from stages.shared import layout, outputs

FILE = Path(__file__).parent / "seeds.csv"
CHEAP, DEAR = {"cnn": 5, "cae": 5}, {"dncnn": 3, "win5rb": 3}
JOBS = [  # budget, way, seeds of each run
    ("laptop", "plain", CHEAP | DEAR),
    ("laptop", "fast", CHEAP | DEAR | {"win5rb_n2n": 3}),
    ("smoke", "fast", dict.fromkeys([*CHEAP, *DEAR, "win5rb_n2n"], 5)),
]


def main():
    # a revision such as 1234e56 is not a number
    text = {"git_revision": str, "by_fft": str}
    rows = (
        pd.read_csv(FILE, dtype=text, keep_default_na=False).to_dict("records")
        if FILE.is_file()
        else []
    )
    for budget, way, seeds in JOBS:
        settings = params.load().model_copy(update={"budget": budget})
        amounts = settings.budgets[budget].model_dump(
            include={"train_images", "epochs", "batch_size", "learning_rate"}
        )
        same = amounts | {"device": backend.device()[1]}
        if foreign := [row for row in rows if row["budget"] == budget and row | same != row]:
            sys.exit(
                f"error: {FILE} has rows of another machine or budget, such as {foreign[0]}; now: {same}"
            )
        for run, count in seeds.items():
            for seed in range(count):
                key = {"budget": budget, "way": way, "run": run, "seed": seed}
                if not any(row | key == row for row in rows):
                    rows.append(
                        key
                        | train(settings, run, way, seed)
                        | same
                        | {"git_revision": outputs.git_revision()}
                    )
                    print(rows[-1], flush=True)
                    write_text(FILE, pd.DataFrame(rows).to_csv(index=False, float_format="%.8g"))
    accuracy.main()
    spread.main()


def train(parameters, run, way, seed):
    """One training; the MSE over the test images, and how it was computed."""
    settings = parameters.train_settings(run).model_copy(update={"seed": seed})
    precision = "float32" if way == "plain" else backend.resolve_precision(settings.precision)
    settings = settings.model_copy(update={"precision": precision})
    data = arrays(parameters.corrupt_settings(settings.run.data))
    clean, noisy = data["test"]
    batches = {"training": settings.batch_size, "inference": parameters.evaluation.batch_size}
    backend.prepare(seed)
    network = models.build(settings.run.model, settings.network)
    by_fft = {
        task: tuning.choose("auto", network, clean.shape[1:], batch, precision, task)
        if way == "fast"
        else []
        for task, batch in batches.items()
    }
    with tempfile.TemporaryDirectory() as folder, _as_built(way):
        checkpoint = Path(folder) / "checkpoint.npz"
        model, _, _ = training.train(
            settings, data["train"], data["validation"], checkpoint, by_fft["training"], str
        )
        model = execution.for_inference(model, precision, by_fft["inference"])
        prediction = inference.denoise(model, noisy[0], batches["inference"])
    error = metrics.mse_per_image(prediction, datasets.to_unit(clean)).mean()
    return {"mse": error, "precision": precision, "by_fft": " ".join(by_fft["training"])}


def arrays(settings):
    """As the corrupt stage writes it, clean and noisy images of each split."""
    name, dataset, seed = settings.name, settings.dataset, settings.seed
    splits = datasets.split_images(
        *mnist.read(layout.RAW), settings.images, dataset.selection, seed
    )
    return {
        split: (clean, datasets.corrupt(clean, dataset.noise, seed, name, split))
        for split, clean in splits.items()
    }


def _as_built(way):
    """The plain way trains the very layers that denoising.networks builds."""
    if way == "fast":
        return contextlib.nullcontext()
    return mock.patch.multiple(
        execution, for_training=lambda model, *_: model, for_inference=lambda model, *_: model
    )


if __name__ == "__main__":
    main()
