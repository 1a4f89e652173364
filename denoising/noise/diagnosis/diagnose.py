"""Look at the noise of images, from these alone."""

import math
from collections.abc import Sequence

import numpy as np

from denoising.noise.diagnosis import (
    counts,
    ends,
    flat,
    growth,
    impulses,
    level,
    pairs,
    pattern,
    steps,
    stripes,
)
from denoising.noise.diagnosis.estimates import draws, median
from denoising.noise.diagnosis.findings import Diagnosis, Level, PairFindings
from denoising.noise.diagnosis.samples import sample

NOTHING = 1e-4  # standard deviation that counts as no noise: a fortieth of a step of 8 bits


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

    rest = [window.pixels for window in samples.windows]
    if found.has_impulses:
        rest = [impulses.mended(pixels, found) for pixels in rest]
    looked = flat.collect(
        rest,
        [window.labels() for window in samples.windows],
    )
    sigma, grows, lines, correlations = growth.unknown(resamples)
    if looked is not None:
        there: flat.Flat = looked
        sigma, grows, lines, correlations = growth.noise(
            lambda row: flat.estimate(there, row), looked.shares, cut, weights
        )
    if found.has_impulses and sigma.value < NOTHING:
        grows, lines = growth.nothing(resamples)
    elif not math.isfinite(grows.a.value) and counts.are_counts(samples, step):
        sigma, grows, lines = counts.noise(samples, step, weights)
    two = None
    if second is not None:
        summed = pairs.collect(samples)
        levels = summed.counts.sum(axis=0)
        sigma_2, grows_2, lines, correlations_2 = growth.noise(
            lambda row: pairs.estimate(summed, row), levels, cut, weights
        )
        two = PairFindings(sigma_2, grows_2, correlations_2)
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
        growth=grows,
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
