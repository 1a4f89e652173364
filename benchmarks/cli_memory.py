"""Peak memory of the command line: python -m benchmarks.cli_memory

Denoises a colour image of 4,000 x 3,000 pixels, of 8 and of 16 bits, and stacks of 20 and of 200
pages, with the published CAE, each in a process of its own. Takes a few minutes on two cores.
Prints MiB.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from denoising.formats.base import Header
from denoising.formats.numpy_files import NumpyFile
from denoising.formats.writing import create

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "results/article/models/cae.keras"
CASES = {  # pages, height, width, channels, type, file
    "colour, 8 bits, PNG": (1, 3000, 4000, 3, "u1", "a.png"),
    "colour, 8 bits, JPEG": (1, 3000, 4000, 3, "u1", "a.jpg"),
    "colour, 16 bits, TIFF": (1, 3000, 4000, 3, "u2", "a.tif"),
    "stack of 20, 16 bits, TIFF": (20, 512, 512, 1, "u2", "b.tif"),
    "stack of 200, 16 bits, TIFF": (200, 512, 512, 1, "u2", "c.tif"),
}
FORMAT = {".png": "PNG", ".jpg": "JPEG", ".tif": "TIFF"}


def main() -> None:
    """Measure, and print."""
    chosen = sys.argv[1:]
    for name, case in CASES.items():
        if not chosen or any(word in name for word in chosen):
            with tempfile.TemporaryDirectory() as folder:
                print(f"{name}: {_peak(Path(folder), *case)} MiB", flush=True)


def _peak(
    folder: Path, pages: int, height: int, width: int, channels: int, dtype: str, name: str
) -> int:
    rng = np.random.default_rng(0)
    path = folder / name
    one = folder / "one.npy"  # what the image is like
    np.save(one, np.zeros((1, height, width, channels), dtype))
    form = FORMAT[path.suffix]
    source = NumpyFile(one)
    header = Header(one, form, pages, height, width, channels, np.dtype(dtype))
    source.header = header
    with create(path, source, format=form) as writer:
        for page in range(pages):
            top = np.iinfo(dtype).max
            pixels = rng.integers(0, top, (height, width, channels), dtype, endpoint=True)
            writer.write(page, pixels)
    command = [sys.executable, "-m", "denoising.cli", MODEL, path, "--out", folder / "out"]
    process = subprocess.Popen(command, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"error: {path.name}: the command ended with status {status}")
    return usage.ru_maxrss // 2**10  # KiB on Linux


if __name__ == "__main__":
    main()
