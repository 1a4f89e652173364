"""Keep the results of the present budget in results/<budget>/, or draw published ones again.

Not a stage of the pipeline: `make publish`, `make publish SOURCE=bsd` for the folder own/bsd,
`make report BUDGET=article`. Rows are published one by
one, as they are there and up to date; what was published of the others before stays, and what was
never run is an empty row. Tables and figures are drawn from such a folder alone, and the article's
numbers. Networks are published with kernels in float16, and the MSE that they then have, in the
order of the runs for as long as they fit into what every clone is asked to carry.
"""

import argparse
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from denoising.files import (
    InputError,
    one_line,
    read_json,
    sha256,
    write_arrays,
    write_bytes,
    write_json,
    write_text,
)
from denoising.inference import float16_export
from denoising.middle import middle
from stages import evaluate, report, schema
from stages.evaluating import measuring, prediction
from stages.shared import command, images, layout, params
from tools import lockfile, programs, work

NETWORKS = 13_000_000  # bytes of all published networks of a budget; git keeps every version
EXAMPLE = 96  # pixels of a side, of larger test images that are kept to be looked at
_KEPT = ("clean", "noisy", "prediction")

# where params.yaml names the rows of a stage
SECTIONS = {
    "fetch": "sources",
    "corrupt": "datasets",
    "train": "runs",
    "evaluate": "runs",
    "evaluate_debiased": "debiased",
    "evaluate_filter": "filters",
}


def publish(content: params.Content) -> None:
    """Copy what belongs to every row that is up to date.

    Raises
    ------
    InputError
        If nothing is up to date.
    """
    chosen = schema.validate(content)
    target = layout.RESULTS / chosen.budget
    stale_stages = set(json.loads(programs.output("dvc", "status", "--json")))
    published: list[str] = []
    kept: list[str] = []
    for name, stages in stages_of_rows(chosen).items():
        behind = [stage for stage in stages if stage in stale_stages]
        if behind:
            print(f"{name}: left out, {behind[0]} is not up to date")
            continue
        published.append(name)
        kept += stages
        if name in chosen.runs:
            publish_network(name, target, content)
        _copy(name, target, trained=name in chosen.runs)
        _copy_errors(name, target, in_grid=name not in chosen.filters or not chosen.runs)
    if not published:
        raise InputError(f"nothing of budget {chosen.budget} is up to date: run `make repro` first")
    _merge_lock(target / layout.LOCK, kept)
    write_bytes(target / layout.PARAMS, layout.PARAMS.read_bytes())
    print(f"{target}: {', '.join(published)}")
    redraw(chosen.budget)


def stages_of_rows(chosen: schema.Params) -> dict[str, list[str]]:
    """The stages that the results of each row come from, the one that evaluates it last."""
    own = {name: [f"train@{name}", f"evaluate@{name}"] for name in chosen.runs}
    for name, row in chosen.debiased.items():
        own[name] = [f"train@{row.run}", f"evaluate_debiased@{name}"]
    own |= {name: [f"evaluate_filter@{name}"] for name in chosen.filters}
    rows: dict[str, Any] = {**chosen.runs, **chosen.debiased, **chosen.filters}
    data = {
        name: [f"fetch@{dataset.source}", f"corrupt@{name}"]
        for name, dataset in chosen.datasets.items()
    }
    return {name: [*data[rows[name].dataset], *stages] for name, stages in own.items()}


def redraw(budget: str) -> None:
    """Tables and figures of a published folder, of the rows that it holds."""
    root = layout.RESULTS / budget
    path = root / layout.PARAMS
    try:
        chosen = report.settings(params.read(path))
    except KeyError as error:
        raise InputError(f"{path}: lacks {error.args[0]}") from None
    except (TypeError, AttributeError):
        raise InputError(f"{path}: a section is not what it should be") from None
    missing = [name for name in chosen.datasets if not (root / layout.metrics_file(name)).is_file()]
    report.draw(chosen, root, missing)
    if costs := work.table(root, chosen.networks):
        write_text(root / work.FILE, costs)
    print((root / layout.TABLES).read_text())


