"""Numbers with an interval, by drawing images or tiles anew.

References
----------
B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
"""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

LEVEL = 0.95
ENOUGH = 0.5  # share of the draws that must give a number
FEWEST = 4  # units: of fewer no interval is told


class Estimate(NamedTuple):
    """A value, and the ends of its 95 % interval; NaN where nothing can be told.

    The interval says how far the value depends on which images were given. It knows nothing of
    what an estimator gets wrong in all of them alike.
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    def to_json(self) -> dict[str, float | None]:
        """Finite numbers, or None."""
        return {key: finite(value) for key, value in self._asdict().items()}

    def map(self, function: Callable[[float], float]) -> "Estimate":
        """The estimate of an increasing function of this one."""
        return Estimate(*map(function, self))


UNKNOWN = Estimate(math.nan)


def finite(value: float | None) -> float | None:
    """A number, or None for one that is not finite."""
    return None if value is None or not math.isfinite(value) else float(value)


def draws(units: int, resamples: int, seed: int) -> np.ndarray:
    """How often each unit is drawn: (resamples, units)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(units, np.full(units, 1 / units), size=resamples).astype(float)


def intervals(
    values: Iterable[float], drawn: np.ndarray | Iterable[Iterable[float]], units: int
) -> list[Estimate]:
    """Percentile intervals.

    Parameters
    ----------
    values : iterable of float (K,)
        Of the images as they are.
    drawn : array_like (resamples, K)
        The same of images drawn anew.
    units : int
        How many were drawn from.
    """
    values = [float(value) for value in values]
    table = np.array([list(row) for row in drawn], float).reshape(-1, len(values))
    found = []
    for value, column in zip(values, table.T, strict=True):
        there = column[np.isfinite(column)]
        if units < FEWEST or len(there) < max(1, ENOUGH * len(column)) or not math.isfinite(value):
            found.append(Estimate(value if math.isfinite(value) else math.nan))
            continue
        low, high = np.quantile(there, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        # a statistic that is bent, as a maximum is, may lie beyond all draws
        found.append(Estimate(value, min(float(low), value), max(float(high), value)))
    return found


def bootstrap(
    statistic: Callable[[np.ndarray], Iterable[float]], weights: np.ndarray
) -> list[Estimate]:
    """Estimates of a statistic of weights (units,), by `draws`."""
    units = weights.shape[1]
    return intervals(statistic(np.ones(units)), (statistic(row) for row in weights), units)


def ratio(above: np.ndarray, below: np.ndarray, weights: np.ndarray) -> Estimate:
    """Ratio of two sums over units, each (units,)."""

    def statistic(row: np.ndarray) -> list[float]:
        whole = row @ below
        return [row @ above / whole if whole > 0 else math.nan]

    return bootstrap(statistic, weights)[0]


def median(values: np.ndarray, weights: np.ndarray) -> Estimate:
    """Median over units (units,), NaN left out."""
    there = np.isfinite(values)
    if not there.any():
        return UNKNOWN
    order = np.argsort(values[there])
    ranked, counts = values[there][order], weights[:, there][:, order]

    def statistic(row: np.ndarray) -> list[float]:
        upto = np.cumsum(row)
        if not upto[-1]:
            return [math.nan]
        middle = upto[-1] / 2
        places = np.searchsorted(upto, middle, "left"), np.searchsorted(upto, middle, "right")
        return [float(np.mean([ranked[min(place, len(ranked) - 1)] for place in places]))]

    return bootstrap(statistic, counts)[0]
