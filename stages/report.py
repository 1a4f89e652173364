"""Both tables and all figures, from the results of the workspace or of a published folder."""

import dataclasses
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from denoising.data.store import as_unit
from denoising.files import InputError, is_number, one_line, read_arrays, read_json, write_text
from denoising.reporting import figures, tables
from denoising.sections import kind, shortened, validate
from stages.shared import command, layout, params

NUMBERS = ("mse", "mse_low", "mse_high", "mse_clipped", "psnr", "ssim")
UNREFERENCED = ("removed", "noise_sigma")  # where nothing is known of the truth
ESTIMATED = ("estimated_mse", "estimated_mse_low", "estimated_mse_high", "estimated_psnr")
RESIDUAL = ("residual_across", "residual_down", "residual_with_prediction", "held_out_nats")
OTHERS = {"test_digest": str, "collapsed": bool, "parameters": int, "device": str, "precision": str}
ABOUT = {"table", "targets", "loss", "learns", "mean_of_ends"}  # of a trained row's method


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which rows there are, and how they are drawn.

    Attributes
    ----------
    budget : str
    datasets : dict of str to str
        By row, of runs, corrected runs and filters.
    networks, methods : dict of str to str
        By run.
    debiased : dict of str to str
        Run by corrected row.
    filters : tuple of str
    seeds : dict of (str to list of str)
        Rows that are the same run trained by different seeds, by the first's name.
    bootstrap_resamples : int
    report : denoising.reporting.tables.Report
    """

    budget: str
    datasets: dict[str, str]
    networks: dict[str, str]
    methods: dict[str, str]
    debiased: dict[str, str]
    filters: tuple[str, ...]
    seeds: dict[str, list[str]]
    bootstrap_resamples: int
    report: tables.Report

    @property
    def trained(self) -> list[str]:
        """Runs, then corrected runs."""
        return [*self.networks, *self.debiased]

    def without(self, missing: Collection[str]) -> "Settings":
        """The settings without some rows."""

        def kept(rows: dict[str, str]) -> dict[str, str]:
            return {name: row for name, row in rows.items() if name not in missing}

        return dataclasses.replace(
            self,
            datasets=kept(self.datasets),
            networks=kept(self.networks),
            debiased=kept(self.debiased),
            filters=tuple(name for name in self.filters if name not in missing),
        )


def settings(content: params.Content) -> Settings:
    """The sections that the report reads; any others may be there or not."""
    runs, debiased, filters = (content.get(key) or {} for key in ("runs", "debiased", "filters"))
    rows = {**runs, **debiased, **filters}
    return Settings(
        budget=content["budget"],
        datasets={name: row["dataset"] for name, row in rows.items()},
        networks={name: row["network"] for name, row in runs.items()},
        methods={name: row["method"]["name"] for name, row in runs.items()},
        debiased={name: row["run"] for name, row in debiased.items()},
        filters=tuple(filters),
        seeds={
            name: [name, *params.rows_of_seeds(name, row)]
            for name, row in runs.items()
            if row.get("seeds")
        },
        bootstrap_resamples=content["evaluation"]["bootstrap_resamples"],
        report=validate(tables.Report, content["report"], "report"),
    )


def main(content: params.Content) -> None:
    """Draw the workspace's results."""
    draw(settings(content), Path())


def draw(chosen: Settings, root: Path, missing: Collection[str] = ()) -> None:
    """Write tables and figures below `root`, where metrics/ and plots/ lie.

    Parameters
    ----------
    chosen : Settings
    root : Path
    missing : collection of str
        Rows that have no metrics yet: empty rows of the tables, left out of the figures.

    Raises
    ------
    InputError
        If another row has no metrics there, they are not numbers or not those of its evaluation,
        or the report has no table for a run's method.
    """
    article = _article()
    there = chosen.without(missing)
    scores = {name: _scores(root, name) for name in there.datasets}
    _check_same_images(there, scores)
    unreferenced = {name: one for name, one in scores.items() if one.get("truth") == "none"}
    known, there = there, there.without(unreferenced)
    chosen = chosen.without(unreferenced)
    results = {name: _results(root, name, scores[name]) for name in there.datasets}
    about = {
        name: results[name]["about"] if name in results else _about(root, name)
        for name in known.trained
    }
    for name, one in about.items():
        if lacking := ABOUT - one.keys():
            path = root / layout.per_image_file(name)
            raise InputError(f"{path}: lacks {', '.join(sorted(lacking))}; evaluate {name} again")
    frames = {}
    for key, names in _groups(chosen, results).items():
        of_rows = {name: article.get(chosen.datasets[name], {}).get(key, {}) for name in names}
        numbers = {name: rows[name] for name, rows in of_rows.items() if name in rows}
        frames[key] = tables.table({name: scores.get(name) for name in names}, numbers)
    _write_tables(there, root, frames, results, scores)
    rows = _grid_rows(there, results) | _grid_rows_unreferenced(there, root, unreferenced)
    _write_figures(known, root, frames, about, rows, _captions(rows, results))


