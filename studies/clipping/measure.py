"""One experiment of the study: train each of its rows for every seed, and measure each.

One process trains many networks, since TensorFlow takes ten seconds to start. The result of each
is kept as soon as there is one, and checkpoints of its epochs before that, so that an experiment
that was killed goes on where it was.
"""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import denoising
from denoising import sections
from denoising.compute.plan import Plan
from denoising.data import datasets
from denoising.data.store import to_unit
from denoising.data.streams import rng_for
from denoising.evaluation import metrics
from denoising.files import InputError, read_json, sha256, write_json, write_text
from denoising.methods.noise2noise import Noise2Noise
from denoising.methods.supervised import Supervised
from denoising.training import fit
from denoising.training.checkpoints import Checkpoints, code_of, digest
from denoising.training.examples import Arrays
from stages.shared import command, layout
from studies.clipping import experiments, images
from studies.clipping.settings import FILE, FOLDER, Experiments, Settings, validate

CHECKPOINTS = layout.CHECKPOINTS / "clipping"
NETWORK = "win5rb"
# of all rows: with the same seed they begin with the same weights, and see images in the same order
STREAM = "study"
STEP = 0.05  # pixel values; width of the bins of histograms and of true values
LARGEST_BATCH = 256  # images per prediction step
# what turns a trained network into results, beside this file and what training is made of
CODE = ("evaluation/metrics.py", "inference/predict.py", "noise")


def main(content: dict[str, Any], name: str) -> None:
    """Measure one experiment."""
    settings = validate(content)
    if name not in (names := Experiments.model_fields):
        raise InputError(f"experiment = {name!r}: should be one of {', '.join(names)}")
    rows = experiments.rows(name, settings)
    amount = settings.amount(name)
    clean = _images(settings, amount.by_split, {row.images for row in rows.values()})
    plans = _plans(settings, amount.batch_size, amount.test_images)
    seeds = range(getattr(settings.experiments, name).seeds)
    jobs = [
        Job(name, row, rows[row], seed, settings, plans, clean[rows[row].images])
        for seed in seeds
        for row in rows
    ]
    done = []
    for number, job in enumerate(jobs, start=1):
        done.append(job.result())
        trained = f"{name}: {number} of {len(jobs)} trained"
        mse = done[-1]["scores"]["mse"]
        command.say(f"{trained}: {job.name}, seed {job.seed}, MSE {mse:.5f}")
    _write(name, done)
    for job in jobs:
        shutil.rmtree(job.folder)


def noisy(row: experiments.Row, seed: int, split: str, clean: np.ndarray) -> np.ndarray:
    """Noisy images as inputs and as targets, (2, N, H, W, C) float16.

    All rows of a seed have the same noise, but for clipping. The test images' noise is the same for
    all seeds too.
    """
    drawn_with = 0 if split == "test" else seed
    noises = {datasets.INPUT: row.noise, datasets.TARGET: row.target or row.noise}
    return np.stack(
        [
            datasets.draw(
                noise, clean, rng_for(drawn_with, STREAM, split, version), chunk=len(clean)
            )
            for version, noise in noises.items()
        ]
    )


