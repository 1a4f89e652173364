"""Peak memory of a training over the number of images: python -m benchmarks.training_memory

Folders of sparse NumPy files of 4,096 x 4,096 pixels, 8 bits, are made; a U-Net is trained on
patches of each for one short epoch. Takes five minutes on two cores, and 6 GiB of disk.

Writes benchmarks/training_memory.json, MiB by number of images and stage, and .png.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from benchmarks import large_images
from benchmarks.memory import ROOT
from denoising.files import write_json, write_text
from stages.shared import layout

FILE = ROOT / "benchmarks/training_memory.json"
SIDE = 4096
NUMBERS = (10, 40, 160)
STAGES = (("fetch", "images"), ("corrupt", "images"), ("train", "unet"))


def main() -> None:
    """Measure, and write the files."""
    os.chdir(ROOT)
    found: dict[int, dict[str, Any]] = {}
    for number in NUMBERS:
        with tempfile.TemporaryDirectory() as folder:
            scans, work = Path(folder) / "scans", Path(folder) / f"{number} images"
            for image in range(number):
                large_images.make(scans / f"clean/{image:03}.npy", SIDE)
            write_text(work / layout.PARAMS, large_images.parameters(scans))
            work_peaks = {stage: large_images.peak(stage, row, work) for stage, row in STAGES}
        found[number] = {"gib": number * SIDE**2 / 2**30, "peak_memory_mib": work_peaks}
    write_json(FILE, {str(number): row for number, row in found.items()})
    figure, axis = plt.subplots(figsize=(5, 3.2), layout="constrained")
    for stage, _ in STAGES:
        peaks = [row["peak_memory_mib"][stage] for row in found.values()]
        axis.plot(NUMBERS, peaks, "-o", label=stage)
    axis.set(
        xscale="log", xlabel=f"images of {SIDE:,} x {SIDE:,} pixels", ylabel="peak memory, MiB"
    )
    axis.set_xticks(NUMBERS, [str(number) for number in NUMBERS])
    axis.minorticks_off()
    axis.set_ylim(bottom=0)
    axis.grid(visible=True, alpha=0.3)
    axis.legend()
    figure.savefig(FILE.with_suffix(".png"), dpi=120)


if __name__ == "__main__":
    main()
