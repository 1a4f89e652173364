"""The trained networks that the demo shows: which there are, and one image through all of them.

Keras is imported only after the files were found to be whole.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import ConfigDict, Field

from demo.messages import SIDE
from denoising.files import InputError
from denoising.inference import model_files
from denoising.noise.base import Noise
from denoising.sections import Section, read_kind, validate
from stages.shared import layout, params

if TYPE_CHECKING:
    from denoising.inference.prepared import Prepared

PUBLISHED = Path("results/article")
DIGIT = 28  # pixels of a side
# of images for the FFT, which is compiled for each; one of 64 pixels would take as long as of 128,
# since the kernels' own transforms are most of it
SIZES = ((DIGIT, DIGIT), (SIDE, SIDE))
PLACES = {"published": PUBLISHED, "workspace": Path()}

Correction = Callable[[np.ndarray], np.ndarray]


class _Part(Section):
    """The keys of a section that the demo needs: other versions of params.yaml may have more."""

    model_config = ConfigDict(extra="ignore")


class _Run(_Part):
    dataset: str
    method: dict[str, Any]


class _Dataset(_Part):
    noise: dict[str, Any]


class _Debiased(_Part):
    run: str


class _Content(_Part):
    runs: dict[str, Any]  # those without a model file are not looked into
    datasets: dict[str, Any]
    debiased: dict[str, _Debiased] = Field(default_factory=dict)


class Row(NamedTuple):
    """A run with a model file, as params.yaml describes it.

    Attributes
    ----------
    targets : {"clean", "noisy"}
        What the network learned from.
    noise : Noise
        What it was trained for.
    corrected : list of str
        The rows of `debiased` that correct its predictions.
    """

    name: str
    file: Path
    targets: str
    noise: Noise
    corrected: list[str]


class Network(NamedTuple):
    """A network that is ready to answer.

    Attributes
    ----------
    targets : {"clean", "noisy"}
    correct : callable or None
        From predictions to corrected predictions.
    """

    name: str
    parameters: int
    targets: str
    noise: Noise
    correct: Correction | None
    prepared: "Prepared"


class Networks:
    """All networks of one place, ready to answer.

    Parameters
    ----------
    place : {"auto", "published", "workspace"}
        "auto" means the published ones if there are any, else those of the workspace.

    Attributes
    ----------
    all : list of Network
        Empty if none is trained; `missing` then says so.
    channels : int
        Of images: three, if a network was trained on colour; those of one channel then denoise
        each channel by itself.
    turn : threading.Lock
        To be held while denoising: two at a time would only share the same cores.

    Raises
    ------
    InputError
        If a file there is damaged.
    """

    def __init__(self, place: str = "auto") -> None:
        self.turn = threading.Lock()
        self.all: list[Network] = []
        self.channels = 1
        self.place = _choose(place)
        self.folder = PLACES[self.place or "workspace"]
        self.missing = None if self.place else "no trained networks yet: `make repro` trains them"
        rows = list(_rows(self.folder)) if self.place else []
        for row in rows:
            model_files.check(row.file)
        if rows:
            self._load(rows)

    def _load(self, rows: list[Row]) -> None:
        from denoising.compute import backend
        from denoising.inference.prepared import Prepared

        backend.prepare(0)
        for row in rows:
            trained = model_files.load(row.file)
            self.channels = max(self.channels, trained.inputs[0].shape[-1])
            one = Prepared(trained, sizes=SIZES)
            about = trained.count_params(), row.targets, row.noise
            self.all.append(Network(row.name, *about, None, one))
            self.all += [Network(name, *about, row.noise.debias, one) for name in row.corrected]

    def warm_up(self) -> None:
        """Compile for digits and larger images, so that the first visitor does not wait."""
        for side in (DIGIT, SIDE):
            blank = np.zeros((side, side, self.channels), np.float32)
            self.denoise(blank, [network.name for network in self.all])

    def denoise(
        self, image: np.ndarray, names: Collection[str]
    ) -> dict[str, tuple[np.ndarray, float]]:
        """Denoise an image with the networks of these names; one call at a time (`turn`).

        Parameters
        ----------
        image : ndarray (H, W, C) float32

        Returns
        -------
        dict of str to tuple (ndarray (H, W, C) float32, float)
            Denoised image, not clipped, and milliseconds.
        """
        done = {}
        raw: dict[int, tuple[np.ndarray, float]] = {}  # corrected networks share a prediction
        for network in self.all:
            if network.name not in names:
                continue
            key = id(network.prepared)
            if key not in raw:
                raw[key] = _timed(network.prepared.denoise, image)
            result, milliseconds = raw[key]
            if network.correct:
                corrected, extra = _timed(network.correct, result)
                result, milliseconds = corrected.astype(np.float32), milliseconds + extra
            done[network.name] = result, milliseconds
        return done


def _timed(function: Callable[..., np.ndarray], *arguments: Any) -> tuple[np.ndarray, float]:
    started = time.perf_counter()
    result = function(*arguments)
    return result, (time.perf_counter() - started) * 1000


def _choose(place: str) -> str | None:
    """The first of the places in question that has a network, or None."""
    places = PLACES if place == "auto" else [place]
    return next((name for name in places if any((PLACES[name] / "models").glob("*.keras"))), None)


def _rows(folder: Path) -> Iterator[Row]:
    """The runs of a folder that have a model file.

    Raises
    ------
    InputError
        If one of the few sections that are read is missing or wrong.
    """
    file = folder / layout.PARAMS
    content = validate(_Content, params.read(file), str(file))
    for name in content.runs:
        model_file = folder / layout.model_file(name)
        if not model_file.is_file():
            continue
        run = validate(_Run, content.runs[name], f"{file}: runs.{name}")
        if run.dataset not in content.datasets:
            raise InputError(f"{file}: runs.{name}.dataset = {run.dataset!r}: no such dataset")
        dataset = f"{file}: datasets.{run.dataset}"
        noise_section = validate(_Dataset, content.datasets[run.dataset], dataset).noise
        noise = read_kind("noise", noise_section, f"{dataset}.noise")
        method = read_kind("methods", run.method, f"{file}: runs.{name}.method")
        corrected = [row for row, about in content.debiased.items() if about.run == name]
        if corrected and not noise.invertible:
            raise InputError(
                f"{file}: debiased.{corrected[0]}.run = {name!r}: the mean of its noise cannot be "
                "inverted"
            )
        yield Row(name, model_file, method.targets, noise, corrected)