@dataclasses.dataclass(frozen=True)
class Job:
    """One training, and what is measured of it.

    Attributes
    ----------
    experiment, name : str
        Of the row.
    plans : dict of str to Plan
        How to compute, by task: "training", "inference".
    clean : dict of str to ndarray (N, H, W, C) uint8
        Images by split.
    """

    experiment: str
    name: str
    row: experiments.Row
    seed: int
    settings: Settings
    plans: dict[str, Plan]
    clean: images.Splits

    @property
    def folder(self) -> Path:
        """Where checkpoint and result are kept until the whole experiment is done."""
        return CHECKPOINTS / f"{self.experiment}-{self.name}-{self.seed}"

    @property
    def noise(self) -> Any:
        """Noise whose mean squared error teaches, or would teach with noisy targets."""
        return self.row.target or self.row.noise

    def result(self) -> dict[str, Any]:
        """What `run` measures, measured only once."""
        asked = self._asked()
        key = self._key(asked)
        file = self.folder / f"{key}.json"
        if not file.is_file():
            checkpoints = Checkpoints(self.folder, key)
            write_json(file, self._run(asked, checkpoints))
            checkpoints.clear()
        return read_json(file, "scores", "values")

    def _asked(self) -> fit.Settings:
        loss: dict[str, Any] = {"name": self.row.loss}
        if self.row.loss == "huber":
            loss["delta"] = self.settings.experiments.targets.huber_delta
        name, method = (
            ("noise2noise", Noise2Noise) if self.row.target else ("supervised", Supervised)
        )
        return fit.Settings(
            network=NETWORK,
            section=self.settings.win5rb,
            method=sections.validate(method, {"name": name, "loss": loss}, str(FILE)),
            noise=self.noise,
            seed=self.seed,
            stream=STREAM,
            plan=self.plans["training"],
            optimizer=self.settings.optimizer,
            work=self.settings.amount(self.experiment),
        )

    def _key(self, asked: fit.Settings) -> str:
        """Everything that the result depends on, as one name."""
        from denoising.compute import backend

        library = Path(denoising.__file__).parent
        settings = asked.dump() | {
            "input_noise": self.row.noise.model_dump(),
            "inference": dataclasses.asdict(self.plans["inference"]),
            "bootstrap_resamples": self.settings.bootstrap_resamples,
        }
        data = {
            split: hashlib.sha256(pixels.tobytes()).hexdigest()
            for split, pixels in self.clean.items()
        }
        code = [*code_of(NETWORK, asked.method.about["method"]), *(library / part for part in CODE)]
        own = {"measure.py": sha256(__file__)}
        return digest(settings, code, data | own, backend.description()["versions"])

    def _run(self, asked: fit.Settings, checkpoints: Checkpoints) -> dict[str, Any]:
        from denoising.compute import execution
        from denoising.inference import predict as inference

        training, validation = (
            (self.clean[split], noisy(self.row, self.seed, split, self.clean[split]))
            for split in ("train", "validation")
        )
        label = f"{self.name}, seed {self.seed}"
        try:
            trained, _, _ = fit.fit(
                asked,
                Arrays(training, validation),
                checkpoints,
                log=lambda line: command.say(f"{label}: {line}"),
            )
        except InputError as error:
            raise InputError(f"{label}: {error}") from None
        given = noisy(self.row, self.seed, "test", self.clean["test"])[datasets.INPUT]
        model = execution.for_inference(trained, self.plans["inference"])
        prediction = inference.denoise(model, given, _inference_batch(len(given)))
        return self._measured(prediction, given, to_unit(self.clean["test"]))

    def _measured(
        self, prediction: np.ndarray, given: np.ndarray, clean: np.ndarray
    ) -> dict[str, Any]:
        """Scores, and tables by pixel value, of predictions (N, H, W, C)."""
        errors = metrics.mse_per_image(prediction, clean)
        low, high = metrics.mean_interval(errors, self.settings.bootstrap_resamples)
        scores = self._labels | {
            "mse": float(errors.mean()),
            "mse_low": low,
            "mse_high": high,
            "mse_clipped": float(metrics.mse_per_image(np.clip(prediction, 0, 1), clean).mean()),
            "noisy_mse": float(metrics.mse_per_image(given.astype(np.float32), clean).mean()),
            "bias": float(np.mean((self.noise.mean(clean) - clean) ** 2)),
            "slope": np.diff(self.noise.mean([0.0, 1.0])).item(),
        }
        corrected = None
        if self.row.target and self.row.loss == "mse":
            corrected = self.noise.debias(prediction)
            scores["mse_debiased"] = float(metrics.mse_per_image(corrected, clean).mean())
        if not self.row.target:
            # what squared error would make of noisy targets, if the mean of a mixture were the
            # mixture of the means
            through = self.noise.mean(np.clip(prediction, 0, 1))
            scores["mse_through_mean"] = float(metrics.mse_per_image(through, clean).mean())
        return {"scores": scores, "values": self._values(prediction, corrected, clean)}

    def _values(
        self, prediction: np.ndarray, corrected: np.ndarray | None, clean: np.ndarray
    ) -> list[dict[str, Any]]:
        """By pixel value: shares of pixels, and the mean prediction where it is the true value."""
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
        frame = pd.DataFrame(columns).assign(**self._labels)
        return json.loads(frame.to_json(orient="records", double_precision=8))

    @property
    def _labels(self) -> dict[str, Any]:
        return {"experiment": self.experiment, "row": self.name, "seed": self.seed}


def _inference_batch(test_images: int) -> int:
    return min(LARGEST_BATCH, test_images)


def _images(
    settings: Settings, counts: dict[str, int], names: Collection[str]
) -> dict[str, images.Splits]:
    """The images of these names, by name and split."""
    found = {}
    if "natural" in names:
        found["natural"] = images.natural(counts)
    if set(names) - {"natural"}:
        found["digits"] = images.digits(layout.source_folder("mnist"), counts)
    if "low_contrast" in names:
        factor = settings.experiments.low_contrast.factor
        found["low_contrast"] = images.low_contrast(found["digits"], factor)
    return found


def _plans(settings: Settings, batch_size: int, test_images: int) -> dict[str, Plan]:
    """How this machine computes the network, by task."""
    from denoising.compute import backend, tuning
    from denoising.networks import base as networks

    backend.prepare(0)
    network = networks.build(NETWORK, settings.win5rb, channels=1)
    batches = {"training": batch_size, "inference": _inference_batch(test_images)}
    shape = (images.SIZE, images.SIZE)
    return {
        task: tuning.plan(
            settings.convolution, settings.precision, network, shape, batch, task, log=command.say
        )
        for task, batch in batches.items()
    }


def _write(name: str, done: list[dict[str, Any]]) -> None:
    scores = pd.DataFrame([one["scores"] for one in done])
    values = pd.DataFrame(
        [value for one in done if one["scores"]["seed"] == 0 for value in one["values"]]
    )
    write_text(FOLDER / "measured" / f"{name}.csv", scores.to_csv(index=False, float_format="%.8g"))
    write_text(FOLDER / "values" / f"{name}.csv", values.to_csv(index=False, float_format="%.6g"))


if __name__ == "__main__":
    command.run("studies.clipping.measure", main, "experiment", path=FILE, check=validate)
