"""The two tables of the article, ours beside its numbers."""

import itertools
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from denoising.evaluation import metrics
from denoising.sections import Positive, Section

# titles of the tables that a method can put its rows into, and what the bars of figures call them
TABLES = {
    "supervised": ("Experiment 1: clean targets", "clean targets"),
    "noise2noise": ("Experiment 2: noisy targets (Noise2Noise)", "noisy targets"),
    "single": ("Single noisy images: no clean one, no second shot", "single noisy images"),
}
UNREFERENCED = "Nothing to measure with: errors estimated from the noise, and what is removed"
BARS = ["name", "group", "mse", "mse_low", "mse_high"]  # what is drawn of every denoiser
BASELINES = ("Baselines: nothing is trained", "untrained")

COLUMNS = {
    "name": "network",
    "mse": "MSE",
    "interval": "95 % interval",
    "article": "article",
    "ratio": "ours / article",
    "mse_clipped": "MSE clipped",
    "psnr": "PSNR dB",
    "ssim": "SSIM",
    "parameters": "parameters",
    "device": "device",
    "precision": "precision",
    "note": "",
}


class Report(Section):
    """How results are drawn."""

    grid_images: Annotated[int, Field(ge=1, le=1000)]  # columns of the grid
    dpi: Annotated[int, Field(ge=30, le=600)]  # dots per inch of the figures
    # PSNR in dB that papers give, by test set and method
    published: dict[str, dict[str, Positive]] = Field(default_factory=dict)


def table(
    scores: Mapping[str, dict[str, Any] | None], article: Mapping[str, float]
) -> pd.DataFrame:
    """One row per denoiser.

    Parameters
    ----------
    scores : dict of str to dict
        What `denoising.evaluation.evaluate.evaluate` measured, by name, in the order of the rows;
        None: not measured, an empty row.
    article : dict of str to float
        The article's MSE by name, where it has one.

    Returns
    -------
    DataFrame
        Numbers, not text; `ratio` is ours over the article's.
    """
    numbers = ["mse", "mse_low", "mse_high", "mse_clipped", "psnr", "ssim"]
    known = ["parameters", "device", "precision"]
    rows = []
    for name, score in scores.items():
        score, reference = score or {}, article.get(name)
        row = {"name": name} | {key: score.get(key) for key in (*numbers, *known)}
        row |= {"collapsed": score.get("collapsed", False), "article": reference}
        rows.append(row | {"ratio": score["mse"] / reference if score and reference else None})
    columns = ["name", *numbers, *known, "collapsed", "article", "ratio"]
    types = dict.fromkeys([*numbers, "article", "ratio"], float) | {"parameters": "Int64"}
    return pd.DataFrame(rows, columns=columns).astype(types)


def differences(errors: Mapping[str, np.ndarray], resamples: int) -> pd.DataFrame:
    """Differences of MSE between all pairs of denoisers, over the same test images.

    Parameters
    ----------
    errors : dict of str to ndarray (N,)
        Error of each test image, by name; the same images in the same order.
    resamples : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        Columns first, second, difference (first minus second), low, high (95 % interval, paired
        bootstrap over images), better (a name, or "not distinguishable" where the interval holds
        0).
    """
    rows = []
    for first, second in itertools.combinations(errors, 2):
        difference = errors[first] - errors[second]
        low, high = metrics.mean_interval(difference, resamples)
        better = "not distinguishable" if low <= 0 <= high else first if high < 0 else second
        rows.append((first, second, difference.mean(), low, high, better))
    return pd.DataFrame(rows, columns=["first", "second", "difference", "low", "high", "better"])


def over_seeds(
    seeds: Mapping[str, list[str]], errors: Mapping[str, np.ndarray], resamples: int
) -> pd.DataFrame:
    """Runs that were trained by several seeds, as text.

    Parameters
    ----------
    seeds : dict of (str to list of str)
        Names of rows that differ in nothing else.
    errors : dict of str to ndarray (N,)
        Error of each test image, by row; rows that are not there are left out.
    resamples : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        The mean of the seeds' MSE, with two 95 % intervals. Over seeds: where it would be with
        other seeds and the same images, by Student's t. Over images: with other images and the
        same seeds, by the bootstrap of images, each with its mean error over the seeds.
    """
    rows = []
    for name, members in seeds.items():
        found = np.stack([errors[one] for one in members if one in errors] or [np.empty(0)])
        if found.size == 0:
            continue
        each = found.mean(axis=1)
        intervals = metrics.t_interval(each), metrics.mean_interval(found.mean(axis=0), resamples)
        over = ["" if one is None else f"{one[0]:.5f} .. {one[1]:.5f}" for one in intervals]
        rows.append(
            {
                "run": name,
                "seeds": str(len(each)),
                "mean MSE": f"{each.mean():.5f}",
                "95 % interval over seeds": over[0],
                "95 % interval over images": over[1],
                "lowest .. highest": f"{each.min():.5f} .. {each.max():.5f}",
            }
        )
    return pd.DataFrame(rows)


