"""How strong the noise is and how it grows with the signal, by flat blocks or by pairs."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from denoising.files import InputError
from denoising.noise.diagnosis import line
from denoising.noise.diagnosis.blocks import LAGS
from denoising.noise.diagnosis.estimates import UNKNOWN, Estimate, intervals
from denoising.noise.diagnosis.flat import Found

CORRELATIONS = (*list(LAGS)[1:], "channels")
APART = 1.5  # standard deviations that levels are apart, at least, if a slope is to be told
INSIDE = 2.0  # standard deviations that a level is away, at least, from an end that cuts noise

Estimator = Callable[[np.ndarray | None], Found]


@dataclass(frozen=True)
class Growth:
    """How the variance grows with the signal.

    Attributes
    ----------
    a, b : Estimate
        variance = a + b mean, before clipping. Where levels are too near to each other to tell b,
        this is NaN, and a is the variance of all.
    relative : Estimate
        Change of the variance from black to white over its mean, where nothing is clipped: b alone
        cannot be negative, while the noise of a developed photograph may fall with the signal.
    """

    a: Estimate
    b: Estimate
    relative: Estimate


Noise = tuple[Estimate, Growth, np.ndarray, dict[str, Estimate]]


def unknown(resamples: int) -> Noise:
    """What `noise` gives where nothing can be told."""
    growth = Growth(UNKNOWN, UNKNOWN, UNKNOWN)
    return (
        UNKNOWN,
        growth,
        np.full((1 + resamples, 2), np.nan),
        dict.fromkeys(CORRELATIONS, UNKNOWN),
    )


def nothing(resamples: int) -> tuple[Growth, np.ndarray]:
    """Growth, and a and b of every draw, where there is no noise at all."""
    zero = Estimate(0.0, 0.0, 0.0)
    return Growth(zero, zero, UNKNOWN), np.zeros((1 + resamples, 2))


def noise(
    estimator: Estimator,
    shares: np.ndarray,
    clipped: tuple[bool, bool],
    weights: np.ndarray,
) -> Noise:
    """Sigma, growth, a and b of every draw, and correlations.

    Parameters
    ----------
    estimator : callable
        Takes how often each unit is drawn (units,), or None: once.
    shares : ndarray (levels,)
        By which levels count.
    clipped : tuple of bool
        Was noise cut at black, at white?
    weights : ndarray (resamples, units)

    Returns
    -------
    sigma : Estimate
    growth : Growth
    lines : ndarray (1 + resamples, 2)
        a and b of the images as they are, then of those drawn anew.
    correlations : dict of str to Estimate
    """
    found = [estimator(row) for row in (None, *weights)]
    slope = _are_apart(found[0])
    lines = np.full((len(found), 2), np.nan)
    start = None
    for place, one in enumerate(found):
        try:
            fitted = line.fit(one.means, one.variances, shares, clipped, start, slope)
        except InputError:
            continue
        lines[place] = fitted.a, fitted.b
        start = start or (fitted.a, fitted.b)
    relative = [
        _relative(one, ab, shares, clipped) if slope else math.nan
        for one, ab in zip(found, lines, strict=True)
    ]
    table = np.array([[one.correlations[name] for name in CORRELATIONS] for one in found])
    every = np.column_stack([[one.sigma for one in found], lines, relative, table])
    sigma, a, b, change, *correlations = intervals(every[0], every[1:], weights.shape[1])
    growth = Growth(a, b if slope else UNKNOWN, change)
    return sigma, growth, lines, dict(zip(CORRELATIONS, correlations, strict=True))


def _are_apart(found: Found) -> bool:
    """Are levels so far apart that a slope can be told?"""
    means = found.means[np.isfinite(found.means)]
    return len(means) > 1 and float(np.ptp(means)) > APART * found.sigma > 0


def _relative(
    found: Found, ab: np.ndarray, shares: np.ndarray, clipped: tuple[bool, bool]
) -> float:
    """Change of the variance from black to white over its mean, by levels that are not cut."""
    there = np.isfinite(found.means) & np.isfinite(found.variances) & (shares > 0)
    if there.sum() < 2 or not found.sigma > 0 or not np.isfinite(ab).all():
        return math.nan
    means, variances, counts = found.means[there], found.variances[there], shares[there]
    if any(clipped):
        sigma = np.sqrt(ab[0] + ab[1] * means)
        black, white = clipped
        inside = (means > INSIDE * sigma * black) & (means < 1 - INSIDE * sigma * white)
        if inside.sum() < 2:
            return math.nan
        means, variances, counts = means[inside], variances[inside], counts[inside]
    middle = np.average(means, weights=counts)
    spread = np.sqrt(np.average((means - middle) ** 2, weights=counts))
    typical = np.average(variances, weights=counts)
    if not spread:
        return math.nan
    slope = np.average((means - middle) * (variances - typical), weights=counts) / spread**2
    return float(slope / typical)
