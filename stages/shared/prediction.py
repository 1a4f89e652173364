"""A trained network over the test images of its dataset: what the evaluations and `make publish` share."""

import time
from typing import NamedTuple

import numpy as np

from denoising.compute import backend, execution, tuning
from denoising.data import datasets
from denoising.evaluation import evaluate as evaluation
from denoising.files import read_json
from denoising.inference import model_files as saving
from denoising.inference import predict as inference
from stages.shared import command, layout, outputs


class Predicted(NamedTuple):
    prediction: np.ndarray  # (N, H, W) float32, not clipped
    clean: np.ndarray  # (N, H, W) uint8
    noisy: np.ndarray  # (N, H, W) float16
    milliseconds: float  # an image, compilation left out
    facts: dict  # of the network and how it was computed


def predict(model_file, settings):
    """Denoise the test images.

    Parameters
    ----------
    model_file : path-like
    settings : denoising.params.EvaluateSettings
    """
    precision = backend.resolve_precision(settings.precision)
    batch_size = settings.evaluation.batch_size
    backend.prepare(0)
    trained = saving.load(model_file)
    clean, noisy = datasets.read(layout.dataset_file(settings.data, "test"), "test")
    by_fft = tuning.choose(
        settings.convolution,
        trained,
        clean.shape[1:],
        batch_size,
        precision,
        "inference",
        log=command.say,
    )
    model = execution.for_inference(trained, precision, by_fft)
    inference.denoise(
        model, noisy[0][:batch_size], batch_size
    )  # compiles, so that the seconds below are those of work
    started = time.perf_counter()
    prediction = inference.denoise(model, noisy[0], batch_size)
    milliseconds = round((time.perf_counter() - started) / len(clean) * 1000, 3)
    facts = {
        "parameters": trained.count_params(),
        "inference_precision": precision,
        "inference_convolutions_by_fft": len(by_fft),
    }
    return Predicted(prediction, clean, noisy[0], milliseconds, facts)


def measure(name, run, denoised, done, settings):
    """Measure what became of the test images, and write it as the results of row `name`.

    Parameters
    ----------
    name : str
    run : str
        Whose network it was.
    denoised : ndarray (N, H, W) float32
    done : Predicted
    settings : denoising.params.EvaluateSettings
    """
    scores, per_image = evaluation.evaluate(denoised, done.clean, done.noisy, settings.evaluation)
    scores |= {"collapsed": evaluation.collapsed(scores)} | done.facts | _trained_with(run)
    if scores["collapsed"]:
        yardsticks = (
            f"noisy input {scores['noisy_mse']:.5f}, constant image {scores['constant_mse']:.5f}"
        )
        command.say(f"\n*** {name} COLLAPSED: MSE {scores['mse']:.5f}, {yardsticks} ***\n")
    train = datasets.read(layout.dataset_file(settings.data, "train"), "train")
    histogram = evaluation.histograms(
        settings.evaluation.histogram_step,
        training_targets=datasets.pairs(*train, settings.target)[1],
        test_images=datasets.to_unit(done.clean),
        noisy_images=done.noisy,
        predictions=denoised,
    )
    outputs.write_evaluation(name, scores, per_image, histogram)


def _trained_with(run):
    """What a reader of the metrics wants to know of the training's machine."""
    provenance = read_json(
        layout.provenance_file(run), "environment", "settings", "convolutions_by_fft"
    )
    environment = provenance["environment"]
    backend_name = environment["backend"]
    return {
        "precision": provenance["settings"]["precision"],
        "convolutions_by_fft": len(provenance["convolutions_by_fft"]),
        "device": environment["device_name"],
        "backend": f"{backend_name} {environment['versions'][backend_name]}",
    }
