"""Offsets that a whole row or column shares, as line noise of a sensor or a scanner.

A row's offset is in all its pixels, those far from each other too. So segments of a row are held
against others far away in it: what noise is there alone, and what most edges of an image are in one
of them, has no covariance.
"""

import math

import numpy as np
from scipy.ndimage import uniform_filter

from denoising.noise.diagnosis.estimates import UNKNOWN, Estimate, ratio
from denoising.noise.diagnosis.samples import Samples

SEGMENTS = 4  # of a row
NARROW = 5  # pixels of a segment, at least
BOUND = 3.0  # robust standard deviations, to which pixels and segments are cut
FLAT = 0.5  # share of the pixels that are looked at: those with the least around them
REACH = 7  # pixels: side of what is around
OWN = 1.5  # times an offset's variance: of a row less half of those above and below
STRIPED = 0.02  # share from which on there are offsets


def share(samples: Samples, across: bool, weights: np.ndarray) -> Estimate:
    """Share of the noise's variance that is rows' offsets; that of columns if not `across`.

    Parameters
    ----------
    samples : Samples
    across : bool
    weights : ndarray (resamples, units)

    Returns
    -------
    Estimate
        NaN where images are too small, or without noise.
    """
    offsets, noise = np.zeros(samples.units), np.zeros(samples.units)
    for window in samples.windows:
        pixels, labels = window.pixels, window.labels()
        if not across:
            pixels, labels = pixels.swapaxes(0, 1), labels.T
        if pixels.shape[0] < 3 or pixels.shape[1] < SEGMENTS * NARROW:
            continue
        for channel in range(pixels.shape[2]):
            found, variance = _rows(pixels[..., channel])
            # all of a row counts once, whatever tiles it goes through
            np.add.at(offsets, labels[1:-1, 0], found)
            np.add.at(noise, labels[1:-1, 0], variance)
    if not noise.any():
        return UNKNOWN
    return ratio(offsets, noise, weights)


def _rows(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of every row but the first and the last: covariance of its segments, variance of pixels."""
    detail = plane[1:-1] - (plane[:-2] + plane[2:]) / 2
    size = min(REACH, *detail.shape)
    width = detail.shape[1] // SEGMENTS
    # without the segments' offsets, which must not decide where they are looked for
    own = np.empty_like(detail)
    for part in range(SEGMENTS):
        place = slice(part * width, None if part == SEGMENTS - 1 else (part + 1) * width)
        middle = np.median(detail[:, place], axis=1, keepdims=True)
        own[:, place] = np.abs(detail[:, place] - middle)
    activity = uniform_filter(own, size, mode="reflect")
    flat = activity <= np.quantile(activity, FLAT)
    scale = 1.4826 * np.median(np.abs(detail[flat]))
    if not scale:
        # most of it is black, as in drawings
        scale = float(np.sqrt(np.mean(detail[flat] ** 2)))
    detail = np.clip(detail, -BOUND * scale, BOUND * scale) * flat
    whole = detail[:, : SEGMENTS * width].reshape(-1, SEGMENTS, width)
    kept = flat[:, : SEGMENTS * width].reshape(-1, SEGMENTS, width).sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(kept >= NARROW, whole.sum(axis=2) / kept, np.nan)
    spread = 1.4826 * np.nanmedian(np.abs(means)) if np.isfinite(means).any() else 0.0
    means = np.clip(means, -BOUND * spread, BOUND * spread) if spread else means
    products = [
        means[:, one] * means[:, other]
        for one in range(SEGMENTS)
        for other in range(one + 2, SEGMENTS)
    ]
    table = np.stack(products, axis=1)
    there = np.isfinite(table).sum(axis=1)
    variance = float((detail**2).sum() / max(flat.sum(), 1))
    covariance = np.nansum(table, axis=1) / np.maximum(there, 1)
    return covariance / OWN * (there > 0), variance / OWN * (there > 0)


def is_striped(one: Estimate) -> bool | None:
    """Are there offsets? None: it cannot be told."""
    if math.isnan(one.value):
        return None
    least = one.low if math.isfinite(one.low) else one.value
    return least > STRIPED