def stale(root: Path, content: params.Content) -> dict[str, list[str]]:
    """Which published results are not those that the parameters would now give.

    Parameters
    ----------
    root : Path
        A folder of published results.
    content : dict
        Of params.yaml.

    Returns
    -------
    dict of str to list of str
        By stage: what differs. Stages of rows that the parameters no longer name are left out.
    """
    found: dict[str, list[str]] = {}
    for stage, entry in params.read(root / layout.LOCK)["stages"].items():
        kind, _, row = stage.partition("@")
        if row not in (content.get(SECTIONS.get(kind, "")) or {}):
            continue
        for key, then in entry.get("params", {}).get(str(layout.PARAMS), {}).items():
            if (now := _value(content, key)) != then:
                found.setdefault(stage, []).append(f"{key} was {then}, now {now}")
    return found


def _value(content: params.Content, path: str) -> Any:
    """What stands at a parameter's path, such as "budgets.smoke.epochs"; None if nothing does."""
    place: Any = content
    for key in path.split("."):
        place = place.get(key) if isinstance(place, dict) else None
    return place


def _copy(name: str, target: Path, trained: bool) -> None:
    files = [layout.metrics_file(name), layout.histogram_file(name)]
    if trained:
        files += [layout.provenance_file(name), layout.curve_file(name)]
        model = sha256(layout.model_file(name))
        for file in (layout.log_file("train", name), layout.log_file("evaluate", name)):
            # the log of another machine's or another training's model says nothing of this one
            if file.is_file() and read_json(file, "model_sha256")["model_sha256"] == model:
                files.append(file)
    for file in files:
        write_bytes(target / file, file.read_bytes())


def _copy_errors(name: str, target: Path, in_grid: bool) -> None:
    """Errors of a row's test images; of the images that were kept, no more than the grid needs.

    Digits are kept whole. Photographs are their owners', and large: parts of some are enough.
    """
    file = layout.per_image_file(name)
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{file}: cannot be read ({one_line(error)})") from None
    kept = {key: arrays[key] for key in _KEPT if key in arrays}
    if max(max(pixels.shape[1:3]) for pixels in kept.values()) <= EXAMPLE:
        write_bytes(target / file, file.read_bytes())
        return
    for key, pixels in kept.items():
        part = pixels[:, *middle(pixels.shape[1:], EXAMPLE)]
        arrays[key] = part if in_grid else part[:0]
    write_arrays(target / file, **arrays)


def publish_network(name: str, target: Path, content: params.Content) -> None:
    """A run's network with kernels in float16 and its MSE.

    Left out if the published networks would then take more than `NETWORKS` bytes.
    """
    published = target / layout.model_file(name)
    float16_export.export(layout.model_file(name), published)
    size = sum(file.stat().st_size for file in published.parent.glob("*.keras"))
    if size > NETWORKS:
        published.unlink()
        _float16_file(name, target).unlink(missing_ok=True)
        print(
            f"{name}: network left out, the published ones would be {size / 1e6:.1f} MB with it, "
            f"over {NETWORKS / 1e6:g}"
        )
        return
    errors = {
        "mse": read_json(layout.metrics_file(name), "mse")["mse"],
        "mse_float16": _mse(published, evaluate.settings(content, name)),
    }
    write_json(_float16_file(name, target), errors)
    print(f"{name}: MSE {errors['mse']:.6f}, with kernels in float16 {errors['mse_float16']:.6f}")


def _mse(model: Path, chosen: prediction.Settings) -> float:
    """MSE of a network over all pixels of the test images."""
    test = images.test_images(chosen.dataset, chosen.evaluation.examples)
    predictor = prediction.Predictor(model, chosen, test)
    found = measuring.measured(test, predictor, predictor.margin, chosen.evaluation)
    return found.scores()["mse"]


def _float16_file(name: str, target: Path) -> Path:
    return target / layout.model_file(name).with_suffix(".float16.json")


def _merge_lock(path: Path, stages: list[str]) -> None:
    """Lock entries of what is published now beside those of what was published before."""
    lock = lockfile.parse(layout.LOCK.read_text())
    before = lockfile.parse(path.read_text()).entries if path.is_file() else {}
    now = {stage: lock.entries[stage] for stage in stages}
    write_text(path, lock._replace(entries={**before, **now}).text)


def main() -> None:
    """Publish, or only draw."""
    summary = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tools.publish", description=summary)
    parser.add_argument(
        "--draw", metavar="BUDGET", help="only draw the tables and figures of results/BUDGET again"
    )
    arguments = parser.parse_args()
    with command.errors_of_one_line("publish"):
        if arguments.draw:
            redraw(arguments.draw)
        else:
            publish(params.read())


if __name__ == "__main__":
    main()
