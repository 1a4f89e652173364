"""Both tables and all figures, from the metrics of the workspace or of a folder of published results."""

from pathlib import Path

import numpy as np
import pandas as pd

from denoising.data import datasets
from denoising.files import InputError, read_arrays, read_json, write_text
from denoising.reporting import figures, tables
from stages.shared import command, layout

SCORES = ("mse", "mse_low", "mse_high", "mse_clipped", "psnr", "ssim", "test_digest")
EXPERIMENTS = {
    "supervised": ("clean", "Experiment 1: clean targets"),
    "noise2noise": ("noisy", "Experiment 2: noisy targets (Noise2Noise)"),
}


def main(params):
    draw(params.report_settings(), Path())


def draw(settings, root, missing=()):
    """Write tables and figures below `root`, where metrics/ and plots/ lie.

    Parameters
    ----------
    settings : denoising.params.ReportSettings
    root : Path
    missing : collection of str
        Rows that have no metrics yet: empty rows of the tables, left out of the figures.

    Raises
    ------
    InputError
        If another row of the settings has no metrics there.
    """
    article = read_json("article.json")
    groups = {
        key: [name for name, run in settings.runs.items() if run.target == target]
        for key, (target, _) in EXPERIMENTS.items()
    }
    for name, row in settings.debiased.items():
        next(names for names in groups.values() if row.run in names).append(name)
    groups["baselines"] = list(settings.filters)
    there = {
        key: {name: row for name, row in getattr(settings, key).items() if name not in missing}
        for key in ("runs", "debiased", "filters")
    }
    settings = settings.model_copy(update=there)
    scores = {
        name: read_json(root / layout.metrics_file(name), *SCORES) for name in _rows(settings)
    }
    per_image = {name: _per_image(root, name) for name in scores}
    _check_same_images(settings, scores)
    frames = {
        key: tables.table({name: scores.get(name) for name in names}, article.get(key, {}))
        for key, names in groups.items()
    }
    _write_tables(settings, root, frames, per_image)
    _write_figures(settings, root, frames, per_image)


def _rows(settings):
    return {**settings.runs, **settings.debiased, **settings.filters}


def _networks(settings):
    return {**settings.runs, **settings.debiased}


def _check_same_images(settings, scores):
    """What stands in one table must have been measured on the same noisy images."""
    first = {}
    for name, row in _rows(settings).items():
        known, digest = first.setdefault(row.data, (name, scores[name]["test_digest"]))
        if scores[name]["test_digest"] != digest:
            raise InputError(
                f"{layout.metrics_file(name)}: measured on other test images of {row.data} than {known}; evaluate both again"
            )


def _write_tables(settings, root, frames, per_image):
    titles = {key: title for key, (_, title) in EXPERIMENTS.items()} | {
        "baselines": "Baselines: nothing is trained"
    }
    counts = sorted({len(arrays["mse"]) for arrays in per_image.values()})
    text = [
        f"# Results at budget `{settings.budget}`",
        f"MSE over {' or '.join(map(str, counts))} test images, pixel values in [0, 1].",
    ]
    for key, frame in frames.items():
        write_text(root / f"plots/{key}.csv", frame.to_csv(index=False, float_format="%.8g"))
        if len(frame):
            text += [f"## {titles[key]}", tables.as_markdown(frame)]
    networks = _networks(settings)
    for data in dict.fromkeys(row.data for row in networks.values()):
        errors = {
            name: per_image[name]["mse"] for name, row in networks.items() if row.data == data
        }
        frame = tables.differences(errors, settings.bootstrap_resamples)
        if len(frame):
            text += [
                f"## Differences of MSE on the same test images ({data})",
                tables.differences_as_markdown(frame),
            ]
    write_text(root / layout.TABLES, "\n\n".join(text) + "\n")
    bars = _with_groups(frames)[["name", "group", "mse", "mse_low", "mse_high", "article"]]
    write_text(root / "plots/mse.csv", bars.to_csv(index=False, float_format="%.8g"))


def _write_figures(settings, root, frames, per_image):
    runs, networks = settings.runs, _networks(settings)

    def save(figure, name):
        figures.save(figure, root / "plots" / f"{name}.png", settings.report.dpi)

    save(figures.mse_bars(_with_groups(frames)), "mse")
    save(figures.grid(_grid_rows(networks, per_image, settings.report.grid_images)), "grid")
    if not runs:  # a folder to which only filters were published so far
        return
    shown = {name: f"{name} ({_kind(run)})" for name, run in _shown_in_histograms(runs).items()}
    marks = {title: _rails(settings, runs[name]) for name, title in shown.items()}
    shown |= {
        name: f"{name} (corrected afterwards)"
        for name, row in settings.debiased.items()
        if row.run in shown
    }
    histograms = {
        title: _read_csv(root / layout.histogram_file(name)) for name, title in shown.items()
    }
    save(figures.histograms(histograms, marks), "histograms")
    curves = {}
    for name, run in runs.items():
        curves.setdefault(f"{run.target} targets, {run.loss}", {})[name] = _read_csv(
            root / layout.curve_file(name)
        )
    save(figures.curves(curves), "curves")


def _grid_rows(networks, per_image, count):
    """Original and noisy images of each dataset, then what each of its networks makes of them."""
    rows = {}
    for data in dict.fromkeys(row.data for row in networks.values()):
        names = [name for name, row in networks.items() if row.data == data]
        of = f" {data}" if len({row.data for row in networks.values()}) > 1 else ""
        rows[f"original{of}"] = datasets.to_unit(per_image[names[0]]["clean"][:count])
        rows[f"noisy{of}"] = per_image[names[0]]["noisy"][:count]
        rows |= {name: per_image[name]["prediction"][:count] for name in names}
    return rows or {name: images["prediction"][:count] for name, images in per_image.items()}


def _shown_in_histograms(runs):
    """As in the article: the network that learned from both kinds of target, once with each."""
    noisy = {name: run for name, run in runs.items() if run.target == "noisy"}
    models = {run.model for run in noisy.values()}
    return {
        name: run for name, run in runs.items() if run.model in models and run.target == "clean"
    } | noisy or runs


def _kind(run):
    """What it learned from, and by which loss where that is not the usual one."""
    return f"{run.target} targets" + ("" if run.loss == "mse" else f", {run.loss}")


def _rails(settings, run):
    """Where noise moves the mean of black and of white pixels to; nothing to mark where it leaves them."""
    if run.target == "clean" or run.loss != "mse":
        return []
    means = settings.datasets[run.data].noise.mean(np.array([0.0, 1.0]))
    return [] if np.allclose(means, [0, 1]) else means.tolist()


def _with_groups(frames):
    titles = {
        "supervised": "clean targets",
        "noise2noise": "noisy targets",
        "baselines": "untrained",
    }
    return pd.concat(
        [
            frame.dropna(subset="mse").assign(group=titles[key])
            for key, frame in frames.items()
            if len(frame)
        ],
        ignore_index=True,
    )


def _per_image(root, name):
    keys = ("mse", "clean", "noisy", "prediction")
    return dict(zip(keys, read_arrays(root / layout.per_image_file(name), *keys), strict=True))


def _read_csv(path):
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise InputError(
            f"{path}: cannot be read ({error}); run the stage that makes it again"
        ) from None


if __name__ == "__main__":
    command.run("report", main)
