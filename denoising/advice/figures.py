"""What was measured, drawn."""

from pathlib import Path

import matplotlib as mpl
import numpy as np

from denoising.advice.advise import Advice
from denoising.files import atomic
from denoising.noise.diagnosis.findings import CORRELATED

mpl.use("Agg")

from matplotlib import pyplot as plt


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
        ylim=(0, None),
    )
    left.grid(alpha=0.25)
    names = list(noise.best_correlations)
    found = [noise.best_correlations[name] for name in names]
    for place, one in enumerate(found):
        right.plot([place, place], [one.low, one.high], color="C0")
        right.plot(place, one.value, "o", color="C0")
    right.axhline(0, color="gray", linewidth=0.8)
    for bound in (-CORRELATED, CORRELATED):
        right.axhline(bound, color="C3", linewidth=0.8, linestyle="--")
    right.set_xticks(range(len(names)), names, rotation=30)
    right.set(title="correlation of the noise", ylim=(-0.5, 1.05))
    right.grid(alpha=0.25)
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)