def unreferenced(scores: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """What denoisers remove whose errors are not known, and estimated errors, as text.

    Parameters
    ----------
    scores : dict
        What `denoising.evaluation.unreferenced.Unreferenced` found, by name; others are left out.
    """
    rows = [
        {
            "denoiser": name,
            "estimated MSE": _number(one.get("estimated_mse"), ".6f"),
            "95 % interval": _interval(one),
            "estimated PSNR dB": _number(one.get("estimated_psnr"), ".2f"),
            "nats": _number(one.get("held_out_nats"), ".4f"),
            "removed (RMS)": f"{one['removed']:.5f}",
            "noise (estimated)": _number(sigma := one["noise_sigma"], ".5f"),
            "removed / noise": f"{one['removed'] / sigma:.2f}" if sigma else "",
            "residual across, down": " ".join(
                _number(one.get(f"residual_{key}"), "+.3f") for key in ("across", "down")
            ),
            "with prediction": _number(one.get("residual_with_prediction"), "+.3f"),
            "": "**collapsed**" if one.get("collapsed") else "",
        }
        for name, one in scores.items()
        if one.get("truth") == "none"
    ]
    text = pd.DataFrame(rows)
    return text.loc[:, (text != "").any()] if len(text) else text


def reasons(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for every reason why errors are not estimated, or may be wrong, and for whom."""
    names: dict[str, list[str]] = {}
    for name, one in scores.items():
        for said in filter(None, (one.get("why"), one.get("caution"))):
            names.setdefault(said, []).append(name)
    return [f"{', '.join(found)}: {why}." for why, found in names.items()]


def _number(value: Any, form: str) -> str:
    return "" if value is None else format(value, form)


def _interval(scores: Mapping[str, Any]) -> str:
    ends = [scores.get(f"estimated_mse_{end}") for end in ("low", "high")]
    return "" if None in ends else " .. ".join(format(end, ".6f") for end in ends)


def by_part(
    scores: Mapping[str, Mapping[str, Mapping[str, float]]],
    published: Mapping[str, Mapping[str, float]],
) -> pd.DataFrame:
    """PSNR of every denoiser on each test set, and what papers give for theirs, as text.

    Parameters
    ----------
    scores : dict
        By denoiser and test set: `psnr` in dB. Denoisers without test sets are left out.
    published : dict
        By test set and method: PSNR in dB.

    Returns
    -------
    DataFrame
        Empty where there are no test sets.
    """
    names = list(dict.fromkeys(part for parts in scores.values() for part in parts))
    rows = [
        {"denoiser": denoiser} | {part: f"{found['psnr']:.2f}" for part, found in parts.items()}
        for denoiser, parts in scores.items()
        if parts
    ]
    methods = dict.fromkeys(method for part in names for method in published.get(part, {}))
    for method in methods:
        numbers = {part: published.get(part, {}).get(method) for part in names}
        known = {part: f"{number:.2f}" for part, number in numbers.items() if number is not None}
        rows.append({"denoiser": f"{method}, published"} | known)
    return pd.DataFrame(rows, columns=["denoiser", *names]).fillna("") if names else pd.DataFrame()


def as_markdown(frame: pd.DataFrame) -> str:
    """A table as people read it: rounded, empty cells where there is no number, columns aligned."""
    text = pd.DataFrame({COLUMNS[key]: _formatted(frame, key) for key in COLUMNS})
    return pipes(text.loc[:, (text != "").any()])  # a column that no row fills is left out


def differences_as_markdown(frame: pd.DataFrame) -> str:
    """Differences as people read them."""
    text = pd.DataFrame(
        {
            "first": frame["first"],
            "second": frame["second"],
            "first - second": frame["difference"].map("{:+.5f}".format),
            "95 % interval": [
                f"{low:+.5f} .. {high:+.5f}"
                for low, high in zip(frame.low, frame.high, strict=True)
            ],
            "better": frame["better"],
        }
    )
    return pipes(text)


def _formatted(frame: pd.DataFrame, key: str) -> list[str]:
    formats = {
        "mse": "{:.5f}",
        "mse_clipped": "{:.5f}",
        "article": "{:g}",
        "ratio": "{:.2f}",
        "psnr": "{:.2f}",
    }
    formats |= {"ssim": "{:.3f}", "parameters": "{:,}"}
    if key == "interval":
        pairs = zip(frame.mse_low, frame.mse_high, strict=True)
        return ["" if pd.isna(low) else f"{low:.5f} .. {high:.5f}" for low, high in pairs]
    if key == "note":
        return ["**collapsed**" if collapsed else "" for collapsed in frame.collapsed]
    return ["" if pd.isna(value) else formats.get(key, "{}").format(value) for value in frame[key]]


def pipes(text: pd.DataFrame) -> str:
    """A Markdown table of a DataFrame of text, with aligned columns."""
    rows = [list(text.columns), *text.to_numpy().tolist()]
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(text.columns))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
