"""How near the errors that are estimated without a clean image are to the true ones.

On photographs with known noise (the middle of BSD68's, 128 x 128 pixels) and on the real noise of
PolyU's cameras, several denoisers are measured against the clean images, and estimated without
them:

- SURE, noise known: by the noise model that the noise was drawn from;
- SURE, noise diagnosed: by what `denoising.noise.diagnosis` and the advice make of the noisy images
  alone, which is what a user has. It knows no clean image, and may be wrong;
- second shots: as datasets of two shots are evaluated; three shots (uMSE) are drawn here.

The denoisers need not be good: an estimate is asked for the error of any. The U-Net is trained for
a minute on clean images of Train400 with Gaussian noise of standard deviation 5 to 50 of 255, and
sees every noise of this benchmark, other kinds too.

Where an estimate refuses to be made, because the noise moves the mean or was processed, `if made
all the same` is what it would have said. How often intervals hold the truth is counted over draws
of some images: the truth is the error on the same images, or on all of the case; with few images
intervals are over tiles.

    python -m benchmarks.error_without_truth

takes eight minutes of one core, with BSD and PolyU in data/provided. Writes
benchmarks/error_without_truth.json, and of it the .md and the .png.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import error_without_truth_report as report
from denoising.advice.advise import measured_noise
from denoising.evaluation import filters, metrics, shots, sure
from denoising.evaluation.unreferenced import TILE
from denoising.files import read_json, write_json
from denoising.formats.levels import to_unit
from denoising.middle import middle
from denoising.noise.base import Noise
from denoising.noise.diagnosis.diagnose import diagnose
from denoising.sections import kind, read_kind, validate
from denoising.sources import bsd, polyu

ROOT = Path(__file__).parents[1]
PROVIDED = ROOT / "data/provided"
FILE = Path(__file__).with_suffix(".json")
CROP = 128  # pixels of a side that are denoised, in the middle; noise is diagnosed of whole images
STEPS = 334  # of training, a minute on a busy core
WEAKEST, STRONGEST = 5 / 255, 50 / 255  # noise that is trained on
PATCH, BATCH = 64, 16
DRAWN = {"16 images": 16, "3 images": 3}  # how many are drawn anew; the latter's tiles
DRAWS = 200
RESAMPLES = 500

Images = list[np.ndarray]
Denoise = Callable[[np.ndarray], np.ndarray]


def _gaussian(sigma: float, clip: bool = False) -> dict[str, Any]:
    return {"name": "gaussian", "sigma": sigma / 255, "clip": clip}


NOISES: dict[str, dict[str, Any]] = {
    "gaussian 15": _gaussian(15),
    "gaussian 25": _gaussian(25),
    "gaussian 50": _gaussian(50),
    "poisson, peak 30": {"name": "poisson", "peak": 30, "clip": False},
    "correlated 25": {
        "name": "correlated",
        "sigma": 25 / 255,
        "across": 0.7,
        "down": 0.5,
        "clip": False,
    },
    "gaussian 50, clipped": _gaussian(50, clip=True),
}
FILTERS: dict[str, dict[str, Any]] = {
    "blur 0.5": {"name": "gaussian", "sigma": 0.5},
    "blur 1": {"name": "gaussian", "sigma": 1.0},
    "blur 2": {"name": "gaussian", "sigma": 2.0},
    "median": {"name": "median", "size": 3},
    "wavelet": {"name": "wavelet", "sigma": "estimated"},
    "nlm": {"name": "nlm", "sigma": "estimated"},
}


class Case(NamedTuple):
    """Images with noise.

    Attributes
    ----------
    clean, noisy : ndarray (N, H, W, C) float32
    known : Noise or None
        What the noise was drawn from.
    diagnosed : Noise
    shots : tuple of ndarray
        Further noisy versions, where they can be drawn.
    """

    clean: np.ndarray
    noisy: np.ndarray
    known: Noise | None
    diagnosed: Noise
    shots: tuple[np.ndarray, ...] = ()


def middles(images: Images) -> np.ndarray:
    """(N, CROP, CROP, C)."""
    return np.stack([image[middle(image.shape, CROP)] for image in images])


def read(catalogue: Any, role: str, wanted: Callable[[Any], bool]) -> Images:
    """Images of a source, on the scale [0, 1]."""
    chosen = [one for one in catalogue.images if wanted(one)]
    return [to_unit(np.concatenate(list(one.read[role]())), 0, 255) for one in chosen]


def photographs() -> tuple[Images, Images]:
    """What is trained on, and BSD68."""
    with tempfile.TemporaryDirectory() as kept:
        catalogue = bsd.BSD(name="bsd", test=["BSD68"]).scan(PROVIDED, Path(kept), str)
        return (
            read(catalogue, "clean", lambda one: one.own_set == "train"),
            read(catalogue, "clean", lambda one: one.own_set == "test"),
        )


def cases(clean: Images) -> Iterator[tuple[str, Case]]:
    """All cases by name."""
    for number, (name, section) in enumerate(NOISES.items()):
        noise = read_kind("noise", section, name)
        versions = [
            [
                noise.corrupt(one, np.random.default_rng([number, shot, i]))
                for i, one in enumerate(clean)
            ]
            for shot in range(3)
        ]
        noisy, *others = (middles(version) for version in versions)
        yield name, Case(middles(clean), noisy, noise, diagnosed(versions[0]), tuple(others))
    with tempfile.TemporaryDirectory() as kept:
        catalogue = polyu.PolyU(name="polyu").scan(PROVIDED, Path(kept), str)
        for camera in sorted({one.name.split("_")[0] for one in catalogue.images}):
            pairs = [read(catalogue, role, partial(_is_of, camera)) for role in ("clean", "noisy")]
            clean_ones, noisy = map(middles, pairs)
            yield f"PolyU, {camera}", Case(clean_ones, noisy, None, diagnosed(pairs[1]))


def _is_of(camera: str, image: Any) -> bool:
    return image.name.split("_")[0] == camera


def diagnosed(noisy: Images) -> Noise:
    """The noise as a user would have it."""
    return read_kind("noise", measured_noise(diagnose(noisy, resamples=50)), "diagnosed")


def trained(clean: Images) -> Denoise:
    """A small U-Net for grey images, applied channel by channel."""
    from denoising.compute import backend
    from denoising.compute.backend import keras
    from denoising.networks import base

    backend.prepare(0)
    section = validate(
        kind("networks", "unet"),
        {"levels": 2, "convolutions_per_level": 1, "filters": 24, "kernel_size": 3,
         "residual": True, "initializer": "he_normal", "zero_output": True},
    )  # fmt: skip
    network = base.build("unet", section, 1)
    network.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        batch = []
        for index in rng.integers(len(clean), size=BATCH):
            top, left = (int(rng.integers(side - PATCH)) for side in clean[index].shape[:2])
            batch.append(clean[index][top : top + PATCH, left : left + PATCH])
        targets = np.stack(batch)
        sigma = rng.uniform(WEAKEST, STRONGEST, (BATCH, 1, 1, 1)).astype(np.float32)
        noise = sigma * rng.standard_normal(targets.shape, dtype=np.float32)
        network.train_on_batch(targets + noise, targets)

    def denoise(noisy: np.ndarray) -> np.ndarray:
        channels = np.moveaxis(noisy, -1, 0).reshape(-1, *noisy.shape[1:3], 1)
        found = network.predict(channels, batch_size=BATCH, verbose=0)
        return np.moveaxis(found.reshape(noisy.shape[-1], *noisy.shape[:3]), 0, -1)

    return denoise


def estimates(case: Case, denoise: Denoise, prediction: np.ndarray) -> Iterator[dict[str, Any]]:
    """What each estimator says, as maps (N, H, W) of what pixels add."""
    for name, noise in (("known", case.known), ("diagnosed", case.diagnosed)):
        if noise is None:
            continue
        one = {"estimator": f"SURE, noise {name}", "why": sure.problem(noise) or None}
        added = None
        if noise.has_variance:
            rng = np.random.default_rng(0)
            added = sure.error_map(denoise, case.noisy, noise, rng, prediction)
        yield one | {"map": added}
    if case.shots:
        a, c = case.shots
        for name, b in (("second shots", None), ("three shots (uMSE)", c)):
            # of two shots, the first is the one that was denoised
            noise_map = (case.noisy - (a if b is None else b)) ** 2 / 2
            added = ((a - prediction) ** 2 - noise_map).mean(axis=-1)
            if b is not None:
                found = shots.umse_per_image(prediction, a, case.noisy, c)
                np.testing.assert_allclose(found, added.mean(axis=(1, 2)), atol=1e-6)
            yield {"estimator": name, "why": why_no_shots(case.diagnosed), "map": added}


def why_no_shots(noise: Noise) -> str | None:
    """Why other shots of a scene do not stand for the clean image, if they do not."""
    return None if noise.keeps_mean else sure.problem(noise)


def coverage(errors: np.ndarray, truth: np.ndarray) -> dict[str, dict[str, float]]:
    """How often intervals hold the truth.

    Parameters
    ----------
    errors : ndarray (N, tiles)
        Estimated.
    truth : ndarray (N,)
    """
    rng = np.random.default_rng(1)
    found = {}
    for name, count in DRAWN.items():
        hits = np.zeros(2)
        for _ in range(DRAWS):
            chosen = rng.choice(len(truth), min(count, len(truth)), replace=False)
            few = count < 8
            units = errors[chosen].ravel() if few else errors[chosen].mean(axis=1)
            means = units[rng.integers(len(units), size=(RESAMPLES, len(units)))].mean(axis=1)
            low, high = np.percentile(means, [2.5, 97.5])
            hits += [low <= truth[chosen].mean() <= high, low <= truth.mean() <= high]
        found[name] = dict(zip(("same", "all"), (hits / DRAWS).tolist(), strict=True))
    return found


def tiles(added: np.ndarray) -> np.ndarray:
    """Means of tiles (N, tiles) of a map (N, H, W)."""
    count, side = len(added), CROP // TILE
    return added.reshape(count, side, TILE, side, TILE).mean(axis=(2, 4)).reshape(count, -1)


def measure() -> list[dict[str, Any]]:
    """All rows."""
    training, test = photographs()
    denoisers: dict[str, Denoise] = {
        name: filters.read(section, name) for name, section in FILTERS.items()
    }
    denoisers["U-Net"] = trained(training)
    rows = []
    for name, case in cases(test):
        began = time.monotonic()
        for denoiser, denoise in denoisers.items():
            prediction = np.asarray(denoise(case.noisy), np.float32)
            truth = metrics.mse_per_image(prediction, case.clean)
            for one in estimates(case, denoise, prediction):
                added = one.pop("map")
                row = {"case": name, "images": len(truth), "denoiser": denoiser} | one
                row |= {"true": float(truth.mean()), "estimated": None}
                if added is not None:
                    by_tile = tiles(added)
                    low, high = metrics.mean_interval(by_tile.mean(axis=1), 2000)
                    row |= {"estimated": float(by_tile.mean()), "low": low, "high": high}
                    row["coverage"] = coverage(by_tile, truth)
                rows.append(row | {"noise": case.diagnosed.model_dump()})
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return rows


def main() -> None:
    """Measure, unless only the table is wanted, and write."""
    if "--draw" not in sys.argv:
        write_json(FILE, {"rows": measure()})
    report.write(FILE, read_json(FILE, "rows")["rows"])


if __name__ == "__main__":
    main()
