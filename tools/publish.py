"""Keep the results of the present budget in results/<budget>/, or draw a published folder's tables and figures again.

Not a stage of the pipeline: `make publish`, `make report BUDGET=article`. Runs are published one by one, as they are there
and up to date; what was published of the others before stays, and what was never run is an empty row. The tables and figures
are drawn from such a folder alone, and the article's numbers. Networks are published with weights in half precision, and the
MSE that they then have, in the order of the runs for as long as they fit into what every clone is asked to carry.
"""

import argparse
import functools
import io
import json
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from denoising.data.datasets import to_unit
from denoising.evaluation.metrics import mse_per_image
from denoising.files import InputError, read_json, sha256, write_bytes, write_json, write_text
from denoising.inference.float16_export import halve
from stages import schema as params
from stages.report import draw
from stages.shared import command, layout

RESULTS = Path("results")
NETWORKS = (
    13_000_000  # bytes of all published networks of a budget; git keeps every version of them
)


def publish(settings):
    """Copy what belongs to every run and filter that is up to date.

    Raises
    ------
    InputError
        If nothing is up to date.
    """
    target = RESULTS / settings.budget
    stale = _stale_stages()
    published, chains = [], []
    for name, row in {**settings.runs, **settings.debiased, **settings.filters}.items():
        stages = [f"corrupt@{row.data}"]
        if name in settings.runs:
            stages += [f"train@{name}", f"evaluate@{name}"]
        elif name in settings.debiased:
            stages += [f"train@{row.run}", f"evaluate_debiased@{name}"]
        else:
            stages += [f"evaluate_filter@{name}"]
        behind = [stage for stage in ("fetch", *stages) if stage in stale]
        if behind:
            print(f"{name}: left out, {behind[0]} is not up to date")
            continue
        published.append(name)
        chains += ["fetch", *stages]
        if name in settings.runs:
            publish_network(name, target, settings)
        _copy(name, target, trained=name in settings.runs)
    if not published:
        raise InputError(
            f"nothing of budget {settings.budget} is up to date: run `make repro` first"
        )
    _merge_lock(target / "dvc.lock", chains)
    write_bytes(target / "params.yaml", Path("params.yaml").read_bytes())
    print(f"{target}: {', '.join(published)}")
    redraw(settings.budget)


def redraw(budget):
    """Tables and figures of a published folder, of the runs and filters that it holds."""
    root = RESULTS / budget
    settings = params.load(root / "params.yaml").report_settings()
    names = (*settings.runs, *settings.debiased, *settings.filters)
    missing = [name for name in names if not (root / layout.metrics_file(name)).is_file()]
    draw(settings, root, missing)
    print((root / layout.TABLES).read_text())


def stale(root, content):
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
    found = {}
    for stage, entry in YAML(typ="safe").load(root / "dvc.lock")["stages"].items():
        _, _, row = stage.partition("@")
        if row and not any(
            row in content[section] for section in ("runs", "debiased", "filters", "datasets")
        ):
            continue
        for key, then in entry.get("params", {}).get("params.yaml", {}).items():
            now = functools.reduce(
                lambda place, part: (place or {}).get(part), key.split("."), content
            )
            if now != then:
                found.setdefault(stage, []).append(f"{key} was {then}, now {now}")
    return found


def _stale_stages():
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InputError(f"dvc status: {done.stderr.strip()}")
    return set(json.loads(done.stdout))


def _copy(name, target, trained):
    files = [layout.metrics_file(name), layout.per_image_file(name), layout.histogram_file(name)]
    if trained:
        files += [layout.provenance_file(name), layout.curve_file(name)]
        model = sha256(layout.model_file(name))
        for file in (layout.log_file("train", name), layout.log_file("evaluate", name)):
            # the log of another machine's or another training's model says nothing of this one
            if file.is_file() and read_json(file, "model_sha256")["model_sha256"] == model:
                files.append(file)
    for file in files:
        write_bytes(target / file, file.read_bytes())


def publish_network(name, target, settings):
    """A run's network in half precision and its MSE, unless the networks then take more than `NETWORKS` bytes."""
    published = target / layout.model_file(name)
    halve(layout.model_file(name), published)
    size = sum(file.stat().st_size for file in published.parent.glob("*.keras"))
    if size > NETWORKS:
        published.unlink()
        _half_file(name, target).unlink(missing_ok=True)
        print(
            f"{name}: network left out, the published ones would be {size / 1e6:.1f} MB with it, over {NETWORKS / 1e6:g}"
        )
    else:
        _measure_halved(name, target, settings)


def _half_file(name, target):
    return target / f"models/{name}.half.json"


def _measure_halved(name, target, settings):
    """The MSE of the network as published beside that of the network as trained."""
    # here, since drawing again needs no TensorFlow
    from stages.shared import prediction

    done = prediction.predict(target / layout.model_file(name), settings.evaluate_settings(name))
    errors = {
        "mse": read_json(layout.metrics_file(name), "mse")["mse"],
        "mse_half": float(mse_per_image(done.prediction, to_unit(done.clean)).mean()),
    }
    write_json(_half_file(name, target), errors)
    print(
        f"{name}: MSE {errors['mse']:.6f}, with weights in half precision {errors['mse_half']:.6f}"
    )


def _merge_lock(path, stages):
    """Lock entries of what is published now beside those of what was published before."""
    yaml = YAML()
    lock = yaml.load(Path("dvc.lock"))
    before = yaml.load(path) if path.is_file() else {"stages": {}}
    before["stages"].update({stage: lock["stages"][stage] for stage in stages})
    lock["stages"] = dict(sorted(before["stages"].items()))
    text = io.StringIO()
    yaml.dump(lock, text)
    write_text(path, text.getvalue())


def main():
    parser = argparse.ArgumentParser(
        prog="python -m tools.publish", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--draw", metavar="BUDGET", help="only draw the tables and figures of results/BUDGET again"
    )
    arguments = parser.parse_args()
    with command.errors_of_one_line("publish"):
        if arguments.draw:
            redraw(arguments.draw)
        else:
            publish(params.load())


if __name__ == "__main__":
    main()
