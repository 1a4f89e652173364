"""The figures of the study: from the tables of summary.py to matplotlib."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from denoising.reporting.figures import BLACK, BLUE, CYCLE, GREEN, ORANGE, RED

SPREAD = 0.6  # width of a group of bars

Points = tuple[pd.Series, pd.Series]
Bars = tuple[pd.Series, pd.Series, pd.Series]


def sigmas(frame: pd.DataFrame) -> Figure:
    """Predicted and measured MSE over the noise level."""
    figure, axis = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    axis.plot(frame.sigma, frame.predicted, "-", color=RED, label="noisy targets, predicted")
    axis.errorbar(
        *_points(frame.sigma, frame.noisy, frame.low, frame.high),
        fmt="o",
        color=BLUE,
        capsize=3,
        label="noisy targets",
    )
    axis.plot(frame.sigma, frame.clean, "s--", color=BLACK, markersize=4, label="clean targets")
    axis.plot(frame.sigma, frame.bias, ":", color=ORANGE, label="bias of the clipped mean alone, B")
    axis.set(xlabel="sigma of the noise before clipping (pixel values)", ylabel="MSE", yscale="log")
    axis.grid(alpha=0.25, which="both")
    axis.legend(fontsize="small")
    return figure


def bars(labels: Sequence[str], groups: Mapping[str, Bars], ylabel: str) -> Figure:
    """Groups of bars.

    Parameters
    ----------
    labels
        Below the groups.
    groups
        Values, low and high ends of intervals, by the legend's name; a value for each label, NaN
        where there is none.
    ylabel
    """
    figure, axis = plt.subplots(figsize=(max(6.4, 1.3 * len(labels)), 3.8), layout="constrained")
    places = np.arange(len(labels))
    width = SPREAD / len(groups)
    for index, ((name, (values, low, high)), colour) in enumerate(
        zip(groups.items(), CYCLE, strict=False)
    ):
        x = places + (index - (len(groups) - 1) / 2) * width
        axis.bar(x, values, width * 0.92, color=colour, alpha=0.8, label=name)
        axis.errorbar(
            *_points(x, values, low, high), fmt="none", color=BLACK, capsize=2, linewidth=1
        )
        for place, value, top in zip(x, values, np.fmax(values, high), strict=True):
            if np.isfinite(value):
                axis.annotate(
                    f"{value:.4f}",
                    (place, top),
                    (0, 2),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    fontsize=7,
                    rotation=90,
                )
    axis.set(xticks=places, ylabel=ylabel)
    axis.set_xticklabels([label.replace(" ", "\n") for label in labels], fontsize="small")
    axis.margins(y=0.22)
    axis.grid(alpha=0.25, axis="y")
    if len(groups) > 1:
        figure.legend(fontsize="small", ncols=len(groups), loc="outside upper center")
    return figure


def conditional_means(
    panels: Mapping[str, Mapping[str, Points]], mean: Callable[[ArrayLike], np.ndarray]
) -> Figure:
    """Mean prediction against the true pixel value.

    Not even a network that learned from clean images follows the diagonal: E[y | x] draws doubtful
    pixels to the middle.

    Parameters
    ----------
    panels
        Values and means, by title and the legend's name.
    mean
        What the noise makes of a pixel value, g.
    """
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(4.6 * len(panels), 4.2),
        squeeze=False,
        layout="constrained",
        sharey=True,
    )
    line = np.linspace(0, 1, 101)
    for axis, (title, curves) in zip(axes[0], panels.items(), strict=True):
        axis.plot(line, line, "-", color=BLACK, linewidth=0.8, label="true value")
        axis.plot(
            line, mean(line), "--", color=RED, linewidth=1, label="mean of clipped noisy pixels, g"
        )
        for (name, (values, means)), colour, mark in zip(
            curves.items(), (BLUE, GREEN, ORANGE), "osv", strict=False
        ):
            axis.plot(values, means, mark, color=colour, markersize=4, label=name)
        axis.set(title=title, xlabel="true pixel value")
        axis.grid(alpha=0.25)
        axis.legend(fontsize="small")
    axes[0][0].set_ylabel("mean prediction")
    return figure


def histograms(panels: Mapping[str, Mapping[str, Points]]) -> Figure:
    """Shares of pixels by value, logarithmic.

    Parameters
    ----------
    panels
        Values and shares, by title and the legend's name.
    """
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(4.2 * len(panels), 3.6),
        squeeze=False,
        layout="constrained",
        sharey=True,
    )
    for axis, (title, series) in zip(axes[0], panels.items(), strict=True):
        styles = zip((BLACK, BLUE), (":", "-"), strict=True)
        for (name, (values, shares)), (colour, style) in zip(series.items(), styles, strict=False):
            axis.step(
                values,
                np.where(shares > 0, shares, np.nan),
                where="mid",
                color=colour,
                linestyle=style,
                label=name,
            )
        axis.set(title=title, xlabel="pixel value", yscale="log", ylim=(1e-4, 1.2))
        axis.grid(alpha=0.25)
    axes[0][0].set_ylabel("share of pixels")
    axes[0][0].legend(fontsize="small")
    return figure


def _points(
    x: ArrayLike, values: ArrayLike, low: ArrayLike, high: ArrayLike
) -> tuple[ArrayLike, np.ndarray, np.ndarray]:
    """Arguments x, y, y errors of `errorbar`; no bar where there is no interval."""
    values = np.asarray(values, float)
    below, above = values - np.asarray(low, float), np.asarray(high, float) - values
    return x, values, np.nan_to_num(np.maximum(0, [below, above]))
