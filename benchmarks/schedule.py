"""A dry schedule of the article's protocol by five seeds: python -m benchmarks.schedule

Nothing is trained: stages take what they took when the published results were computed, each on a
machine of two cores (results/article/logs), and what an attempt costs beside its stage, as
`benchmarks/cluster.json` has it. Workers are such machines; one that is ten times as fast divides
all but the attempts' own seconds by ten. Whenever a worker is free it takes the stage that can
begin and has the longest way to the end. `CLUSTER` itself takes those that can begin in DVC's
order, which is the second column. Writes benchmarks/schedule.md.
"""

import heapq
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from denoising.files import read_json, write_text
from denoising.reporting.tables import pipes
from stages.shared import params

ROOT = Path(__file__).parent.parent
LOGS = ROOT / "results/article/logs"
SEEDS = 5
WORKERS = (1, 8, 64)

Graph = Mapping[str, set[str]]  # what each stage needs


def main() -> None:
    """Schedule, and write the file."""
    overhead = read_json(Path(__file__).with_name("cluster.json"))["seconds_an_attempt"]
    needs, seconds = protocol()
    ways = longest_ways(needs, seconds)
    order = {stage: place for place, stage in enumerate(needs)}
    rows = []
    for workers in WORKERS:
        times = {stage: value + overhead for stage, value in seconds.items()}
        longest_first = makespan(needs, times, workers, lambda stage: -ways[stage])
        in_order = makespan(needs, times, workers, order.__getitem__)
        bound = max(sum(times.values()) / workers, max(longest_ways(needs, times).values()))
        rows.append(
            {
                "workers": str(workers),
                "longest way first, hours": f"{longest_first / 3600:.2f}",
                "in DVC's order, hours": f"{in_order / 3600:.2f}",
                "no schedule is shorter than": f"{bound / 3600:.2f}",
                "bound by": "work" if bound > max(ways.values()) + 10 * overhead else "the chain",
                "busy": f"{sum(times.values()) / workers / in_order:.0%}",
            }
        )
    longest = max(ways, key=ways.__getitem__)
    text = [
        f"{len(needs)} stages: {len(needs) // SEEDS // 2} runs by {SEEDS} seeds, "
        f"{sum(seconds.values()) / 3600:.1f} hours of work. The longest chain begins with "
        f"{longest}: {ways[longest] / 3600:.2f} hours. Each attempt takes {overhead} s more. "
        "Simulated from measured times: `python -m benchmarks.schedule`.",
        pipes(pd.DataFrame(rows)),
    ]
    write_text(Path(__file__).with_suffix(".md"), "\n\n".join(text) + "\n")
    print("\n\n".join(text))


def protocol() -> tuple[dict[str, set[str]], dict[str, float]]:
    """What each training and evaluation needs, and its seconds, in the order of params.yaml."""
    needs: dict[str, set[str]] = {}
    seconds: dict[str, float] = {}
    images = read_json(ROOT / "results/article/metrics/cnn.json", "images")["images"]
    known = [run for run in params.read(ROOT / "params.yaml")["runs"] if _log("train", run)]
    for run in known:
        for seed in range(SEEDS):
            train, evaluate = f"train@{run}_{seed}", f"evaluate@{run}_{seed}"
            needs |= {train: set(), evaluate: {train}}
            seconds[train] = _log("train", run)["seconds"]
            milliseconds = _log("evaluate", run)["milliseconds_an_image"]
            seconds[evaluate] = milliseconds / 1000 * images
    return needs, seconds


def _log(stage: str, run: str) -> dict[str, float]:
    file = LOGS / f"{stage}-{run}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def longest_ways(needs: Graph, seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds from the beginning of each stage to the end of the last that hangs on it."""
    found: dict[str, float] = {}
    for stage in reversed(list(needs)):  # those that need it come after it
        after = [found[other] for other in found if stage in needs[other]]
        found[stage] = seconds[stage] + max(after, default=0.0)
    return found


def makespan(
    needs: Graph, seconds: Mapping[str, float], workers: int, key: Callable[[str], float]
) -> float:
    """Seconds until all is done, where the stage of the least key goes first."""
    waits, done, now = dict(needs), set[str](), 0.0
    under_way: list[tuple[float, str]] = []
    while waits or under_way:
        can = sorted((stage for stage in waits if waits[stage] <= done), key=key)
        for stage in can[: workers - len(under_way)]:
            heapq.heappush(under_way, (now + seconds[stage], stage))
            del waits[stage]
        now, ended = heapq.heappop(under_way)
        done.add(ended)
    return now


if __name__ == "__main__":
    main()
