"""Peak memory of the command line: python -m benchmarks.cli_memory

Denoises a colour image of 4,000 x 3,000 pixels in several formats, and stacks of 20 and of 200
pages, with the published CAE, each in a process of its own. Takes a few minutes on two cores.
Prints MiB. With words, only the cases whose names have one of them.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from benchmarks.memory import ROOT, peak_of

MODEL = ROOT / "results/article/models/cae.keras"
LARGE = (3000, 4000, 3)
CASES = {
    "colour of 8 bits, PNG": ("a.png", LARGE, np.uint8),
    "colour of 8 bits, JPEG": ("a.jpg", LARGE, np.uint8),
    "colour of 8 bits, WebP": ("a.webp", LARGE, np.uint8),
    "colour of 16 bits, TIFF": ("a.tif", LARGE, np.uint16),
    "colour of float32, TIFF": ("b.tif", LARGE, np.float32),
    "20 pages of 16 bits, TIFF": ("c.tif", (20, 512, 512), np.uint16),
    "200 pages of 16 bits, TIFF": ("d.tif", (200, 512, 512), np.uint16),
}


def main() -> None:
    """Measure, and print."""
    chosen = sys.argv[1:]
    for name, (file, shape, dtype) in CASES.items():
        if not chosen or any(word in name for word in chosen):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / file
                _make(path, shape, dtype)
                command = [sys.executable, "-m", "denoising.cli", str(MODEL), str(path)]
                peak = peak_of([*command, "--out", str(path.parent / "out")], ROOT)
                print(f"{name}: {peak} MiB", flush=True)


def _make(path: Path, shape: tuple[int, ...], dtype: type) -> None:
    """A file of noise, which no format compresses."""
    white = 1 if dtype is np.float32 else np.iinfo(dtype).max
    pixels: np.ndarray = (np.random.default_rng(0).random(shape, np.float32) * white).astype(dtype)
    if path.suffix == ".tif":
        colour = shape[-1] == 3
        tifffile.imwrite(
            path, pixels, photometric="rgb" if colour else "minisblack", compression="deflate"
        )
    else:
        Image.fromarray(pixels).save(path)


if __name__ == "__main__":
    main()
