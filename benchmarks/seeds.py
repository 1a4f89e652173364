"""How much does a result depend on the seed, and on the way it is computed?

`python -m benchmarks.seeds` trains runs of the pipeline with other training seeds. `fast` is what
the pipeline does on this machine; `plain` is the network as `denoising.networks` builds it, in
float32, with direct convolutions and Keras's own batch normalisation. It needs the images that
`make repro` fetches. Every training is a row of benchmarks/seeds.csv as soon as it is done; what is
there is not trained again, so the command can be stopped and goes on (two hours on two cores in
all). For another machine or budget remove the file.

Writes benchmarks/accuracy.md (benchmarks/accuracy.py) and benchmarks/spread.md
(benchmarks/spread.py).
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import accuracy, spread
from denoising.compute import backend, execution, tuning
from denoising.compute.plan import PLAIN
from denoising.data import datasets, splits
from denoising.data.store import Store, to_unit
from denoising.evaluation import metrics
from denoising.files import write_text
from denoising.inference import predict as inference
from denoising.networks import base as networks
from denoising.training import fit
from denoising.training.checkpoints import Nowhere
from denoising.training.examples import Arrays
from stages import corrupt, schema
from stages import train as train_stage
from stages.shared import layout, log, params

FILE = Path(__file__).parent / "seeds.csv"
CHEAP, DEAR = {"cnn": 5, "cae": 5}, {"dncnn": 3, "win5rb": 3}
JOBS = [  # budget, way, seeds of each run
    ("laptop", "plain", CHEAP | DEAR),
    ("laptop", "fast", CHEAP | DEAR | {"win5rb_n2n": 3}),
    ("smoke", "fast", dict.fromkeys([*CHEAP, *DEAR, "win5rb_n2n"], 5)),
]
AMOUNTS = ("train_images", "epochs", "batch_size", "learning_rate")


def main() -> None:
    """Train what is not there yet, and write both tables."""
    schema.load()  # refuses a bad params.yaml
    # a revision such as 1234e56 is not a number
    text = {"git_revision": str, "by_fft": str}
    rows = (
        pd.read_csv(FILE, dtype=text, keep_default_na=False).to_dict("records")
        if FILE.is_file()
        else []
    )
    for budget, way, seeds in JOBS:
        content = params.read() | {"budget": budget}
        same = params.pick(params.budget(content), *AMOUNTS) | {"device": backend.device()[1]}
        if foreign := [row for row in rows if row["budget"] == budget and row | same != row]:
            sys.exit(
                f"error: {FILE} has rows of another machine or budget, such as {foreign[0]}; "
                f"now: {same}"
            )
        for run, count in seeds.items():
            for seed in range(count):
                key = {"budget": budget, "way": way, "run": run, "seed": seed}
                if not any(row | key == row for row in rows):
                    found = train(content, run, way, seed)
                    rows.append(key | found | same | {"git_revision": log.git_revision()})
                    print(rows[-1], flush=True)
                    write_text(FILE, pd.DataFrame(rows).to_csv(index=False, float_format="%.8g"))
    accuracy.main()
    spread.main()


def train(content: params.Content, run: str, way: str, seed: int) -> dict[str, Any]:
    """One training: the MSE over the test images, and how it was computed.

    Parameters
    ----------
    content : dict
        Of a valid params.yaml.
    way : {"fast", "plain"}
    seed : int
        Instead of the content's own.
    """
    chosen = train_stage.settings(content, run)
    made_of = corrupt.settings(content, chosen.dataset)
    images = arrays(made_of)
    clean, noisy = images["test"]
    _, height, width, channels = clean.shape
    batches = {
        "training": chosen.work.batch_size,
        "inference": content["evaluation"]["batch_size"],
    }
    backend.prepare(seed)
    network = networks.build(chosen.network, chosen.section, channels)
    plans = dict.fromkeys(batches, PLAIN)
    if way == "fast":
        plans = {
            task: tuning.plan(
                chosen.convolution, chosen.precision, network, (height, width), batch, task
            )
            for task, batch in batches.items()
        }
    settings = fit.Settings(
        network=chosen.network,
        section=chosen.section,
        method=chosen.method,
        noise=made_of.noise,
        seed=seed,
        stream=chosen.stream,
        plan=plans["training"],
        optimizer=chosen.optimizer,
        work=chosen.work,
    )

    def redrawn(epoch: int) -> np.ndarray:
        return datasets.corrupt(
            images["train"][0], made_of.noise, made_of.seed, made_of.stream, "train", epoch
        )

    anew = redrawn if made_of.options.redraw == "every_epoch" else None
    data = Arrays(images["train"], images["validation"], anew)
    trained = fit.fit(settings, data, Nowhere(), log=str).model
    model = execution.for_inference(trained, plans["inference"])
    prediction = inference.denoise(model, noisy[0], batches["inference"])
    return {
        "mse": metrics.mse_per_image(prediction, to_unit(clean)).mean(),
        "precision": plans["training"].precision,
        "by_fft": " ".join(plans["training"].by_fft),
    }


def arrays(made_of: corrupt.Settings) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """As the corrupt stage writes them, clean and noisy images of each split."""
    source = Store(layout.source_folder(made_of.options.source))
    counts, selection = made_of.images.by_split, made_of.options.selection
    found = splits.of_source(source, made_of.options.split, counts, selection, made_of.seed)
    return {
        split: (clean, datasets.corrupt(clean, made_of.noise, made_of.seed, made_of.stream, split))
        for split, places in found.items()
        for clean in [source.array("clean", places)]
    }


if __name__ == "__main__":
    main()
