"""Validation error over each parameter of a sweep."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from denoising.reporting import figures

DPI = 110
WIDE = 20  # largest over smallest value, from which on an axis is logarithmic


def save(frame: pd.DataFrame, paths: Sequence[str], file: Path) -> None:
    """One panel for each parameter that has several values.

    Parameters
    ----------
    frame : DataFrame
        A trial in each row: its values, `validation error`, and `note`.
    """
    frame = frame[frame["validation error"].notna()]
    varied = [path for path in paths if len(set(map(str, frame[path]))) > 1]
    if not varied:
        figures.save(figures.note("there is nothing to compare"), file, DPI)
        return
    size = (4.2 * len(varied), 3.6)
    figure, axes = plt.subplots(
        1, len(varied), figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    for axis, path in zip(axes[0], varied, strict=True):
        values = frame[path]
        is_number = values.map(lambda one: type(one) in (int, float)).all()
        places = values.astype(float) if is_number else values.astype(str)
        for note, marker, label in (("", "o", "trained"), ("given up", "x", "given up")):
            chosen = frame.note == note
            if chosen.any():
                colour = figures.BLUE if marker == "o" else figures.ORANGE
                errors = frame["validation error"][chosen]
                axis.scatter(places[chosen], errors, marker=marker, color=colour, label=label)
        if is_number and places.min() > 0 and places.max() / places.min() >= WIDE:
            axis.set_xscale("log")
        axis.set_xlabel(path)
        axis.grid(alpha=0.3)
    errors = frame["validation error"]
    if errors.min() > 0 and np.ptp(np.log10(errors)) > 1:
        axes[0][0].set_yscale("log")
    axes[0][0].set_ylabel("validation error after the last epoch")
    axes[0][-1].legend()
    figures.save(figure, file, DPI)
