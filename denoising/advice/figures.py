"""What was measured, drawn."""

import math
from pathlib import Path

import matplotlib as mpl
import numpy as np

from denoising.advice.advise import Advice
from denoising.files import atomic
from denoising.noise.diagnosis.findings import CORRELATED

mpl.use("Agg")

from matplotlib import pyplot as plt

LAGS = {"across 2": "two across", "down 2": "two down", "channels": "another channel"}
LIMITS = ("_", "taken for independent between these")  # matplotlib shows no label that begins so


def draw(advice: Advice, path: Path) -> None:
    """The noise's standard deviation by pixel value, and its correlations."""
    noise = advice.facts.noise
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    growth = noise.best_growth
    values = np.linspace(0, 1, 101)
    a, b = growth.a.value, np.nan_to_num(growth.b.value)
    left.plot(values, 255 * np.sqrt(np.maximum(a + b * values, 0)), color="C0")
    left.set(
        title="standard deviation before clipping, of 255",
        xlabel="pixel value (0 black, 1 white)",
    )
    left.set_ylim(0, 1.15 * left.get_ylim()[1])
    left.grid(alpha=0.25)
    found = {name: one for name, one in noise.best_correlations.items() if math.isfinite(one.value)}
    for place, one in enumerate(found.values()):
        right.plot([place, place], [one.low, one.high], color="C0")
        right.plot(place, one.value, "o", color="C0")
    right.axhline(0, color="gray", linewidth=0.8)
    for bound in (-CORRELATED, CORRELATED):
        right.axhline(bound, color="C3", linewidth=0.8, linestyle="--", label=LIMITS[bound > 0])
    right.set_xticks(range(len(found)), [LAGS.get(name, name) for name in found], rotation=30)
    right.set_xlim(-0.5, max(len(found), 1) - 0.5)
    right.legend(fontsize="small", loc="lower left")
    right.set(title="correlation of the noise", ylim=(-0.5, 1.05))
    right.grid(alpha=0.25)
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)