def _article() -> dict[str, dict[str, dict[str, float]]]:
    """The article's MSE by dataset, table and row."""
    if not Path("article.json").is_file():  # images that the article knows nothing of
        return {}
    content = read_json("article.json")
    for dataset, found in content.items():
        if not isinstance(found, dict):
            given = shortened(found)
            raise InputError(f"article.json: {dataset} = {given}: should hold tables of numbers")
        for key, rows in found.items():
            if not isinstance(rows, dict) or not all(map(is_number, rows.values())):
                raise InputError(
                    f"article.json: {key} = {shortened(rows)}: should hold numbers by row"
                )
    return content


def _scores(root: Path, name: str) -> dict[str, Any]:
    """A row's metrics, if they are numbers."""
    path = root / layout.metrics_file(name)
    scores = read_json(path, "test_digest")
    truth = scores.get("truth", "clean")
    keys = UNREFERENCED if truth == "none" else NUMBERS
    read_json(path, *keys)
    # images of any size may all be too small for SSIM's window, or for an estimate of their noise
    null = {"ssim"} if "psnr_pixels" in scores else {"noise_sigma"}
    for key in keys:
        if not is_number(scores[key]) and not (key in null and scores[key] is None):
            given = shortened(scores[key])
            raise InputError(f"{path}: {key} = {given}: should be a number; evaluate {name} again")
    for key in (*ESTIMATED, *RESIDUAL) if truth == "none" else ():  # where there are any
        if scores.get(key) is not None and not is_number(scores[key]):
            given = shortened(scores[key])
            raise InputError(f"{path}: {key} = {given}: should be a number; evaluate {name} again")
    for key, wanted in OTHERS.items():
        if key in scores and type(scores[key]) is not wanted:
            given = shortened(scores[key])
            raise InputError(f"{path}: {key} = {given}: evaluate {name} again")
    return scores


def _results(root: Path, name: str, scores: dict[str, Any]) -> dict[str, Any]:
    """Errors and images of a row, and what is known of its method."""
    path = root / layout.per_image_file(name)
    keys = ["mse", "clean", "noisy", "prediction"]
    keys += ["psnr"] if "psnr_pixels" in scores else []
    found: dict[str, Any] = dict(zip(keys, read_arrays(path, *keys), strict=True))
    mean, expected = found["mse"].mean(), scores.get("mse_images", scores["mse"])
    if not np.isclose(mean, expected, rtol=1e-9, atol=0):
        raise InputError(
            f"{path}: its mean error is {mean:.6g}, {layout.metrics_file(name)} says "
            f"{expected:.6g}; evaluate {name} again"
        )
    return found | {"about": _about(root, name)}


def _about(root: Path, name: str) -> dict[str, Any]:
    """What is known of a row's method."""
    path = root / layout.per_image_file(name)
    try:
        about = json.loads(str(read_arrays(path, "about")[0]))
    except ValueError:
        about = None
    if not isinstance(about, dict):
        raise InputError(f"{path}: does not say what {name} is; evaluate {name} again")
    return about


def _groups(chosen: Settings, results: dict[str, Any]) -> dict[str, list[str]]:
    """Names of the rows of each table, which the runs' methods decide."""
    about = {name: found["about"] for name, found in results.items()}
    groups: dict[str, list[str]] = {key: [] for key in tables.TABLES}
    for name in chosen.trained:
        run = chosen.debiased.get(name, name)
        method = chosen.methods[run]
        if name in about:
            table = about[name].get("table")
        else:  # never run, which the stage does not know: a published folder of some rows
            table = getattr(kind("methods", method), "table", None)
        if table not in groups:
            known = ", ".join(groups)
            raise InputError(
                f"runs.{run}: its method {method} belongs to the table {table}, which the report "
                f"does not have; it has {known}"
            )
        groups[table].append(name)
    return groups | {"baselines": list(chosen.filters)}


