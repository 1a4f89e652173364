"""Look at the noise of images, from these alone."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from denoising.files import InputError
from denoising.noise.diagnosis import (
    ends,
    flat,
    impulses,
    level,
    line,
    pairs,
    pattern,
    steps,
    stripes,
)
from denoising.noise.diagnosis.blocks import LAGS
from denoising.noise.diagnosis.estimates import (
    UNKNOWN,
    Estimate,
    draws,
    intervals,
    median,
)
from denoising.noise.diagnosis.findings import Diagnosis, Growth, Level, PairFindings
from denoising.noise.diagnosis.flat import Found
from denoising.noise.diagnosis.samples import sample

CORRELATIONS = (*list(LAGS)[1:], "channels")
APART = 1.5  # standard deviations that levels are apart, at least, if a slope is to be told
INSIDE = (
    2.0  # standard deviations of a pixel's noise, that a level is away from an end that cuts it
)

Estimator = Callable[[np.ndarray | None], Found]


def diagnose(
    images: Sequence[np.ndarray],
    second: Sequence[np.ndarray] | None = None,
    seed: int = 0,
    resamples: int = 200,
) -> Diagnosis:
    """What the noise of images is like.

    At most `samples.VALUES` pixel values of `samples.IMAGES` images are looked at.

    Parameters
    ----------
    images : sequence of ndarray (H, W, C) of float32
        Black at 0, white at 1; values may lie beyond. Their sizes may differ.
    second : sequence of ndarray, optional
        A second shot of each scene.
    seed : int
        Of the places of windows, and of what is drawn anew.
    resamples : int
        How often images are drawn anew for the intervals, or tiles where there are fewer than
        `samples.FEW` images; 0: no intervals.

    Returns
    -------
    Diagnosis
        NaN, or None, of what cannot be told.

    Raises
    ------
    InputError
        If images cannot be looked at: see `samples.sample`.
    """
    samples = sample(images, second, seed)
    weights = draws(samples.units, resamples, seed)
    step = steps.step([window.pixels for window in samples.windows])
    found = impulses.look(samples, step, weights)
    sums = {white: ends.tally(samples, white, step) for white in (False, True)}
    shares = {False: found.pepper.value, True: found.salt.value}
    both = [
        ends.looked_at(sums[white], np.nan_to_num(shares[white]), weights)
        for white in (False, True)
    ]
    cut = (both[0].kind == "cut", both[1].kind == "cut")

    looked = flat.collect(
        [window.pixels for window in samples.windows],
        [window.labels() for window in samples.windows],
    )
    sigma, growth, lines, correlations = _unknown(resamples)
    if looked is not None:
        there: flat.Flat = looked
        sigma, growth, lines, correlations = _noise(
            lambda row: flat.estimate(there, row), looked.shares, cut, weights
        )
    two = None
    if second is not None:
        summed = pairs.collect(samples)
        counts = summed.counts.sum(axis=0)
        sigma_2, growth_2, lines, correlations_2 = _noise(
            lambda row: pairs.estimate(summed, row), counts, cut, weights
        )
        two = PairFindings(sigma_2, growth_2, correlations_2)
    black, white = (
        ends.with_bias(end, name, lines, samples.units)
        for end, name in zip(both, (False, True), strict=True)
    )
    return Diagnosis(
        images=samples.images,
        windows=len(samples.windows),
        channels=samples.channels,
        unit=samples.unit,
        units=samples.units,
        level=Level(
            wavelet=median(level.by_unit(samples, level.wavelet_sigma), weights),
            patches=median(level.by_unit(samples, level.patch_sigma), weights),
            flat=sigma,
        ),
        growth=growth,
        correlations=correlations,
        black=black,
        white=white,
        step=step,
        impulses=found,
        rows=stripes.share(samples, True, weights),
        columns=stripes.share(samples, False, weights),
        pattern=pattern.share(samples, resamples, seed),
        pairs=two,
    )


Noise = tuple[Estimate, Growth, np.ndarray, dict[str, Estimate]]


def _unknown(resamples: int) -> Noise:
    growth = Growth(UNKNOWN, UNKNOWN, UNKNOWN)
    return (
        UNKNOWN,
        growth,
        np.full((1 + resamples, 2), np.nan),
        dict.fromkeys(CORRELATIONS, UNKNOWN),
    )


def _noise(
    estimator: Estimator,
    shares: np.ndarray,
    clipped: tuple[bool, bool],
    weights: np.ndarray,
) -> Noise:
    """Sigma, growth, a and b of every draw, and correlations, by one estimator."""
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
