"""Peak memory of every stage at the article's budget: python -m benchmarks.memory

Runs the stages one after the other in a fresh clone, with as many images and as large batches as the article's protocol has
but one epoch (the others need no more). Takes about half an hour on two cores. Writes benchmarks/memory.json.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ruamel.yaml import YAML

from denoising import params
from denoising.files import write_json
from stages import layout

ROOT = Path(__file__).parent.parent


def main():
    settings = params.load(ROOT / "params.yaml")
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
        stages += [(stage, name) for name in settings.runs for stage in ("train", "evaluate")]
        stages += [("evaluate_filter", name) for name in settings.filters] + [("report",)]
        peaks = {}
        for stage in stages:
            peaks["-".join(stage)] = _peak([sys.executable, "-m", f"stages.{stage[0]}", *stage[1:]], clone)
            print("-".join(stage), peaks["-".join(stage)], "MiB", flush=True)
    write_json(ROOT / "benchmarks/memory.json", {"budget": "article", "peak_memory_mib": peaks})


def _peak(command, folder):
    process = subprocess.Popen(command, cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"error: {' '.join(command[1:])} ended with status {status}")
    return usage.ru_maxrss // 2**10  # KiB on Linux


if __name__ == "__main__":
    main()
