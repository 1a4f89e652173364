"""A trained network over the test images of its dataset: what evaluations and publishing share."""

import dataclasses
import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from denoising.data.collapse import collapsed
from denoising.evaluation import evaluate, targets
from denoising.evaluation.unreferenced import Unreferenced
from denoising.files import InputError, PathLike, read_json, sha256
from denoising.inference import model_files
from denoising.sections import shortened, validate
from stages.evaluating import measuring, outputs
from stages.shared import command, images, layout, params

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
    row, content = params.row(content, "runs", run), params.of_run(content, run)
    return Settings(
        run=run,
        row=row,
        precision=content["precision"],
        convolution=content["convolution"],
        evaluation=validate(evaluate.Evaluation, content["evaluation"], "evaluation"),
    )


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
    if made[0] != row["network"] or not _agrees(row["method"], made[1]):
        raise InputError(
            f"{file}: is of network {made[0]} and method {shortened(made[1])}, runs.{run} has "
            f"{row['network']} and {shortened(row['method'])}; train {run} again"
        )
    return content


def _agrees(asked: Any, trained: Any) -> bool:
    """Is all that a row asks for what was trained, which has defaults beside it?"""
    if isinstance(asked, dict) and isinstance(trained, dict):
        return all(key in trained and _agrees(one, trained[key]) for key, one in asked.items())
    return bool(asked == trained)


class Predictor:
    """A trained network, computed as this machine does it best.

    Attributes
    ----------
    facts : dict
        Of the network and how it is computed.
    how : str
        Precision, convolutions and the machine's kind, in one.
    margin : int
        Rows that it sees above and below those that are wanted, a multiple of `images.ALIGNED`.
    seconds : float
        Spent in predictions, compilation left out.
    """

    def __init__(self, model_file: PathLike, chosen: Settings, test: images.TestImages) -> None:
        model_files.check(model_file)

        from denoising.compute import backend, execution, tuning
        from denoising.inference import predict
        from denoising.inference.prepared import Prepared
        from denoising.networks.base import receptive_radius

        backend.prepare(0)
        trained = model_files.load(model_file)
        self._batch_size = chosen.evaluation.batch_size
        asked = chosen.convolution, chosen.precision
        self._predict: Callable[[np.ndarray], np.ndarray]
        if test.any_size:
            prepared = Prepared(trained, *asked, log=command.say)
            plan = prepared.plan(test.shape)
            self._predict = prepared.denoise_each
        else:
            of_test = test.shape[:2], self._batch_size
            plan = tuning.plan(*asked, trained, *of_test, "inference", log=command.say)
            model = execution.for_inference(trained, plan)
            self._predict = functools.partial(predict.denoise, model, batch_size=self._batch_size)
        self._trained, self._plan = trained, plan
        self.how = f"{plan} on a {backend.kind()}"
        self.margin = -(-receptive_radius(trained) // images.ALIGNED) * images.ALIGNED
        self._compiled: set[tuple[int, ...]] = set()
        self.seconds = 0.0
        self.facts = {
            "parameters": trained.count_params(),
            "inference_precision": plan.precision,
            "inference_convolutions_by_fft": len(plan.by_fft),
        }

    def __call__(self, noisy: np.ndarray) -> np.ndarray:
        """Denoised images (n, H, W, C) float32 of noisy ones, not clipped."""
        if noisy.shape[1:] not in self._compiled:  # so that the seconds are those of work
            self._predict(noisy[: self._batch_size])
            self._compiled.add(noisy.shape[1:])
        started = time.perf_counter()
        prediction = self._predict(noisy)
        self.seconds += time.perf_counter() - started
        return prediction

    def nats(self) -> measuring.Nats | None:
        """Negative log-likelihood of noisy images under what a blind spot believes.

        Returns
        -------
        callable or None
            The sum over a group's pixels, in nats; None: the network is no blind spot's.
        """
        from denoising.compute import execution
        from denoising.evaluation import likelihood
        from denoising.inference import tiles

        if not likelihood.is_known(self._trained):
            return None
        model = likelihood.surprise(execution.for_inference(self._trained, self._plan))

        def nats(group: images.Group) -> float:
            found = (tiles.denoise(model, image.astype(np.float32)) for image in group.noisy)
            return sum(float(one[group.rows].sum(dtype=np.float64)) for one in found)

        return nats


def measure(
    name: str,
    made_of: dict[str, Any],
    predictor: Predictor,
    test: images.TestImages,
    chosen: Settings,
    denoise: measuring.Denoise | None = None,
) -> dict[str, Any]:
    """Measure what becomes of the test images, and write it as the results of a row.

    Parameters
    ----------
    name : str
    made_of : dict
        See `provenance`.
    predictor : Predictor
    test : TestImages
    chosen : Settings
    denoise : callable, optional
        What is measured, (n, H, W, C) float32 of noisy images; None: the predictor itself.

    Returns
    -------
    dict
        The scores.
    """
    nats = predictor.nats() if denoise is None and test.truth == "none" else None
    found = measuring.measured(
        test, denoise or predictor, predictor.margin, chosen.evaluation, nats, predictor.how
    )
    scores = found.scores()
    if denoise is None and isinstance(found, Unreferenced):
        scores["held_out_nats"] = found.nats()
    scores |= _collapse(name, scores) | predictor.facts | _trained_with(made_of)
    known = targets.read(layout.targets_file(chosen.dataset))
    method = made_of["method"]
    histogram = found.histogram(training_targets=known.values(method["targets"]))
    about = method | {"mean_of_ends": known.mean[[0, -1]].tolist()}
    outputs.write_evaluation(name, scores, found.per_image(), histogram, about)
    return scores


def _collapse(name: str, scores: dict[str, Any]) -> dict[str, bool]:
    """Whether a network is worth nothing, as far as its error or an estimate tells."""
    kind = "estimated_" if scores.get("truth") == "none" else ""
    mse = scores[f"{kind}mse"]
    if mse is None:
        return {}
    baselines = scores[f"{kind}noisy_mse"], scores[f"{kind}constant_mse"]
    has_collapsed = bool(collapsed(mse, *baselines))
    if has_collapsed:
        beside = "noisy input {:.5f}, constant image {:.5f}".format(*baselines)
        command.say(f"\n*** {name} COLLAPSED: MSE {mse:.5f}, {beside} ***\n")
    return {"collapsed": has_collapsed}


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
