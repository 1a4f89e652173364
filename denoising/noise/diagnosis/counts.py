"""Counts of photons, which tell their noise by the step between them.

Where nothing is flat but black, and black has no noise, there is no block to measure. But whole
counts, whose step is the pixel value of one, have a variance of their own: that of Poisson's law,
the step times the mean. Whether pixel values are such counts, neighbours tell: of two counts with
equal means and the sum s, each is binomial, so that the mean square of their difference is s. Edges
add to that, and nothing takes away. What is only rounded has less where an image is smooth.
"""

import math

import numpy as np

from denoising.noise.diagnosis.estimates import Estimate, ratio
from denoising.noise.diagnosis.growth import Growth
from denoising.noise.diagnosis.samples import Samples
from denoising.noise.diagnosis.steps import NEAR, ROUNDING

MOST = 4096  # sum of two counts, at most; a step of more than 11 bits is no photon's
ENOUGH = 200  # pairs of a sum, so that the mean is right within a tenth
SUMS = 3  # that have enough pairs
LEAST = 0.7  # mean square of the difference over the sum, of every sum
FLAT = 1.5  # the same, at most, of some sum of the brighter half: there is hardly an edge


def are_counts(samples: Samples, step: float) -> bool:
    """Are pixel values whole counts of something that comes at random?

    Parameters
    ----------
    samples : Samples
    step : float
        Between pixel values; NaN where these are continuous.
    """
    if not math.isfinite(step):
        return False
    pairs, squares = np.zeros(MOST + 1), np.zeros(MOST + 1)
    for window in samples.windows:
        places = window.pixels.astype(np.float64) / step
        counts = np.rint(places)
        if counts.min() < 0 or 2 * counts.max() > MOST or np.abs(places - counts).max() > NEAR:
            return False
        for one, other in ((counts[1:], counts[:-1]), (counts[:, 1:], counts[:, :-1])):
            sums = (one + other).astype(int).ravel()
            pairs += np.bincount(sums, minlength=MOST + 1)
            squares += np.bincount(sums, np.square(one - other).ravel(), minlength=MOST + 1)
    there = np.flatnonzero(pairs >= ENOUGH)
    there = there[there > 0]
    ratios = squares[there] / (there * pairs[there])
    if len(ratios) < SUMS or ratios.min() < LEAST:
        return False
    return bool(ratios[len(ratios) // 2 :].min() <= FLAT)


def noise(
    samples: Samples, step: float, weights: np.ndarray
) -> tuple[Estimate, Growth, np.ndarray]:
    """Sigma, growth, and a and b of every draw: those of Poisson's law.

    Parameters
    ----------
    samples : Samples
    step : float
    weights : ndarray (resamples, units)
    """

    def sums(pixels: np.ndarray) -> np.ndarray:
        means = pixels.mean(axis=-1, dtype=np.float64)
        return np.stack([means, np.ones_like(means)], axis=-1)

    value, count = samples.sums(lambda window: sums(window.pixels)).T
    mean = ratio(value, count, weights)
    relative = Estimate(1 / mean.value, 1 / mean.high, 1 / mean.low)
    one = Estimate(step, step - ROUNDING, step + ROUNDING)
    growth = Growth(Estimate(0.0, 0.0, 0.0), one, relative)
    sigma = mean.map(lambda level: math.sqrt(step * level))
    return sigma, growth, np.tile([0.0, step], (1 + len(weights), 1))
