"""A trained network over the test images of its dataset: what evaluations and publishing share."""

import dataclasses
import time
from typing import Any, NamedTuple

import numpy as np

from denoising.data import datasets
from denoising.data.collapse import collapsed
from denoising.evaluation import evaluate, targets
from denoising.files import InputError, PathLike, read_json, sha256
from denoising.inference import model_files
from denoising.sections import shortened, validate
from stages.evaluating import outputs
from stages.shared import command, layout, params

PROVENANCE = {"model_sha256": str, "method": dict, "environment": dict, "settings": dict}


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a trained network is evaluated, on which dataset."""

    run: str
    row: dict[str, Any]
    precision: str
    convolution: str
    evaluation: evaluate.Evaluation

    @property
    def dataset(self) -> str:
        """The dataset that it learned from, and is tested on."""
        return self.row["dataset"]


def settings(content: params.Content, run: str) -> Settings:
    """The sections that every evaluation of a network reads."""
    return Settings(
        run=run,
        row=params.row(content, "runs", run),
        precision=content["precision"],
        convolution=content["convolution"],
        evaluation=validate(evaluate.Evaluation, content["evaluation"], "evaluation"),
    )


class Predicted(NamedTuple):
    """What a network made of the test images.

    Attributes
    ----------
    prediction : ndarray (N, H, W, C) float32
        Not clipped.
    clean : ndarray (N, H, W, C) uint8
    noisy : ndarray (N, H, W, C) float16
    milliseconds : float
        Per image, compilation left out.
    facts : dict
        Of the network and how it was computed.
    """

    prediction: np.ndarray
    clean: np.ndarray
    noisy: np.ndarray
    milliseconds: float
    facts: dict[str, Any]


def provenance(chosen: Settings) -> dict[str, Any]:
    """What the run's model file was made of.

    Raises
    ------
    InputError
        If the model file is not the one that it was written with, or both are another run's.
    """
    run = chosen.run
    file, model = layout.provenance_file(run), layout.model_file(run)
    model_files.check(model)
    content = read_json(file, *PROVENANCE)
    if not all(isinstance(content[key], kind) for key, kind in PROVENANCE.items()):
        raise InputError(f"{file}: is not what the train stage writes; train {run} again")
    if (actual := sha256(model)) != content["model_sha256"]:
        raise InputError(
            f"{model}: is not the model of {file} (SHA-256 {actual[:12]}..., expected "
            f"{shortened(content['model_sha256'][:12])}); train {run} again"
        )
    trained, row = content["settings"], chosen.row
    made = (trained.get("network", {}).get("name"), trained.get("method"))
    if made != (row["network"], row["method"]):
        raise InputError(
            f"{file}: is of network {made[0]} and method {shortened(made[1])}, runs.{run} has "
            f"{row['network']} and {shortened(row['method'])}; train {run} again"
        )
    return content


def predict(model_file: PathLike, chosen: Settings) -> Predicted:
    """Denoise the test images."""
    model_files.check(model_file)
    clean, noisy = datasets.read(layout.dataset_file(chosen.dataset, "test"), "test")

    from denoising.compute import backend, execution, tuning
    from denoising.inference import predict as inference

    backend.prepare(0)
    trained = model_files.load(model_file)
    batch_size = chosen.evaluation.batch_size
    plan = tuning.plan(
        chosen.convolution,
        chosen.precision,
        trained,
        clean.shape[1:3],
        batch_size,
        "inference",
        log=command.say,
    )
    model = execution.for_inference(trained, plan)
    # compiles, so that the seconds below are those of work
    inference.denoise(model, noisy[0][:batch_size], batch_size)
    started = time.perf_counter()
    prediction = inference.denoise(model, noisy[0], batch_size)
    milliseconds = round((time.perf_counter() - started) / len(clean) * 1000, 3)
    facts = {
        "parameters": trained.count_params(),
        "inference_precision": plan.precision,
        "inference_convolutions_by_fft": len(plan.by_fft),
    }
    return Predicted(prediction, clean, noisy[0], milliseconds, facts)


def measure(
    name: str,
    made_of: dict[str, Any],
    denoised: np.ndarray,
    done: Predicted,
    chosen: Settings,
) -> None:
    """Measure what became of the test images, and write it as the results of a row.

    Parameters
    ----------
    name : str
    made_of : dict
        See `provenance`.
    denoised : ndarray (N, H, W, C) float32
    done : Predicted
    chosen : Settings
    """
    scores, per_image = evaluate.evaluate(denoised, done.clean, done.noisy, chosen.evaluation)
    baselines = scores["noisy_mse"], scores["constant_mse"]
    has_collapsed = bool(collapsed(scores["mse"], *baselines))
    scores |= {"collapsed": has_collapsed} | done.facts | _trained_with(made_of)
    if has_collapsed:
        beside = "noisy input {:.5f}, constant image {:.5f}".format(*baselines)
        command.say(f"\n*** {name} COLLAPSED: MSE {scores['mse']:.5f}, {beside} ***\n")
    known = targets.read(layout.targets_file(chosen.dataset))
    method = made_of["method"]
    histogram = evaluate.histograms(
        chosen.evaluation.histogram_step,
        training_targets=known.values(method["targets"]),
        test_images=datasets.to_unit(done.clean),
        noisy_images=done.noisy,
        predictions=denoised,
    )
    means = known.mean[[0, -1]].tolist()
    outputs.write_evaluation(name, scores, per_image, histogram, method | {"mean_of_ends": means})


def _trained_with(made_of: dict[str, Any]) -> dict[str, Any]:
    """What a reader of the metrics wants to know of the training's machine."""
    environment, trained = made_of["environment"], made_of["settings"]
    backend_name = environment["backend"]
    return {
        "precision": trained["precision"],
        "convolutions_by_fft": len(trained["convolutions_by_fft"]),
        "device": environment["device_name"],
        "backend": f"{backend_name} {environment['versions'][backend_name]}",
    }
