"""Filters that take all they know from the noisy image, beside those that are told its noise.

Zero-Shot Noise2Noise at some numbers of steps, and calibrated filters beside the same ones with the
true standard deviation of the noise, on

- photographs: some of Set12's images of 256 x 256 pixels, white Gaussian noise, sigma 25/255, not
  clipped, as papers have it;
- digits: the first of the pipeline's test images of MNIST (sigma 0.5, clipped);
- correlated: one of the photographs with equally strong noise that neighbouring pixels share, which
  all of these presume that they do not.

Papers report means over whole sets, not these three images, so none of their numbers stands beside
ours. Clipping makes the noise of digits move the mean, which no filter here expects.

PSNR is the mean over the images, of predictions that are not clipped. Seconds are per image, and of
all cores together (of the processor, not of the clock), since others may be at work. After
`make repro`, with Set12 in data/provided/bsd:

    OMP_NUM_THREADS=1 python -m benchmarks.zero_shot

Takes a quarter of an hour on two cores. Writes benchmarks/zero_shot.json and, of it,
benchmarks/zero_shot.md.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from denoising.compute import backend
from denoising.data import datasets
from denoising.evaluation import filters, metrics
from denoising.evaluation.filters import zero_shot
from denoising.files import read_json, write_json, write_text
from denoising.noise.base import Noise
from denoising.reporting.tables import pipes
from denoising.sections import read_kind
from denoising.sources.shared import image_files
from stages.shared import layout

FILE = Path(__file__).with_suffix(".json")
SET12 = Path("data/provided/bsd/Set12")
PHOTOGRAPHS = ("01", "04", "07")
DIGITS = 20
STEPS = (500, 1000, 2000)  # of one training
SIGMA = 25 / 255
FOLLOWING = ("wavelet", "tv", "nlm")  # filters that are told the noise's level
FIXED = ("gaussian", "median")

Pair = tuple[np.ndarray, np.ndarray]  # clean and noisy, (H, W, C) float32
Score = tuple[str, float, float]  # denoiser, PSNR in dB, seconds


def main() -> None:
    """Measure, and write both files."""
    white = {"name": "gaussian", "sigma": SIGMA, "clip": False}
    shared = {"name": "correlated", "sigma": SIGMA, "across": 1.0, "down": 1.0, "clip": False}
    cases: dict[str, Callable[[], tuple[list[Pair], float]]] = {
        "digits": lambda: (list(_digits()), 0.5),
        "photographs": lambda: (list(_photographs(white, PHOTOGRAPHS)), SIGMA),
        "correlated": lambda: (list(_photographs(shared, PHOTOGRAPHS[:1])), SIGMA),
    }
    found: dict[str, Any] = {"machine": backend.description(), "cases": {}}
    for name, case in cases.items():
        pairs, sigma = case()
        rows: dict[str, Any] = {}
        for clean, noisy in pairs:
            for denoiser, psnr, seconds in _scores(clean, noisy, sigma):
                row = rows.setdefault(denoiser, {"psnr": [], "seconds": []})
                row["psnr"].append(round(psnr, 3))
                row["seconds"].append(round(seconds, 3))
            print(f"{name}: {rows}", flush=True)
        found["cases"][name] = rows
        write_json(FILE, found)
        write_text(FILE.with_suffix(".md"), report(read_json(FILE, "cases")["cases"]))


def report(cases: dict[str, Any]) -> str:
    """The page: a table of what was measured, and what it is."""
    images = {name: len(rows["noisy"]["psnr"]) for name, rows in cases.items()}
    text = [
        "# Filters that take all they know from the noisy image",
        f"Made by `python -m benchmarks.zero_shot`: {images.get('digits')} of MNIST's test images, "
        f"noise of sigma 0.5, clipped; {images.get('photographs')} photographs of Set12, white "
        f"noise of sigma 25 of 255, not clipped; {images.get('correlated')} of them with noise as "
        "strong that neighbouring pixels share. PSNR is the mean over the images, of predictions "
        "that are not clipped. Seconds are of an image, of all cores together.",
    ]
    denoisers = dict.fromkeys(name for rows in cases.values() for name in rows)
    table = []
    for denoiser in denoisers:
        row = {"denoiser": denoiser}
        for case, rows in cases.items():
            scores = rows[denoiser]
            row[f"{case}, PSNR dB"] = f"{np.mean(scores['psnr']):.2f}"
            row[f"{case}, core s"] = f"{np.mean(scores['seconds']):.2f}"
        table.append(row)
    return "\n\n".join([*text, pipes(pd.DataFrame(table))]) + "\n"


def _digits() -> Iterator[Pair]:
    clean, noisy = datasets.read(layout.dataset_file("gauss50", "test"), "test")
    for index in range(DIGITS):
        image = datasets.to_unit(clean[index])
        yield image, noisy[datasets.INPUT][index].astype(np.float32)


def _photographs(noise: dict[str, Any], names: tuple[str, ...]) -> Iterator[Pair]:
    model: Noise = read_kind("noise", noise, "noise")
    for name in names:
        file = image_files.look(SET12 / f"{name}.png")
        clean = datasets.to_unit(np.concatenate(list(file.page(0)())))
        yield clean, model.corrupt(clean[None], np.random.default_rng(int(name)))[0]


def _scores(clean: np.ndarray, noisy: np.ndarray, sigma: float) -> Iterator[Score]:
    def psnr(image: np.ndarray) -> float:
        return float(metrics.psnr(np.mean(np.square(image - clean, dtype=float))))

    yield "noisy", psnr(noisy), 0.0
    told: dict[str, dict[str, Any]] = {
        f"{name}, sigma {which}": {"name": name, "sigma": value}
        for name in FOLLOWING
        for which, value in (("true", sigma), ("estimated", "estimated"))
    }
    calibrated = {
        f"{name}, calibrated": {"name": "calibrated", "filter": name}
        for name in (*FOLLOWING, *FIXED)
    }
    for label, section in sorted((told | calibrated).items()):
        chosen = filters.read(section, label)
        started = time.process_time()
        filtered = chosen(noisy[None])[0]
        yield label, psnr(filtered), time.process_time() - started
    yield from _zero_shot(noisy, psnr)


def _zero_shot(noisy: np.ndarray, psnr: Callable[[np.ndarray], float]) -> Iterator[Score]:
    """At every number of steps of one training, which is that of fewer until then."""
    scale = zero_shot.Scale.of(noisy)
    pixels = scale.apply(noisy)
    learned = zero_shot.window(pixels)
    training = zero_shot.training_for(*learned.shape)
    training.start(learned)
    training.go_on(1)  # compiles it
    training.start(learned)
    done, seconds = 0, 0.0
    for steps in STEPS:
        started = time.process_time()
        training.go_on(steps - done)
        seconds, done = seconds + time.process_time() - started, steps
        denoised = scale.undo(pixels - training.noise(pixels))
        yield f"zs_n2n, {steps} steps", psnr(denoised), seconds


if __name__ == "__main__":
    main()
