"""Wall time of the pipeline, serially and side by side: python -m benchmarks.cluster

`make repro` and `make repro CLUSTER=local`, each in a fresh clone without DVC's cache, one after
the other. What a machine measures once (convolutions, for each number of cores) counts, unless it
was measured before. With `cpus: 1` a stage has a core of its own, as many run side by side. Words
are taken as parameters, such as budget=smoke. Takes half an hour at the default budget on two
cores; leave the machine alone meanwhile. Writes benchmarks/cluster.json.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from denoising.compute import backend
from denoising.files import write_json
from stages.shared import log

ROOT = Path(__file__).parent.parent
WAYS = {"serial": ["dvc", "repro"], "local": [sys.executable, "-m", "cluster", "local"]}
ATTEMPT = re.compile(r"done +(\S+) .* ([0-9.]+) s, of which ([0-9.]+) s beside the stage")


def main() -> None:
    """Measure both, and write the file."""
    found: dict[str, float] = {}
    beside: list[float] = []
    for way, command in WAYS.items():
        with tempfile.TemporaryDirectory() as temporary:
            clone = Path(temporary) / "clone"
            subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
            (clone / "dvc.lock").unlink()  # of other parameters, or of another machine
            for change in sys.argv[1:]:
                _set(clone / "params.yaml", *change.split("="))
            started = time.perf_counter()
            lines = []
            with subprocess.Popen(
                command, cwd=clone, stdout=subprocess.PIPE, text=True, env=_environment()
            ) as process:
                for line in process.stdout or ():
                    sys.stdout.write(line)
                    lines.append(line)
            if process.returncode:
                sys.exit(f"error: {' '.join(command)} ended with exit code {process.returncode}")
            found[way] = time.perf_counter() - started
            beside += [float(match[3]) for match in map(ATTEMPT.search, lines) if match]
    result = {
        "machine": backend.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "parameters": sys.argv[1:],
        "git_revision": log.git_revision(),
        "seconds": {way: round(seconds, 1) for way, seconds in found.items()},
        "times_as_fast": round(found["serial"] / found["local"], 3),
        "attempts": len(beside),
        "seconds_an_attempt": round(statistics.median(beside), 2),
        "seconds_of_the_slowest_attempt": round(max(beside), 2),
    }
    write_json(Path(__file__).with_suffix(".json"), result)
    print(result)


def _set(params: Path, key: str, value: str) -> None:
    text = params.read_text()
    changed = re.sub(rf"(?m)^{key}: *[^\s#]+", f"{key}: {value}", text, count=1)
    if changed == text and f"{key}: {value}" not in text:
        sys.exit(f"error: {key}: no such key in params.yaml")
    params.write_text(changed)


def _environment() -> dict[str, str]:
    folder = Path(sys.executable).parent
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


if __name__ == "__main__":
    main()
