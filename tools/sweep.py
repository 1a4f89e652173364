"""Try values of parameters, and say which give the lowest validation error: make sweep FILE=...

Each trial is rows of runs in a pipeline of its own, beside the file: sweeps/NAME/ for
sweeps/NAME.yaml. DVC trains what is not trained yet, so that the command goes on where it was, and
a trial more costs a trial. Test images are not looked at.
"""

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import yaml

from denoising.files import InputError, read_json, write_json, write_text
from denoising.reporting.tables import pipes
from denoising.sections import validate
from stages.shared import command, layout, params
from tools import folders, sweep_figure
from tools.sweep_plan import (
    Result,
    Search,
    Sweep,
    Trial,
    combinations,
    content_of,
    proposed,
    rows_of,
)

TRIALS = "trials.json"  # what was proposed, in a search


def main(file: Path, cluster: Sequence[str]) -> None:
    """Run what is not done of a sweep, and report.

    Raises
    ------
    InputError
        If something in the file is wrong, or no trial succeeds.
    """
    if file.parent.resolve() != Path("sweeps").resolve() or file.suffix != ".yaml":
        raise InputError(f"FILE={file}: should be sweeps/NAME.yaml")
    if not re.fullmatch("[a-z0-9_]{1,48}", file.stem):
        raise InputError(f"FILE={file}: a name should have only the characters a-z, 0-9 and _")
    sweep = validate(Sweep, params.read(file), str(file))
    folder = file.with_suffix("")
    given = params.read(Path(sweep.pipeline) / layout.PARAMS)
    if sweep.search is None:
        trials = combinations(sweep)
        _run(sweep, given, folder, trials, cluster)
    else:
        trials = _search(sweep, sweep.search, given, folder, cluster)
    _report(sweep, folder, trials)


def _search(
    sweep: Sweep, search: Search, given: params.Content, folder: Path, cluster: Sequence[str]
) -> list[Trial]:
    """Propose, run, and propose again."""
    file, asked = folder / TRIALS, sweep.model_dump(mode="json")
    trials: list[Trial] = []
    if file.exists():
        before = read_json(file, "sweep", "trials")
        same = {key: value for key, value in before["sweep"].items() if key != "search"}
        if same == {key: value for key, value in asked.items() if key != "search"}:
            trials = [Trial(**one) for one in before["trials"]][: search.trials]
    while True:
        if trials:
            _run(sweep, given, folder, trials, cluster)
        if len(trials) == search.trials:
            return trials
        done = [(trial, result(sweep, folder, trial)) for trial in trials]
        if done and all(one.error is None for _, one in done):
            raise InputError(f"{folder}: no trial could be trained, see above")
        count = min(search.together, search.trials - len(trials))
        trials += proposed(sweep, search, done, count)
        kept = [{"parameters": trial.parameters, "stop": trial.stop} for trial in trials]
        write_json(file, {"sweep": asked, "trials": kept})
        command.say(f"{file}: {len(trials)} of {search.trials} trials")


def _run(
    sweep: Sweep,
    given: params.Content,
    folder: Path,
    trials: Sequence[Trial],
    cluster: Sequence[str],
) -> None:
    """Train what is not trained yet. A training that fails is a trial without a result."""
    content = content_of(sweep, given, trials)
    folders.settle(folder, content, "train", cluster, f"of {folder}.yaml by make sweep")


def result(sweep: Sweep, folder: Path, trial: Trial) -> Result:
    """What came of a trial."""
    curves, given_up = [], False
    for name in rows_of(trial, sweep.seeds):
        file = folder / layout.curve_file(name)
        if not file.exists():
            return Result(None, given_up=False, curves=[])
        frame = pd.read_csv(file)
        curves.append(frame["val_mse" if "val_mse" in frame else "val_loss"].tolist())
        epochs = read_json(folder / layout.provenance_file(name), "settings")["settings"]["epochs"]
        given_up |= len(frame) < epochs
    return Result(sum(curve[-1] for curve in curves) / len(curves), given_up, curves)


def _report(sweep: Sweep, folder: Path, trials: Sequence[Trial]) -> None:
    """The table, the figure, and the edit that takes the best over."""
    found = {trial.name: (trial, result(sweep, folder, trial)) for trial in trials}
    rows = [
        trial.parameters
        | {
            "validation error": one.error,
            "note": "failed" if one.error is None else "given up" if one.given_up else "",
            "trial": name,
        }
        for name, (trial, one) in found.items()
    ]
    frame = pd.DataFrame(rows).sort_values("validation error", kind="stable")
    write_text(folder / "table.csv", frame.to_csv(index=False, float_format="%.8g"))
    text = frame.map(lambda value: f"{value:.6g}" if isinstance(value, float) else str(value))
    text.loc[frame["validation error"].isna(), "validation error"] = ""
    sweep_figure.save(frame, list(sweep.parameters), folder / "sweep.png")
    print(pipes(text))
    print(f"\n{folder}/table.csv, {folder}/sweep.png")
    complete = frame[frame.note == ""]
    if complete.empty:
        raise InputError(f"{folder}: no trial was trained to its end, see above")
    if any(path.startswith("datasets.") for path in sweep.parameters):
        print("errors on different data are not to be compared: none is called the best")
        return
    best = found[complete.iloc[0]["trial"]][0]
    params_file = Path(sweep.pipeline, layout.PARAMS)
    edits = "".join(f"\n  {path}: {_as_yaml(one)}" for path, one in best.parameters.items())
    print(f"the lowest validation error, {best.name}; in {params_file}:{edits}")
    if sweep.pipeline == ".":
        pairs = [f"{path}={_as_yaml(one)}" for path, one in best.parameters.items()]
        print("or: dvc exp run " + " ".join(f"-S {shlex.quote(pair)}" for pair in pairs))


def _as_yaml(value: object) -> str:
    return str(yaml.safe_dump(value, default_flow_style=True)).splitlines()[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tools.sweep", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("file", type=Path, help="sweeps/NAME.yaml")
    folders.add_cluster(parser)
    arguments = parser.parse_args()
    with command.errors_of_one_line("sweep"):
        main(arguments.file, arguments.cluster)
