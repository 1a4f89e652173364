"""Peak memory of every stage at the article's budget: python -m benchmarks.memory

Runs the stages one after the other in a fresh clone, with as many images and as large batches as
the article's protocol has, but one epoch (ten take somewhat more: results/article/logs). Takes
about half an hour on two cores. With names of runs, only these are trained and evaluated, and put
beside what is there: python -m benchmarks.memory win5rb_n2n_fixed

Writes benchmarks/memory.json, in MiB by stage: `fetch-<source>`, `corrupt-<dataset>`,
`train-<run>`, `evaluate-<run>`, `evaluate_debiased-<row>`, `evaluate_filter-<filter>`, `report`.
A file with `fetch` alone is of the time when there was one source.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from denoising.files import read_json, write_json, write_text
from stages import schema
from stages.shared import layout, params

ROOT = Path(__file__).parent.parent
FILE = ROOT / "benchmarks/memory.json"


def main() -> None:
    """Measure, and write the file."""
    settings, chosen = schema.load(ROOT / layout.PARAMS), sys.argv[1:]
    if unknown := set(chosen) - settings.runs.keys():
        sys.exit(f"error: {', '.join(unknown)}: no such run; there are {', '.join(settings.runs)}")
    peaks = read_json(FILE, "peak_memory_mib")["peak_memory_mib"] if chosen else {}
    with tempfile.TemporaryDirectory() as folder:
        clone = _clone(Path(folder) / "clone")
        for stage in _stages(settings, chosen):
            command = [sys.executable, "-m", f"stages.{stage[0]}", *stage[1:]]
            peak = peak_of(command, clone)
            print("-".join(stage), peak, "MiB", flush=True)
            if not chosen or stage[1] in chosen:  # the others only make the data of these runs
                peaks["-".join(stage)] = peak
    write_json(FILE, {"budget": "article", "peak_memory_mib": peaks})


def _clone(clone: Path) -> Path:
    """A clone at the article's budget, with the images that need not be downloaded again."""
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    for images in (layout.FETCHED, layout.PROVIDED):
        if (ROOT / images).is_dir():
            shutil.copytree(ROOT / images, clone / images, dirs_exist_ok=True)
    content = params.read(clone / layout.PARAMS)
    content["budget"] = "article"
    content["budgets"]["article"]["epochs"] = 1
    write_text(clone / layout.PARAMS, yaml.safe_dump(content))
    return clone


def _stages(settings: schema.Params, chosen: list[str]) -> list[tuple[str, ...]]:
    """Stages and their arguments: all, or those that some runs need."""
    stages: list[tuple[str, ...]] = [("fetch", name) for name in settings.sources]
    stages += [("corrupt", name) for name in settings.datasets]
    for name in chosen or settings.runs:
        stages += [("train", name), ("evaluate", name)]
    if not chosen:
        stages += [("evaluate_debiased", name) for name in settings.debiased]
        stages += [("evaluate_filter", name) for name in settings.filters]
        stages += [("report",)]
    return stages


def peak_of(command: list[str], folder: Path) -> int:
    """Peak memory of a command, in MiB."""
    process = subprocess.Popen(command, cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"error: {' '.join(command[1:])} ended with status {status}")
    return usage.ru_maxrss // 2**10  # KiB on Linux


if __name__ == "__main__":
    main()
