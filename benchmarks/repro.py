"""Wall time of `make repro`, by stage, in a fresh clone without any cache.

    python benchmarks/repro.py

Installation is not counted: it runs first. Leave the machine alone meanwhile. Writes
benchmarks/repro.json. A folder as an argument keeps the clone.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Measure, and write the file."""
    with tempfile.TemporaryDirectory() as temporary:
        clone = Path(sys.argv[1] if len(sys.argv) > 1 else temporary) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        subprocess.run(["make", "check-params"], cwd=clone, check=True)  # installs
        started = time.perf_counter()
        marks = [("make", started)]
        with subprocess.Popen(
            ["make", "repro"], cwd=clone, stdout=subprocess.PIPE, text=True
        ) as make:
            for line in make.stdout or ():
                sys.stdout.write(line)
                if stage := re.match(r"Running stage '(.+)'", line):
                    marks.append((stage[1], time.perf_counter()))
        if make.returncode:
            sys.exit(f"error: make repro ended with exit code {make.returncode}")
        ended = time.perf_counter()
        names, times = zip(*marks, strict=True)
        seconds = {
            name: round(end - start, 1)
            for name, start, end in zip(names, times, (*times[1:], ended), strict=True)
        }
        logs = [json.loads(file.read_text()) for file in (clone / "logs").glob("*.json")]
        again = time.perf_counter()
        output = subprocess.run(
            ["make", "repro"], cwd=clone, check=True, capture_output=True, text=True
        ).stdout
        result = {
            "device": json.loads(next((clone / "models").glob("*.json")).read_text())[
                "environment"
            ]["device_name"],
            "cores": len(os.sched_getaffinity(0)),
            "git_revision": logs[0]["git_revision"],
            "minutes": round((ended - started) / 60, 1),
            "share_in_training_and_inference": round(_in_networks(clone) / (ended - started), 3),
            "seconds": seconds,
            "seconds_of_a_second_call": round(time.perf_counter() - again, 1),
            "stages_of_a_second_call": output.count("Running stage"),
            "peak_memory_mib": max(log["peak_memory_mib"] for log in logs),
        }
    (ROOT / "benchmarks/repro.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def _in_networks(clone: Path) -> float:
    """Seconds in which images went through networks: not start-up, not data, not metrics."""
    training = sum(
        json.loads(file.read_text())["seconds"] for file in (clone / "logs").glob("train-*.json")
    )
    inference = 0.0
    for file in (clone / "logs").glob("evaluate-*.json"):
        images = json.loads((clone / "metrics" / file.name.removeprefix("evaluate-")).read_text())[
            "images"
        ]
        inference += json.loads(file.read_text())["milliseconds_an_image"] / 1000 * images
    return training + inference


if __name__ == "__main__":
    main()
