"""The table and the figure of `benchmarks.error_without_truth`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from denoising.evaluation import metrics
from denoising.files import write_text
from denoising.reporting import figures
from denoising.reporting.tables import pipes

Rows = Sequence[dict[str, Any]]


def write(path: Path, rows: Rows) -> None:
    """Write the .md and the .png beside a .json."""
    made = [one for one in rows if one["estimated"] is not None]
    text = [
        "# Errors estimated without a clean image, beside the true ones",
        "PSNR is of the mean squared error over all images of a case; differences are estimated "
        "minus true, in dB. Intervals are the bootstrap's, of 95 %.",
        "## By case: difference over all denoisers, and how often intervals hold the truth",
        pipes(_by_case([one for one in made if not one["why"]])),
        "`same`: how often intervals hold the true error of the images that they are of; `all`: "
        "that of all images of the case, of which those are drawn. Three images have 12 tiles: "
        "their interval is of these images, not of others. Intervals take the noise for known: "
        "where it was diagnosed wrong, they do not say so.",
        "## Refused, and what would have been said",
        pipes(_refused(rows)),
        "## Noise as it was diagnosed",
        pipes(_diagnosed(rows)),
        "## Every denoiser: true PSNR, and estimated, in dB",
        pipes(_by_denoiser(made)),
        "Brackets: refused, and what would have been said.",
    ]
    write_text(path.with_suffix(".md"), "\n\n".join(text) + "\n")
    figures.save(_calibration(made), path.with_suffix(".png"), 110)


def _difference(one: dict[str, Any]) -> float:
    """In dB; NaN of an estimate that is not above 0."""
    if one["estimated"] <= 0:
        return float("nan")
    return float(metrics.psnr(one["estimated"]) - metrics.psnr(one["true"]))


def _groups(rows: Rows, *keys: str) -> dict[tuple[str, ...], Rows]:
    found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in rows:
        found.setdefault(tuple(one[key] for key in keys), []).append(one)
    return dict(found)


def _by_case(rows: Rows) -> pd.DataFrame:
    lines = []
    for (case, estimator), own in _groups(rows, "case", "estimator").items():
        found = np.array([_difference(one) for one in own])
        line = {
            "case": case,
            "estimator": estimator,
            "mean, dB": f"{np.nanmean(found):+.2f}",
            "worst, dB": f"{found[np.nanargmax(np.abs(found))]:+.2f}",
            "denoisers in order": _ordered(own),
        }
        for name in own[0]["coverage"]:
            for truth in ("same", "all"):
                mean = np.mean([one["coverage"][name][truth] for one in own])
                line[f"{name}, {truth}"] = f"{mean:.0%}"
        lines.append(line)
    return pd.DataFrame(lines)


def _ordered(rows: Rows) -> str:
    """Of how many pairs of denoisers the estimate says rightly which is better."""
    pairs = [
        (one["true"] < other["true"]) == (one["estimated"] < other["estimated"])
        for place, one in enumerate(rows)
        for other in rows[:place]
    ]
    return f"{sum(pairs)} of {len(pairs)} pairs"


def _refused(rows: Rows) -> pd.DataFrame:
    lines = []
    for (case, estimator, why), own in _groups(
        [r for r in rows if r["why"]], "case", "estimator", "why"
    ).items():
        found = [_difference(one) for one in own if one["estimated"] is not None]
        lines.append(
            {
                "case": case,
                "estimator": estimator,
                "why": why,
                "had it been made, worst dB": f"{max(found, key=abs):+.2f}" if found else "",
            }
        )
    return pd.DataFrame(lines, columns=["case", "estimator", "why", "had it been made, worst dB"])


def _diagnosed(rows: Rows) -> pd.DataFrame:
    lines = []
    for (case,), own in _groups(rows, "case").items():
        noise = {k: v for k, v in own[0]["noise"].items() if k != "name" and v}
        lines.append(
            {"case": case, "images": str(own[0]["images"])}
            | {
                "noise": ", ".join(
                    f"{k} {v:.4g}" if not isinstance(v, bool) else k for k, v in noise.items()
                )
            }
        )
    return pd.DataFrame(lines)


def _by_denoiser(rows: Rows) -> pd.DataFrame:
    lines = []
    for (case, denoiser), own in _groups(rows, "case", "denoiser").items():
        line = {"case": case, "denoiser": denoiser, "true": f"{metrics.psnr(own[0]['true']):.2f}"}
        for one in own:
            psnr = f"{metrics.psnr(one['estimated']):.2f}" if one["estimated"] > 0 else "none"
            line[one["estimator"]] = f"({psnr})" if one["why"] else psnr
        lines.append(line)
    return pd.DataFrame(lines).fillna("")


LINEAR = 0.5  # dB, up to which the axis of differences is linear
TICKS = [-0.5, -0.25, 0, 0.25, 0.5, 1, 2, 5, 10]


def _calibration(rows: Rows) -> Any:
    """By how much estimates are too good, one panel per estimator; refused ones hollow."""
    panels = _groups([one for one in rows if one["estimated"] > 0], "estimator")
    figure, axes = plt.subplots(
        -(-len(panels) // 2), 2, figsize=(8.4, 3.8 * -(-len(panels) // 2)), sharex=True,
        sharey=True, layout="constrained", squeeze=False,
    )  # fmt: skip
    cases = list(dict.fromkeys(one["case"] for one in rows))
    colours = dict(zip(cases, plt.get_cmap("tab20")(np.linspace(0, 1, len(cases))), strict=True))
    for axis, ((name,), own) in zip(axes.flat, panels.items(), strict=False):
        axis.axhline(0, color="gray", linewidth=0.8)
        for one in own:
            colour = colours[one["case"]]
            axis.plot(
                metrics.psnr(one["true"]), _difference(one), "o", markersize=5,
                color=colour, markerfacecolor="none" if one["why"] else colour,
            )  # fmt: skip
        axis.set_yscale("symlog", linthresh=LINEAR)
        axis.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axis.set(title=name)
        axis.grid(alpha=0.25)
    for axis in axes[-1]:
        axis.set_xlabel("true PSNR, dB")
    for axis in axes[:, 0]:
        axis.set_ylabel("estimated minus true PSNR, dB")
    handles = [plt.Line2D([], [], marker="o", linestyle="", color=colours[one]) for one in cases]
    handles.append(plt.Line2D([], [], marker="o", linestyle="", color="k", markerfacecolor="none"))
    labels = [*cases, "refused"]
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize="small")
    return figure
