"""What a step of each method costs beside a supervised one: python -m benchmarks.self_supervised

The methods that advice knows, with U-Net (the blind spot with its own network), on batches of
patches as advice times them. A step should cost what its passes through the network do and no more:
those are counted by hand (`PASSES`), and timed in the same turns. Takes three minutes on two cores;
leave the machine alone meanwhile. Writes benchmarks/self_supervised.json and .md.
"""

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from denoising.advice.candidates import Candidate, candidates
from denoising.advice.costs import BATCH, SIZE
from denoising.compute import backend, execution, tuning
from denoising.compute.backend import keras
from denoising.compute.plan import Plan
from denoising.files import write_json, write_text
from denoising.methods.base import Given, Method
from denoising.networks import base as networks
from denoising.noise.base import Noise
from denoising.reporting.tables import pipes
from denoising.sections import read_kind
from stages import schema

FILE = Path(__file__).with_suffix(".json")
NOISE = {"name": "gaussian", "sigma": 0.1, "clip": False}
TURNS = 7


class Passes(NamedTuple):
    """Through a network, of a batch.

    Attributes
    ----------
    learned : float
        Forward and back.
    forward : float
        Forward alone.
    why : str
    """

    learned: float
    forward: float
    why: str


PASSES = {
    "supervised": Passes(1, 0, "one"),
    "noise2noise": Passes(1, 0, "one; the shots change places at random"),
    "sure": Passes(2, 0, "two, of which the divergence is the difference"),
    "unsure": Passes(2, 0, "two, of which the divergence is the difference"),
    "recorrupted": Passes(1, 0, "one"),
    "noise2void": Passes(1, 0, "one"),
    "blind_spot": Passes(1, 0, "one"),
    "neighbor2neighbor": Passes(1 / 4, 1, "one of a quarter, and one of all without gradient"),
}


def main() -> None:
    """Measure, and write the files."""
    backend.prepare(0)
    settings = schema.load()
    chosen = [one for one in candidates() if one.network and not one.corrected]
    steps: dict[tuple[str, str], Callable[[], object]] = {}
    preparing = {}
    for one in chosen:
        made = functools.partial(_network, settings, one)
        method: Method = read_kind("methods", one.section, "method")
        steps[one.name, "step"], preparing[one.name] = _step(method, made(method))
        steps[one.network, "learned"] = _supervised(made())
        steps[one.network, "forward"] = functools.partial(
            _forward(made()), keras.ops.convert_to_tensor(_images())
        )
    seconds = tuning.shortest(steps, TURNS)
    rows = []
    for one in chosen:
        passes = PASSES[one.name]
        learned, forward = (seconds[one.network, what] for what in ("learned", "forward"))
        expected = passes.learned * learned + passes.forward * forward
        rows.append(
            {
                "method": one.name,
                "network": one.network,
                "passes": passes.why,
                "step, ms": round(seconds[one.name, "step"] * 1e3, 1),
                "of supervised": round(seconds[one.name, "step"] / learned, 2),
                "of its passes": round(seconds[one.name, "step"] / expected, 2),
                "made beside it, ms": round(preparing[one.name] * 1e3, 1),
            }
        )
        print(rows[-1], flush=True)
    machine = f"{backend.machine()}, {backend.resolve_precision('auto')}"
    content = {"machine": machine, "rows": rows}
    write_json(FILE, content)
    write_text(FILE.with_suffix(".md"), report(content))


def report(content: dict[str, Any]) -> str:
    """What was measured, as a table."""
    text = f"A step of {BATCH} patches of {SIZE} x {SIZE} pixels, with Adam. {content['machine']}."
    return f"{text}\n\n{pipes(pd.DataFrame(content['rows']).astype(str))}\n"


def _images() -> np.ndarray:
    return np.random.default_rng(0).random((BATCH, SIZE, SIZE, 1), np.float32)


def _network(settings: schema.Params, one: Candidate, method: Method | None = None) -> Any:
    """The network as it is trained, with the outputs that a method asks for."""
    section = getattr(settings.networks, one.network)
    outputs = method.outputs(1) if method else None
    network = networks.build(one.network, section, 1, outputs)
    return execution.for_training(network, Plan(backend.resolve_precision("auto")))


def _step(method: Method, network: Any) -> tuple[Callable[[], object], float]:
    """A step of a method, and the seconds that making its batch takes."""
    noise: Noise = read_kind("noise", NOISE, "noise")
    given = Given(noise, networks.size_multiple(network))
    images = _images()

    def made() -> Any:
        pair = np.stack([images, images])
        return method.examples(images, pair, given, np.random.default_rng(0))

    def timed() -> float:
        started = time.perf_counter()
        made()
        return time.perf_counter() - started

    seconds = min(timed() for _ in range(TURNS))
    task = method.task(network, given, lambda: keras.ops.convert_to_tensor(0.5))
    task.model.compile(optimizer="adam", loss=task.loss)
    tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, made())
    return functools.partial(task.model.train_on_batch, *tensors), seconds


def _supervised(network: Any) -> Callable[[], object]:
    network.compile(optimizer="adam", loss="mse")
    images = keras.ops.convert_to_tensor(_images())
    return functools.partial(network.train_on_batch, images, images)


def _forward(network: Any) -> Callable[[Any], object]:
    network.compile()
    return network.predict_on_batch


if __name__ == "__main__":
    main()
