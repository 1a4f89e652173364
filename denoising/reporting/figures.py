"""The figures: functions from data to a matplotlib figure.

The same data gives the same bytes when saved by `save`.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from denoising.files import PathLike, atomic
from denoising.reporting import tables
from denoising.reporting.grids import grid as grid  # one of the figures

# Okabe and Ito's colours, which people with any kind of colour vision tell apart
BLACK, ORANGE, BLUE, GREEN, PURPLE, RED = (
    "#000000",
    "#E69F00",
    "#0072B2",
    "#009E73",
    "#CC79A7",
    "#D55E00",
)
CYCLE = (BLUE, ORANGE, GREEN, RED, PURPLE, BLACK)
SERIES = {
    "training_targets": (ORANGE, "--"),
    "test_images": (BLACK, ":"),
    "predictions": (BLUE, "-"),
}


def save(figure: Figure, path: PathLike, dpi: int) -> None:
    """Write a PNG without a date or a program's name in it, and close the figure."""
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi, metadata={"Software": None})
    plt.close(figure)


def histograms(frames: Mapping[str, pd.DataFrame], marks: Mapping[str, Sequence[float]]) -> Figure:
    """Pixel-value histograms, one panel each, on one logarithmic axis.

    Most pixels are black, the story is in the rest.

    Parameters
    ----------
    frames : dict of str to DataFrame
        By title: `value` and a share of pixels for each of `SERIES` that there is.
    marks : dict of str to list of float
        By title, where there are any: pixel values to mark, the mean of noisy blacks and of noisy
        whites.
    """
    figure, axes, columns = _panels(len(frames), 5.2, 3.6, sharex=True, sharey=True)
    for axis, (title, frame) in zip(axes, frames.items(), strict=True):
        for series, (colour, style) in SERIES.items():
            if series not in frame:  # no clean images
                continue
            shares = frame[series].where(frame[series] > 0)
            axis.step(
                frame["value"],
                shares,
                where="mid",
                color=colour,
                linestyle=style,
                label=series.replace("_", " "),
            )
        for mark in marks.get(title, []):
            axis.axvline(mark, color=RED, linewidth=0.8, alpha=0.7)
        axis.set(
            title=title, xlabel="pixel value (0 black, 1 white)", yscale="log", ylim=(1e-4, 1.2)
        )
        axis.grid(alpha=0.25)
    for axis in axes[::columns]:
        axis.set_ylabel("share of pixels")
    if any(marks.values()):
        axes[-1].plot([], [], color=RED, linewidth=0.8, label="mean of noisy black, noisy white")
    handles = {
        label: handle
        for axis in axes
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
    )
    return figure


ABREAST = 4  # panels of a row, at most: of more, nothing can be read on a page
NARROW = 2.0  # ratio of the losses of a panel below which their scale is linear
INSIDE = 4  # learning curves of a panel that leave room for their names


def curves(frames: Mapping[str, Mapping[str, pd.DataFrame]]) -> Figure:
    """Learning curves, one panel each: training loss dashed, validation loss solid, by epoch.

    Logarithmic, but for likelihoods, which may be negative, and losses that change little.

    Parameters
    ----------
    frames : dict of str to dict of str to DataFrame
        By title and run: epoch, loss, val_loss.
    """
    figure, axes, _ = _panels(len(frames), 4.8, 3.6)
    for axis, (title, runs) in zip(axes, frames.items(), strict=True):
        for (name, frame), colour in zip(
            runs.items(), CYCLE * (1 + len(runs) // len(CYCLE)), strict=False
        ):
            axis.plot(frame["epoch"], frame["loss"], "--", marker=".", color=colour, alpha=0.6)
            axis.plot(
                frame["epoch"],
                frame["val_loss"],
                "-",
                marker="o",
                markersize=4,
                color=colour,
                label=name,
            )
        losses = [frame[["loss", "val_loss"]] for frame in runs.values()]
        least, most = (getattr(pd.concat(losses), end)().aggregate(end) for end in ("min", "max"))
        scale = "log" if 0 < NARROW * least <= most else "linear"
        axis.set(title=title, xlabel="epoch", ylabel="loss", yscale=scale)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.plot([], [], "--", color="gray", label="(training)")
        axis.grid(alpha=0.25, which="both")
        beside = {"loc": "upper left", "bbox_to_anchor": (1, 1)} if len(runs) > INSIDE else {}
        axis.legend(fontsize="small", **beside)
    return figure


def mse_bars(frame: pd.DataFrame) -> Figure:
    """MSE of every denoiser with its interval, and the article's value as a mark where it has one.

    Parameters
    ----------
    frame : DataFrame
        As `denoising.reporting.tables.table` gives it, with a column `group` that the colours
        go by.
    """
    figure, axis = plt.subplots(figsize=(8, 0.42 * len(frame) + 1.4), layout="constrained")
    y = np.arange(len(frame))[::-1]
    usual = [title for _, title in (*tables.TABLES.values(), tables.BASELINES)]
    groups = dict.fromkeys([*usual, *frame["group"]])  # a colour means the same in all figures
    for group, colour in zip(groups, itertools.cycle(CYCLE), strict=False):
        rows = (frame["group"] == group).to_numpy()
        if not rows.any():
            continue
        axis.barh(y[rows], frame["mse"][rows], color=colour, alpha=0.75, label=group)
    errors = np.maximum(0, [frame["mse"] - frame["mse_low"], frame["mse_high"] - frame["mse"]])
    axis.errorbar(frame["mse"], y, xerr=errors, fmt="none", color=BLACK, capsize=3, linewidth=1)
    has_article = frame["article"].notna().any()
    if has_article:
        axis.plot(
            frame["article"],
            y,
            "D",
            color=BLACK,
            markeredgecolor="white",
            markersize=7,
            linestyle="",
            label="article",
        )
    digits = 4 if frame["mse"].min() >= 0.002 else 5
    ends = frame[["mse_high", "article"]].max(axis=1)
    for position, value, end in zip(y, frame["mse"], ends, strict=True):
        axis.annotate(
            f"{value:.{digits}f}",
            (end, position),
            (8, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
        )
    axis.set(yticks=y, yticklabels=frame["name"], xlabel="MSE (95 % interval over test images)")
    axis.margins(x=0.12)
    if has_article:
        axis.legend(loc="lower right", fontsize="small")
    else:  # longer bars may be the last
        figure.legend(loc="outside lower center", ncols=4, fontsize="small", frameon=False)
    axis.grid(alpha=0.25, axis="x")
    return figure


def note(text: str) -> Figure:
    """A line of text in place of a figure that has nothing to show."""
    figure, axis = plt.subplots(figsize=(6, 1.2), layout="constrained")
    axis.text(0.5, 0.5, text, ha="center", va="center")
    axis.set_axis_off()
    return figure


def _panels(
    count: int, width: float, height: float, **options: Any
) -> tuple[Figure, Sequence[Any], int]:
    """A figure, its panels, and how many there are in a row: `ABREAST` at most, rows alike."""
    rows = -(-count // ABREAST)
    columns = -(-count // rows)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width * columns, height * rows),
        squeeze=False,
        layout="constrained",
        **options,
    )
    for unused in axes.flat[count:]:
        figure.delaxes(unused)
    for axis in axes.flat[:count]:
        axis.tick_params(labelbottom=True)  # also where one below shares the axis
    return figure, axes.flat[:count], columns
