"""Was noise cut at black or white? Not all that is black was cut.

At an end of the range, an image may have pixels beyond it (nothing was cut), hardly any (there was
nothing to cut), areas without noise, or noise that was cut: there pixels at the end and beside it
are mixed, and those at the end are more than those of the next values would let expect.

References
----------
A. Foi, "Clipped noisy images: heteroskedastic modeling and practical denoising", Signal Processing
89 (2009).
"""

from typing import Literal, NamedTuple

import numpy as np

from denoising.noise.clipping import clipped_mean
from denoising.noise.diagnosis.estimates import UNKNOWN, Estimate, intervals, ratio
from denoising.noise.diagnosis.neighbours import mean
from denoising.noise.diagnosis.samples import Samples, Window

Kind = Literal["beyond", "away", "areas", "cut"]

SCARCE = 3e-4  # share of the pixels at an end that is as good as none
MIXED = 0.2  # share of their neighbours that are not at the end, from which on noise is there
BEYOND = 0.1  # of the pixels at an end, from which on values go on there
PILE = 1.2  # times as many pixels at the end as at the next value
NARROW = 1 / 255  # taken for a step where it is finer, or values are continuous
TOUCHED = 1e-6  # beyond an end only by rounding
MOVED = 1e-3  # of the range: a mean that is moved by less counts as kept, as in `Noise`


class End(NamedTuple):
    """One end of the range.

    Attributes
    ----------
    share : Estimate
        Of the pixels that lie at the end or beyond.
    kind : {"beyond", "away", "areas", "cut"}
        Values go beyond the end; stay away from it; are there, but without noise; or noise was cut.
    mixed : Estimate
        Share of the neighbours of pixels at the end that are not there themselves.
    bias : Estimate
        By how much the mean of a pixel at this end is moved, in pixel values; 0 where nothing was
        cut, NaN where the noise is not known.
    """

    share: Estimate
    kind: Kind
    mixed: Estimate
    bias: Estimate

    @property
    def is_clipped(self) -> bool:
        """Does clipping move the mean of pixels at this end? Yes also where it is not known."""
        return self.kind == "cut" and not abs(self.bias.value) < MOVED


def tally(samples: Samples, white: bool, step: float) -> np.ndarray:
    """Sums of every unit, (units, 5): of all pixels, and of neighbours that are not at the end.

    Parameters
    ----------
    white : bool
        At which end.
    step : float
        Between pixel values; NaN: none.
    """
    next_to = 1.5 * max(np.nan_to_num(step), NARROW)

    def maps(window: Window) -> np.ndarray:
        depth = 1 - window.pixels if white else window.pixels
        at_end = depth <= 0
        other = 1 - mean(at_end)
        found = [
            np.ones_like(at_end),
            at_end,
            depth < -TOUCHED,
            ~at_end & (depth <= next_to),
            at_end * other,
        ]
        return np.stack([one.sum(axis=-1, dtype=float) for one in found], axis=-1)

    return samples.sums(maps)


def kind_of(sums: np.ndarray, impulses: float) -> Kind:
    """What is at an end, from sums (5,) of `tally`.

    Parameters
    ----------
    impulses : float
        Share of the pixels that are at this end as impulses: these are no noise that was cut.
    """
    pixels, at_end, beyond, next_to, other = sums
    left = at_end - impulses * pixels
    if beyond > max(SCARCE * pixels, BEYOND * left):
        return "beyond"
    if left <= SCARCE * pixels:
        return "away"
    # an impulse stands among others
    mixed = (other - impulses * pixels) / left
    return "cut" if mixed > MIXED and left > PILE * next_to else "areas"


def looked_at(sums: np.ndarray, impulses: float, weights: np.ndarray) -> End:
    """What is known of an end before the noise is.

    Parameters
    ----------
    sums : ndarray (units, 5)
        By `tally`.
    impulses : float
        See `kind_of`.
    weights : ndarray (resamples, units)
    """
    share = ratio(sums[:, 1], sums[:, 0], weights)
    mixed = ratio(sums[:, 4], sums[:, 1], weights)
    kind = kind_of(sums.sum(axis=0), impulses)
    return End(share, kind, mixed, UNKNOWN)


def with_bias(end: End, white: bool, lines: np.ndarray, units: int) -> End:
    """The end, with what clipping does to the mean of its pixels.

    Parameters
    ----------
    lines : ndarray (1 + resamples, 2)
        a and b of the variance a + b mean: of the images, then of images drawn anew.
    units : int
        How many were drawn from.
    """
    if end.kind != "cut":
        return end._replace(bias=Estimate(0.0, 0.0, 0.0))
    clean = float(white)
    variance = lines[:, 0] + lines[:, 1] * clean
    moved = np.full(len(lines), np.nan)
    there = np.isfinite(variance)
    sigma = np.sqrt(np.maximum(variance[there], 1e-16))
    moved[there] = clipped_mean(np.full(there.sum(), clean), sigma) - clean
    return end._replace(bias=intervals([moved[0]], moved[1:, None], units)[0])
