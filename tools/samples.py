"""Folders of images to try the pipeline on, made from photographs that scikit-image has

    python -m tools.samples clean samples/photos    # 8-bit grey PNG files
    python -m tools.samples pairs samples/scans     # 8-bit colour PNG files, noisy and clean
    python -m tools.samples stacks samples/films    # 16-bit TIFF stacks, noisy and clean
    python -m tools.samples grain samples/grain     # noisy TIFF files alone: white noise,
    python -m tools.samples photons samples/photons #   noise that grows with the signal,
    python -m tools.samples shared samples/shared   #   noise that neighbouring pixels share

The photographs are real, the noise is simulated: that of pairs and stacks is shot noise and read
noise. A clean folder gets some noisy images beside it, in <folder>_noisy, as if taken later.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from denoising.data.streams import rng_for
from denoising.files import InputError
from denoising.middle import middle
from denoising.sections import read_kind
from stages.shared import command

# of those that come with scikit-image itself
PHOTOGRAPHS = (
    *("astronaut", "brick", "camera", "chelsea", "coffee", "coins", "grass", "gravel"),
    *("hubble_deep_field", "immunohistochemistry", "moon", "page", "retina", "rocket"),
)
SIDE = 256  # pixels, of the middle of each that is taken
PAGES = 5  # of a stack
PHOTONS = 400.0  # in the mean, at white
READ_NOISE = 0.02  # standard deviation; white is 1
SIGMA = 0.1  # of the noise of presets/clean.yaml
TWELVE_BITS = 4095
ALONE: dict[str, dict[str, Any]] = {  # noisy images and nothing else
    "grain": {"name": "gaussian", "sigma": 0.1, "clip": False},
    "photons": {"name": "poisson", "peak": 50.0, "clip": False},
    "shared": {"name": "correlated", "sigma": 0.08, "across": 0.8, "down": 0.8, "clip": False},
}


def main(kind: str, folder: Path) -> None:
    """Write a folder of samples.

    Raises
    ------
    InputError
        If it is there already.
    """
    beside = folder.with_name(f"{folder.name}_noisy")
    for path in (folder, beside) if kind == "clean" else (folder,):
        if path.exists():
            raise InputError(f"{path}: is there already; name another folder")
    rng = rng_for(0, "samples")
    noise = read_kind("noise", ALONE[kind], kind) if kind in ALONE else None
    count = 0
    for name, photograph in _photographs():
        grey = photograph.mean(axis=2, keepdims=True)
        if kind == "clean":
            _save(folder / "clean" / f"{name}.png", grey)
            if count % 4 == 0:
                noisy = grey + rng.normal(0, SIGMA, grey.shape)
                _save(beside / f"{name}.png", noisy)
        elif kind == "pairs":
            _save(folder / "clean" / f"{name}.png", photograph)
            _save(folder / "noisy" / f"{name}.png", _as_a_camera_sees(photograph, rng))
        elif noise:
            noisy = noise.corrupt(grey.astype(np.float32), rng)
            _save_float(folder / "noisy" / f"{name}.tif", noisy)
        else:
            film = _film(grey)
            _save_stack(folder / "clean" / f"{name}.tif", film)
            _save_stack(folder / "noisy" / f"{name}.tif", _as_a_camera_sees(film, rng))
        count += 1
    command.say(f"{folder}: {count} {'stacks' if kind == 'stacks' else 'images'}")


def _photographs() -> Iterator[tuple[str, np.ndarray]]:
    """Names, and the middle of each: (h, w, 3) on the scale [0, 1]."""
    from skimage import data

    for name in PHOTOGRAPHS:
        pixels = getattr(data, name)() / 255
        if pixels.ndim == 2:
            pixels = np.repeat(pixels[..., None], 3, axis=2)
        yield name, pixels[*middle(pixels.shape, SIDE), :3]


def _as_a_camera_sees(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    shot = rng.poisson(clean * PHOTONS) / PHOTONS
    return shot + rng.normal(0, READ_NOISE, clean.shape)


def _film(still: np.ndarray) -> np.ndarray:
    """Pages (n, h, w, 1) over which a window moves."""
    height, width = (size - PAGES + 1 for size in still.shape[:2])
    return np.stack([still[page : page + height, page : page + width] for page in range(PAGES)])


def _save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(stored[..., 0] if stored.shape[2] == 1 else stored).save(path)


def _save_stack(path: Path, pages: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = np.round(np.clip(pages[..., 0], 0, 1) * TWELVE_BITS).astype(np.uint16)
    tifffile.imwrite(path, stored, photometric="minisblack", compression="zlib")


def _save_float(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, image[..., 0], photometric="minisblack", compression="zlib")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tools.samples", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("kind", choices=["clean", "pairs", "stacks", *ALONE])
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    with command.errors_of_one_line("samples"):
        main(arguments.kind, arguments.folder)