def _check_same_images(chosen: Settings, scores: dict[str, dict[str, Any]]) -> None:
    """What stands in one table must have been measured on the same noisy images."""
    first: dict[str, tuple[str, str]] = {}
    for name, dataset in chosen.datasets.items():
        known, digest = first.setdefault(dataset, (name, scores[name]["test_digest"]))
        if scores[name]["test_digest"] != digest:
            raise InputError(
                f"{layout.metrics_file(name)}: measured on other test images of {dataset} than "
                f"{known}; evaluate both again"
            )


def _write_tables(
    chosen: Settings,
    root: Path,
    frames: dict[str, pd.DataFrame],
    results: dict[str, Any],
    scores: dict[str, Any],
) -> None:
    titles = {key: title for key, (title, _) in tables.TABLES.items()}
    titles["baselines"] = tables.BASELINES[0]
    counts = sorted({len(found["mse"]) for found in results.values()})
    text = [f"# Results at budget `{chosen.budget}`"]
    if counts:
        images = (
            f"{counts[0]} to {counts[-1]}" if len(counts) > 2 else " or ".join(map(str, counts))
        )
        text.append(f"MSE over {images} test images, pixel values in [0, 1].")
    truths = {name: scores[name]["truth"] for name in results if "truth" in scores[name]}
    for truth in sorted(set(truths.values())):
        estimated = ", ".join(name for name in truths if truths[name] == truth)
        text.append(f"No clean images: errors are estimated from {truth} ({estimated}).")
    for key, frame in frames.items():
        write_text(root / f"plots/{key}.csv", frame.to_csv(index=False, float_format="%.8g"))
        if len(frame):
            text += [f"## {titles[key]}", tables.as_markdown(frame)]
    if len(unreferenced := tables.unreferenced(scores)):
        text += [f"## {tables.UNREFERENCED}", tables.pipes(unreferenced)]
        text += tables.reasons(scores)
    errors = {name: found["mse"] for name, found in results.items()}
    over_seeds = tables.over_seeds(chosen.seeds, errors, chosen.bootstrap_resamples)
    if len(over_seeds):
        text += ["## MSE over seeds", tables.pipes(over_seeds)]
    parts = {name: one.get("parts", {}) for name, one in scores.items()}
    psnr = tables.by_part(parts, chosen.report.published)
    if len(psnr):
        text += ["## PSNR by test set, dB", tables.pipes(psnr)]
    for dataset, names in _by_dataset(chosen).items():
        errors = {name: results[name]["mse"] for name in names}
        frame = tables.differences(errors, chosen.bootstrap_resamples)
        if len(frame):
            title = f"## Differences of MSE on the same test images ({dataset})"
            text += [title, tables.differences_as_markdown(frame)]
    write_text(root / layout.TABLES, "\n\n".join(text) + "\n")
    bars = _with_groups(frames)[[*tables.BARS, "article"]]
    write_text(root / "plots/mse.csv", bars.to_csv(index=False, float_format="%.8g"))


def _write_figures(
    chosen: Settings,
    root: Path,
    frames: dict[str, pd.DataFrame],
    about: dict[str, dict[str, Any]],
    grid_rows: dict[str, np.ndarray],
    captions: dict[str, list[str]],
) -> None:
    def save(figure: Any, name: str) -> None:
        figures.save(figure, root / "plots" / f"{name}.png", chosen.report.dpi)

    bars = _with_groups(frames)
    unknown = figures.note("errors are not known: there is nothing to measure them with")
    save(figures.mse_bars(bars) if len(bars) else unknown, "mse")
    save(figures.grid(grid_rows, captions), "grid")
    if not chosen.networks:
        for name in ("histograms", "curves"):
            save(figures.note("no network was trained"), name)
        return
    about = {name: about[name] for name in chosen.networks}
    shown = {name: f"{name} ({_kind(about[name])})" for name in _in_histograms(chosen, about)}
    marks = {title: _moved_ends(about[name]) for name, title in shown.items()}
    for name, run in chosen.debiased.items():
        if run in shown:
            shown[name] = f"{name} (corrected afterwards)"
    histograms = {
        title: _histogram(root / layout.histogram_file(name)) for name, title in shown.items()
    }
    save(figures.histograms(histograms, marks), "histograms")
    curves: dict[str, dict[str, pd.DataFrame]] = {}
    for name, one in about.items():
        panel = curves.setdefault(f"{one['targets']} targets, {one['loss']}", {})
        panel[name] = _read_csv(root / layout.curve_file(name), "epoch", "loss", "val_loss")
    save(figures.curves(curves), "curves")


