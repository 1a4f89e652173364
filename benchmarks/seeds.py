"""How much does a result depend on the seed, and on the way it is computed?

`python -m benchmarks.seeds` trains runs of the pipeline with other training seeds. `fast` is what
the pipeline does on this machine; `plain` is in float32, with direct convolutions. All are rows of
runs in a pipeline of its own for each budget, sweeps/seeds_laptop and sweeps/seeds_smoke, so that
the command can be stopped and goes on (two hours on two cores in all). With `--cluster ADDRESS`
they run side by side, as docs/cluster.md says.

What comes of them are rows of benchmarks/seeds.csv; what is there is not trained again. For another
machine or budget remove the file. In the published rows, `plain` has Keras's own batch
normalisation; now it has the pipeline's. Steps are then the same but for rounding, to which
tests/test_execution.py holds them. It grows in a whole training, to less than what another seed
makes of it; networks without batch normalisation end at the same error.

Writes benchmarks/accuracy.md (benchmarks/accuracy.py) and benchmarks/spread.md
(benchmarks/spread.py).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import accuracy, spread
from denoising.compute import backend
from denoising.files import InputError, read_json, write_text
from stages import schema
from stages.shared import layout, log, params
from tools import folders

FILE = Path(__file__).parent / "seeds.csv"
CHEAP, DEAR = {"cnn": 5, "cae": 5}, {"dncnn": 3, "win5rb": 3}
JOBS = {  # by budget and way: seeds of each run
    "laptop": {"plain": CHEAP | DEAR, "fast": CHEAP | DEAR | {"win5rb_n2n": 3}},
    "smoke": {"fast": dict.fromkeys([*CHEAP, *DEAR, "win5rb_n2n"], 5)},
}
WAYS = {"plain": {"precision": "float32", "convolution": "direct"}, "fast": {}}  # what a row sets
AMOUNTS = ("train_images", "epochs", "batch_size", "learning_rate")
Row = dict[str, Any]  # of the file


def main(cluster: Sequence[str]) -> None:
    """Train what is not there yet, and write both tables.

    Parameters
    ----------
    cluster : sequence of str
        See `folders.settle`.

    Raises
    ------
    InputError
        If there are rows of another machine or budget, or a training fails.
    """
    schema.load()  # refuses a bad params.yaml
    rows = _there()
    for budget in JOBS:
        content = params.read() | {"budget": budget}
        same = params.pick(params.budget(content), *AMOUNTS)
        here = {} if cluster else {"device": backend.device()[1]}
        _refuse_others(rows, budget, same | here)
        missing = [key for key in keys(budget) if not any(row | key == row for row in rows)]
        if missing:
            rows += trained(content, missing, cluster)
            _refuse_others(rows, budget, {"device": rows[-1]["device"]})
            write_text(FILE, pd.DataFrame(rows).to_csv(index=False, float_format="%.8g"))
    accuracy.main()
    spread.main()


def _there() -> list[Row]:
    if not FILE.is_file():
        return []
    text = {"git_revision": str, "by_fft": str}  # a revision such as 1234e56 is not a number
    return pd.read_csv(FILE, dtype=text, keep_default_na=False).to_dict("records")


def _refuse_others(rows: Iterable[Row], budget: str, same: Row) -> None:
    """Rows of a budget are compared: they must have this in common."""
    if others := [row for row in rows if row["budget"] == budget and row | same != row]:
        raise InputError(
            f"{FILE} has rows of another machine or budget, such as {others[0]}; now: {same}"
        )


def keys(budget: str) -> list[Row]:
    """What tells the rows of a budget apart."""
    return [
        {"budget": budget, "way": way, "run": run, "seed": seed}
        for way, seeds in JOBS[budget].items()
        for run, count in seeds.items()
        for seed in range(count)
    ]


def name_of(key: Row) -> str:
    """Of the row of runs."""
    return "{run}_{way}_seed{seed}".format(**key)


def rows_of_runs(content: params.Content, of: Iterable[Row]) -> params.Content:
    """Runs of a params.yaml with the seeds of these keys, computed in their ways."""
    return {
        name_of(key): folders.row_with(
            params.row(content, "runs", key["run"]),
            WAYS[key["way"]] | {"seeds.training": key["seed"]},
        )
        for key in of
    }


def trained(content: params.Content, of: Sequence[Row], cluster: Sequence[str]) -> list[Row]:
    """Rows of these keys: the MSE over the test images, and how it was computed.

    Parameters
    ----------
    content : dict
        Of a valid params.yaml.
    """
    folder = Path("sweeps") / f"seeds_{content['budget']}"
    asked = folders.alone(content, rows_of_runs(content, of))
    scores = folders.measured(folder, asked, cluster, "by python -m benchmarks.seeds")
    amounts = params.pick(params.budget(content), *AMOUNTS)
    found = []
    for key in of:
        name = name_of(key)
        made_of = read_json(folder / layout.provenance_file(name), "settings")["settings"]
        by_fft = {"by_fft": " ".join(made_of["convolutions_by_fft"])}
        about = {"device": scores[name]["device"], "git_revision": log.git_revision()}
        found.append(key | params.pick(scores[name], "mse", "precision") | by_fft | amounts | about)
    return found


if __name__ == "__main__":
    folders.run(main)
