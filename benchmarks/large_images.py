"""Peak memory of the pipeline on more images than memory holds: python -m benchmarks.large_images

Two folders of sparse NumPy files are made: 320 images of 8,192 x 8,192 pixels, 20 GiB of 8 bits;
and one image of 30,000 x 30,000, beside a small one that validates and one of 10,000 x 10,000 that
tests. The stages are run on them one after the other, with little training. Takes some twenty
minutes on two cores, and 21 GiB of disk.

Writes benchmarks/large_images.json: MiB by stage, and GiB of pixels, by folder.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml

from benchmarks.memory import ROOT, peak_of
from denoising.files import write_json, write_text
from stages.shared import layout, params
from tools import own

FILE = ROOT / "benchmarks/large_images.json"
FOLDERS: Mapping[str, Mapping[str, int]] = {  # side of each image, by name
    "many": {f"clean/{number:03}": 8192 for number in range(320)},
    "large": {"clean/a": 30_000, "clean/b": 2_000, "test/clean/c": 10_000},
}
STAGES = (
    ("fetch", "images"),
    ("corrupt", "images"),
    ("train", "unet"),
    ("evaluate", "unet"),
    ("evaluate_filter", "median"),
)


def main() -> None:
    """Measure, and write the file."""
    os.chdir(ROOT)
    found = {}
    for name, sides in FOLDERS.items():
        with tempfile.TemporaryDirectory() as folder:
            scans, work = Path(folder) / "scans", Path(folder) / name
            for image, side in sides.items():
                make(scans / f"{image}.npy", side)
            write_text(work / layout.PARAMS, parameters(scans))
            peaks = {stage: peak(stage, row, work) for stage, row in STAGES}
        gib = sum(side**2 for side in sides.values()) / 2**30
        found[name] = {"gib": round(gib, 2), "peak_memory_mib": peaks}
    write_json(FILE, found)


def make(path: Path, side: int) -> None:
    """A square image, black but for a line that no other image has; mostly a hole in the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.lib.format.open_memmap(path, "w+", np.uint8, (side, side))
    pixels[0] = np.random.default_rng(list(path.stem.encode())).integers(0, 256, side)


def parameters(scans: Path) -> str:
    """Parameters of a folder of clean images, for little work."""
    content = params.parse(own.compose("clean").replace("FOLDER", f'"{scans}"'), "clean")
    content["budget"] = "smoke"
    content["budgets"]["smoke"]["test_images"] = 1
    content["runs"]["unet"]["patches"] |= {"per_epoch": 1000, "validation": 50}
    split = {"validation": 1} | ({} if (scans / "test").exists() else {"test": 1})
    content["datasets"]["images"] |= {"split": split, "selection": "first"}
    return yaml.safe_dump(content)


def peak(stage: str, row: str, work: Path) -> int:
    os.environ["PYTHONPATH"] = str(ROOT)
    peak = peak_of([sys.executable, "-m", f"stages.{stage}", row], work)
    print(f"{work.name}: {stage} {row}: {peak} MiB", flush=True)
    return peak


if __name__ == "__main__":
    main()