def _by_dataset(chosen: Settings) -> dict[str, list[str]]:
    """Names of trained rows by dataset."""
    found: dict[str, list[str]] = {}
    for name in chosen.trained:
        found.setdefault(chosen.datasets[name], []).append(name)
    return found


def _grid_rows(chosen: Settings, results: dict[str, Any]) -> dict[str, np.ndarray]:
    """Original and noisy images of each dataset, then what each of its networks makes of them."""
    rows: dict[str, np.ndarray] = {}
    count = chosen.report.grid_images
    groups = _by_dataset(chosen)
    for dataset, names in groups.items():
        of = f" {dataset}" if len(groups) > 1 else ""
        rows[f"original{of}"] = as_unit(results[names[0]]["clean"][:count])
        rows[f"noisy{of}"] = results[names[0]]["noisy"][:count]
        rows |= {name: results[name]["prediction"][:count] for name in names}
    return rows or {name: found["prediction"][:count] for name, found in results.items()}


def _grid_rows_unreferenced(
    chosen: Settings, root: Path, scores: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Noisy images, and what is made of them where there is nothing to measure it with."""
    found = {
        name: read_arrays(root / layout.per_image_file(name), "noisy", "prediction")
        for name in scores
    }
    count = chosen.report.grid_images
    noisy = {"noisy": next(iter(found.values()))[0][:count]} if found else {}
    return noisy | {name: prediction[:count] for name, (_, prediction) in found.items()}


def _captions(rows: dict[str, np.ndarray], results: dict[str, Any]) -> dict[str, list[str]]:
    """PSNR of each image of the grid, where it was kept: of whole images of any size."""
    return {
        name: [f"{one:.2f} dB" for one in results[name]["psnr"][: len(images)]]
        for name, images in rows.items()
        if "psnr" in results.get(name, {})
    }


def _in_histograms(chosen: Settings, about: dict[str, dict[str, Any]]) -> list[str]:
    """As in the article: networks that learned from both kinds of target, once with each."""
    noisy = [name for name in about if about[name]["targets"] == "noisy"]
    networks = {chosen.networks[name] for name in noisy}
    clean = [
        name
        for name in about
        if chosen.networks[name] in networks and about[name]["targets"] == "clean"
    ]
    return [*clean, *noisy] or list(about)


def _kind(about: dict[str, Any]) -> str:
    """What a run learned from, and by which loss where that is not the usual one."""
    return f"{about['targets']} targets" + ("" if about["loss"] == "mse" else f", {about['loss']}")


def _moved_ends(about: dict[str, Any]) -> list[float]:
    """Where noise moves the mean of black and white to, if that is what the network learned."""
    if about["targets"] == "clean" or about["learns"] != "mean":
        return []
    means = about["mean_of_ends"]
    return [] if np.allclose(means, [0, 1]) else means


def _with_groups(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    titles = {key: title for key, (_, title) in tables.TABLES.items()}
    titles["baselines"] = tables.BASELINES[1]
    known = [
        frame.dropna(subset="mse").assign(group=titles[key])
        for key, frame in frames.items()
        if len(frame)
    ]
    columns = [*tables.BARS, "article"]
    return pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=columns)


def _histogram(path: Path) -> pd.DataFrame:
    """Shares of pixels by value; those of clean test images where there are any."""
    frame = _read_csv(path, "value", "predictions")
    return _read_csv(path, "value", *(one for one in figures.SERIES if one in frame))


def _read_csv(path: Path, *columns: str) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path)
        frame[list(columns)].astype(float)
        return frame
    except KeyError:
        raise InputError(f"{path}: lacks one of the columns {', '.join(columns)}") from None
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        reason = one_line(error)
        raise InputError(
            f"{path}: cannot be read ({reason}); run the stage that makes it again"
        ) from None


if __name__ == "__main__":
    command.run("report", main)
