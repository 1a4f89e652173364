"""Both tables and all figures, from the metrics of the workspace or of a folder of published results."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from denoising import datasets, figures, tables
from denoising.files import InputError, read_arrays, write_text
from stages import command, layout

RESAMPLES = 2000  # of the paired bootstrap
EXPERIMENTS = {
    "supervised": ("clean", "Experiment 1: clean targets"),
    "noise2noise": ("noisy", "Experiment 2: noisy targets (Noise2Noise)"),
}


def main(params):
    draw(params.report_settings(), Path())


def draw(settings, root):
    """Write tables and figures below `root`, where metrics/ and plots/ lie.

    Parameters
    ----------
    settings : denoising.params.ReportSettings
    root : Path

    Raises
    ------
    InputError
        If a run or filter of the settings has no metrics there.
    """
    article = _read_json(Path("article.json"))
    scores = {name: _read_json(root / layout.metrics_file(name)) for name in (*settings.runs, *settings.filters)}
    per_image = {name: _per_image(root, name) for name in scores}
    groups = {
        key: [n for n, run in settings.runs.items() if run.target == target] for key, (target, _) in EXPERIMENTS.items()
    }
    groups["yardsticks"] = list(settings.filters)
    frames = {
        key: tables.table({name: scores[name] for name in names}, article.get(key, {})) for key, names in groups.items()
    }
    _write_tables(settings, root, frames, per_image)
    _write_figures(settings, root, frames, per_image)


def _write_tables(settings, root, frames, per_image):
    titles = {key: title for key, (_, title) in EXPERIMENTS.items()} | {"yardsticks": "Yardsticks: nothing is trained"}
    counts = sorted({len(arrays["mse"]) for arrays in per_image.values()})
    text = [
        f"# Results at budget `{settings.budget}`",
        f"MSE over {' or '.join(map(str, counts))} test images, pixel values in [0, 1].",
    ]
    for key, frame in frames.items():
        write_text(root / f"plots/{key}.csv", frame.to_csv(index=False, float_format="%.8g"))
        if len(frame):
            text += [f"## {titles[key]}", tables.as_markdown(frame)]
    for data in dict.fromkeys(run.data for run in settings.runs.values()):
        errors = {name: per_image[name]["mse"] for name, run in settings.runs.items() if run.data == data}
        frame = tables.differences(errors, RESAMPLES)
        if len(frame):
            text += [f"## Differences of MSE on the same test images ({data})", tables.differences_as_markdown(frame)]
    write_text(root / layout.TABLES, "\n\n".join(text) + "\n")
    bars = _with_groups(frames)
    write_text(root / "plots/mse.csv", bars[["name", "group", "mse"]].to_csv(index=False, float_format="%.8g"))


def _write_figures(settings, root, frames, per_image):
    runs = settings.runs

    def save(figure, name):
        figures.save(figure, root / "plots" / f"{name}.png", settings.report.dpi)

    shown = {name: f"{name} ({run.target} targets)" for name, run in _shown_in_histograms(runs).items()}
    histograms = {title: pd.read_csv(root / layout.histogram_file(name)) for name, title in shown.items()}
    marks = {title: _rails(settings, runs[name]) for name, title in shown.items()}
    save(figures.histograms(histograms, marks), "histograms")

    some = slice(settings.report.grid_images)
    first = next(iter(per_image.values()))
    rows = {"original": datasets.to_unit(first["clean"][some]), "noisy": first["noisy"][some]}
    save(figures.grid(rows | {name: per_image[name]["prediction"][some] for name in runs}), "grid")

    curves = {}
    for name, run in runs.items():
        curves.setdefault(f"{run.target} targets", {})[name] = pd.read_csv(root / layout.curve_file(name))
    save(figures.curves(curves), "curves")
    save(figures.mse_bars(_with_groups(frames)), "mse")


def _shown_in_histograms(runs):
    """As in the article: the network that learned from both kinds of target, once with each."""
    noisy = {name: run for name, run in runs.items() if run.target == "noisy"}
    models = {run.model for run in noisy.values()}
    return {name: run for name, run in runs.items() if run.model in models and run.target == "clean"} | noisy or runs


def _rails(settings, run):
    """Where noise moves the mean of black and of white pixels to; nothing to mark where it leaves them."""
    if run.target == "clean":
        return []
    means = settings.datasets[run.data].noise.mean(np.array([0.0, 1.0]))
    return [] if np.allclose(means, [0, 1]) else means.tolist()


def _with_groups(frames):
    titles = {"supervised": "clean targets", "noise2noise": "noisy targets", "yardsticks": "untrained"}
    return pd.concat([frame.assign(group=titles[key]) for key, frame in frames.items() if len(frame)], ignore_index=True)


def _per_image(root, name):
    keys = ("mse", "clean", "noisy", "prediction")
    return dict(zip(keys, read_arrays(root / layout.per_image_file(name), *keys), strict=True))


def _read_json(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; the stage that makes it has not run") from None
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error})") from None


if __name__ == "__main__":
    command.run("report", main)
