"""The trained networks that the demo shows: which there are, and one image through all of them."""

import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from denoising.compute import backend, execution
from denoising.inference import images as pictures
from denoising.inference import model_files as saving
from stages import schema as params
from stages.shared import layout

PUBLISHED = Path("results/article")
PLACES = {"published": PUBLISHED, "workspace": Path()}


class Network(NamedTuple):
    name: str
    parameters: int
    target: str  # clean | noisy: what it learned from
    noise: object  # denoising.noise.Noise: what it was trained for
    correct: object  # from predictions to corrected predictions, or None
    model: object


class Networks:
    """All networks of one place, ready to answer.

    Parameters
    ----------
    place : {"auto", "published", "workspace"}
        "auto" takes the published ones where there are any.

    Attributes
    ----------
    all : list of Network
        Empty where none is trained; `missing` then says so.
    turn : threading.Lock
        To be held while denoising: two at a time would only share the same cores.

    Raises
    ------
    InputError
        If a file there is damaged.
    """

    def __init__(self, place="auto"):
        self.turn = threading.Lock()
        self.all = []
        self.place = _choose(place)
        self.folder = folder = PLACES[self.place or "workspace"]
        self.missing = None if self.place else "no trained networks yet: `make repro` trains them"
        file = folder / "params.yaml"
        settings = params.load(file if file.is_file() else "params.yaml")
        backend.prepare(0)
        precision = backend.resolve_precision("auto")
        for name, run in settings.runs.items() if self.place else ():
            path = folder / layout.model_file(name)
            if not path.is_file():
                continue
            trained = saving.load(path)
            model = execution.for_inference(trained, precision)
            noise = settings.datasets[run.data].noise
            network = Network(name, trained.count_params(), run.target, noise, None, model)
            self.all.append(network)
            for corrected, row in settings.debiased.items():
                if row.run == name:
                    self.all.append(network._replace(name=corrected, correct=noise.debias))

    def warm_up(self):
        """Compile for the size of a digit, so that the first visitor does not wait."""
        self.denoise(
            np.zeros((pictures.SIZES, pictures.SIZES), np.float32),
            [network.name for network in self.all],
        )

    def denoise(self, image, names):
        """Denoise (H, W) float32 with the networks of these names; one call at a time (`turn`).

        Returns
        -------
        dict of str to tuple (ndarray (H, W) float32, float)
            Denoised image, not clipped, and milliseconds.
        """
        done, raw = {}, {}
        for network in self.all:
            if network.name not in names:
                continue
            started = time.perf_counter()
            known = raw.get(id(network.model))
            if known is None:
                result = pictures.denoise(
                    network.model, image, lambda batch, of=network: _predict(of, batch)
                )
                known = raw[id(network.model)] = result, (time.perf_counter() - started) * 1000
            result, milliseconds = known
            if network.correct:
                started = time.perf_counter()
                result = network.correct(result).astype(np.float32)
                milliseconds += (time.perf_counter() - started) * 1000
            done[network.name] = result, milliseconds
        return done


def _predict(network, batch):
    return network.model.predict_on_batch(batch[..., None])[..., 0]


def _choose(place):
    """The first of the places in question that has a network, or None."""
    return next(
        (
            name
            for name in (PLACES if place == "auto" else [place])
            if any((PLACES[name] / "models").glob("*.keras"))
        ),
        None,
    )
