"""Peak memory of every stage at the article's budget: python -m benchmarks.memory

Runs the stages one after the other in a fresh clone, with as many images and as large batches as the article's protocol has
but one epoch (ten take somewhat more: results/article/logs). Takes about half an hour on two cores. Writes
benchmarks/memory.json. With names of runs only those are trained and evaluated, and put beside what is there:
python -m benchmarks.memory win5rb_n2n_fixed
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ruamel.yaml import YAML

from denoising.files import write_json
from stages import schema as params
from stages.shared import layout

ROOT = Path(__file__).parent.parent


def main():
    settings = params.load(ROOT / "params.yaml")
    if unknown := set(sys.argv[1:]) - settings.runs.keys():
        sys.exit(f"error: {', '.join(unknown)}: no such run; there are {', '.join(settings.runs)}")
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        if (ROOT / layout.RAW).is_dir():
            shutil.copytree(ROOT / layout.RAW, clone / layout.RAW)
        yaml = YAML()
        content = yaml.load(clone / "params.yaml")
        content["budget"] = "article"
        content["budgets"]["article"]["epochs"] = 1
        yaml.dump(content, clone / "params.yaml")
        stages = [("fetch",), *(("corrupt", name) for name in settings.datasets)]
        stages += [
            (stage, name)
            for name in sys.argv[1:] or settings.runs
            for stage in ("train", "evaluate")
        ]
        if not sys.argv[1:]:
            stages += [("evaluate_filter", name) for name in settings.filters] + [("report",)]
        file = ROOT / "benchmarks/memory.json"
        peaks = json.loads(file.read_text())["peak_memory_mib"] if sys.argv[1:] else {}
        for stage in stages:
            peaks["-".join(stage)] = _peak(
                [sys.executable, "-m", f"stages.{stage[0]}", *stage[1:]], clone
            )
            print("-".join(stage), peaks["-".join(stage)], "MiB", flush=True)
    write_json(file, {"budget": "article", "peak_memory_mib": peaks})


def _peak(command, folder):
    process = subprocess.Popen(command, cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"error: {' '.join(command[1:])} ended with status {status}")
    return usage.ru_maxrss // 2**10  # KiB on Linux


if __name__ == "__main__":
    main()
