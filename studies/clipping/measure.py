"""One experiment of the study: train each of its rows for every seed, and measure it over the test images.

Many trainings a process, since starting TensorFlow takes ten seconds. Each is kept as soon as it is done, so that a killed
experiment goes on where it was; checkpoints of its epochs are kept too.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from denoising import networks as models
from denoising.compute import backend, execution, tuning
from denoising.data import datasets
from denoising.evaluation import metrics
from denoising.files import InputError, read_json, write_json, write_text
from denoising.inference import predict as inference
from denoising.training import fit as training
from stages import schema as params
from stages.shared import command, layout
from studies.clipping import experiments, images
from studies.clipping.settings import FOLDER, load

CHECKPOINTS = layout.CHECKPOINTS / "clipping"
MODEL = "win5rb"
STEP = 0.05  # pixel values, width of the bins of histograms and of true values


def main(settings, name):
    if name not in type(settings.experiments).model_fields:
        raise InputError(
            f"experiment = {name!r}: should be one of {', '.join(type(settings.experiments).model_fields)}"
        )
    experiment = getattr(settings.experiments, name)
    settings = settings.model_copy(
        update={"precision": backend.resolve_precision(settings.precision)}
    )
    rows = experiments.rows(name, settings)
    amount = settings.amount(name)
    sources = _images(settings, amount, {row.images for row in rows.values()})
    by_fft = _convolutions(settings, amount)
    jobs = [(row, seed) for seed in range(experiment.seeds) for row in rows]
    done, kept = [], []
    for number, (row, seed) in enumerate(jobs, start=1):
        job = _Job(name, row, rows[row], seed, settings, by_fft)
        if not job.result.is_file():
            write_json(job.result, job.run(sources[rows[row].images]))
        done.append(read_json(job.result, "scores", "values"))
        kept.append(job.result)
        mse = done[-1]["scores"]["mse"]
        command.say(f"{name}: {number} of {len(jobs)} trained: {row}, seed {seed}, MSE {mse:.5f}")
    _write(name, done)
    for file in kept:
        file.unlink()


class _Job:
    """One training and what is measured of it."""

    def __init__(self, experiment, name, row, seed, settings, by_fft):
        self.row, self.seed, self.settings, self.by_fft = row, seed, settings, by_fft
        self.labels = {"experiment": experiment, "row": name, "seed": seed}
        loss = {
            "loss": row.loss,
            "delta": settings.experiments.targets.huber_delta if row.loss == "huber" else None,
        }
        self.amount = settings.amount(experiment)
        amount = self.amount.model_dump(
            include={"epochs", "batch_size", "learning_rate", "schedule"}
        )
        self.training = params.TrainSettings(
            # one name for all: with the same seed, rows begin with the same weights and see images in the same order
            name="study",
            run=params.Run(
                model=MODEL, data=row.images, target="noisy" if row.target else "clean", **loss
            ),
            network=settings.win5rb,
            noise=row.target or row.noise,
            redraw="never",
            data_seed=seed,
            seed=seed,
            precision=settings.precision,
            convolution=settings.convolution,
            optimizer=settings.optimizer,
            **amount,
        )
        key = hashlib.sha256(self._identity().encode()).hexdigest()[:16]
        self.result = CHECKPOINTS / f"{experiment}-{name}-{seed}-{key}.json"

    def _identity(self):
        """Everything that the result depends on."""
        code = [
            Path(module.__file__).read_text()
            for module in (experiments, images, sys.modules[__name__])
        ]
        row = [noise and noise.model_dump() for noise in (self.row.noise, self.row.target)]
        digest = training.digest(self.training, self.by_fft["training"], {})
        settings = self.settings.model_dump(exclude={"experiments", "budget", "budgets"})
        return json.dumps([code, row, digest, settings, self.amount.model_dump()])

    def run(self, clean):
        """Train and measure.

        Parameters
        ----------
        clean : dict of str to ndarray (N, H, W) uint8
            By split.
        """
        learned = [
            (clean[split], self._noisy(clean[split], split)) for split in ("train", "validation")
        ]
        checkpoint = self.result.with_suffix(".npz")
        model, _, _ = training.train(
            self.training, *learned, checkpoint, self.by_fft["training"], log=command.say
        )
        noisy = self._noisy(clean["test"], "test")[datasets.INPUT]
        network = execution.for_inference(model, self.settings.precision, self.by_fft["inference"])
        prediction = inference.denoise(network, noisy, inference_batch(self.amount))
        checkpoint.unlink(missing_ok=True)
        return self._measured(prediction, noisy, datasets.to_unit(clean["test"]))

    def _noisy(self, clean, split):
        """Input and target with noise that differs between them, but is the same for all rows of a seed but for clipping."""
        seed = 0 if split == "test" else self.seed
        streams = [
            datasets.rng_for(seed, "study", split, draw)
            for draw in (datasets.INPUT, datasets.TARGET)
        ]
        noises = (self.row.noise, self.row.target or self.row.noise)
        pixels = datasets.to_unit(clean)
        return np.stack(
            [
                noise.corrupt(pixels, rng).astype(np.float16)
                for noise, rng in zip(noises, streams, strict=True)
            ]
        )

    def _measured(self, prediction, noisy, clean):
        errors = metrics.mse_per_image(prediction, clean)
        low, high = metrics.mean_interval(errors, self.settings.bootstrap_resamples)
        noise = (
            self.row.target or self.row.noise
        )  # whose mean squared error teaches, and whose prediction theory gives
        mean = noise.mean(clean)
        slope = np.diff(noise.mean([0.0, 1.0])).item()
        scores = self.labels | {
            "mse": float(errors.mean()),
            "mse_low": low,
            "mse_high": high,
            "mse_clipped": float(metrics.mse_per_image(np.clip(prediction, 0, 1), clean).mean()),
            "noisy_mse": float(metrics.mse_per_image(noisy.astype(np.float32), clean).mean()),
            "bias": float(np.mean((mean - clean) ** 2)),
            "slope": slope,
        }
        corrected = None
        if self.row.target and self.row.loss == "mse":
            corrected = self.row.target.debias(prediction)
            scores["mse_debiased"] = float(metrics.mse_per_image(corrected, clean).mean())
        if not self.row.target:
            # what squared error would make of noisy targets, were the mean of a mixture the mixture of means
            through = noise.mean(np.clip(prediction, 0, 1))
            scores["mse_through_mean"] = float(metrics.mse_per_image(through, clean).mean())
        return {"scores": scores, "values": self._values(prediction, corrected, clean)}

    def _values(self, prediction, corrected, clean):
        """By pixel value: shares of pixels, and the mean prediction where that is the true value."""
        shown = {"prediction": prediction} | ({} if corrected is None else {"debiased": corrected})
        bins = np.round(clean / STEP).astype(int).ravel()
        counts = np.bincount(bins, minlength=round(1 / STEP) + 1)
        columns = {
            "value": metrics.histogram_centres(STEP),
            "true_share": metrics.histogram(clean, STEP),
        }
        inside = (columns["value"] > -STEP / 2) & (columns["value"] < 1 + STEP / 2)
        for key, pixels in shown.items():
            columns[f"{key}_share"] = metrics.histogram(pixels, STEP)
            means = np.full(len(inside), np.nan)
            with np.errstate(invalid="ignore"):  # 0 / 0 where no pixel has the value
                means[inside] = np.bincount(bins, pixels.ravel(), minlength=len(counts)) / counts
            columns[f"{key}_mean"] = means
        frame = pd.DataFrame(columns).assign(**self.labels)
        return json.loads(frame.to_json(orient="records", double_precision=8))


def inference_batch(amount):
    return min(256, amount.test_images)


def _images(settings, amount, names):
    counts = {
        "train": amount.train_images,
        "validation": amount.validation_images,
        "test": amount.test_images,
    }
    sources = {}
    if "natural" in names:
        sources["natural"] = images.natural(counts)
    if names - {"natural"}:
        sources["digits"] = images.digits(layout.RAW, counts)
    if "squeezed" in names:
        sources["squeezed"] = images.squeezed(
            sources["digits"], settings.experiments.squeezed.factor
        )
    return sources


def _convolutions(settings, amount):
    """Convolutions to be computed through spectra, by task."""
    backend.prepare(0)
    network = models.build(MODEL, settings.win5rb)
    batches = {"training": amount.batch_size, "inference": inference_batch(amount)}
    shape = (images.SIZE, images.SIZE)
    return {
        task: tuning.choose(
            settings.convolution, network, shape, batch, settings.precision, task, log=command.say
        )
        for task, batch in batches.items()
    }


def _write(name, done):
    scores = pd.DataFrame([one["scores"] for one in done])
    values = pd.DataFrame(
        [value for one in done if one["scores"]["seed"] == 0 for value in one["values"]]
    )
    write_text(FOLDER / "measured" / f"{name}.csv", scores.to_csv(index=False, float_format="%.8g"))
    write_text(FOLDER / "values" / f"{name}.csv", values.to_csv(index=False, float_format="%.6g"))


if __name__ == "__main__":
    command.run("studies.clipping.measure", main, "experiment", load)
