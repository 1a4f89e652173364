"""How the noise's variance grows with the signal: variance = a + b mean.

`a` is the variance in the dark, as a camera's electronics give it, and 1 / b the number of photons
in a white pixel, if the noise is a camera's.

References
----------
A. Foi et al., "Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data",
IEEE Trans. Image Processing 17 (2008).
A. Foi, "Clipped noisy images: heteroskedastic modeling and practical denoising", Signal Processing
89 (2009).
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares
from scipy.special import ndtr

from denoising.files import InputError
from denoising.noise.clipping import clipped_mean

FEWEST = 2  # levels that a line goes through
BEYOND = 1.5  # white at 1: up to where pixels may be that were cut to white
POINTS = 1501  # of the curve that clipping makes of the line
ROBUST = 0.1  # relative deviation of a variance from which on it counts for less
INWARD = 1e-3  # from the bound of a and b, over the mean variance: where a search can start
DARKEST = 1e-12  # variance that counts as none


class Line(NamedTuple):
    """variance = a + b mean, before clipping; pixel values with black at 0 and white at 1.

    `deviation` is the root mean square of the variances' relative deviations from it, by level.
    """

    a: float
    b: float
    deviation: float


def clipped_variance(clean: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Variance of clip(y + n, 0, 1) with n ~ N(0, sigma²), elementwise.

    Its mean is `denoising.noise.clipping.clipped_mean`.

    Parameters
    ----------
    clean, sigma : ndarray
        Pixel values y, and standard deviations over 0.
    """
    low, high = -clean / sigma, (1 - clean) / sigma
    inside = ndtr(high) - ndtr(low)
    at_low, at_high = (np.exp(-(edge**2) / 2) / np.sqrt(2 * np.pi) for edge in (low, high))
    square = (
        clean**2 * inside
        + 2 * clean * sigma * (at_low - at_high)
        + sigma**2 * (inside + low * at_low - high * at_high)
        + ndtr(-high)
    )
    return np.maximum(square - clipped_mean(clean, sigma) ** 2, 0)


def fit(
    means: np.ndarray,
    variances: np.ndarray,
    counts: np.ndarray,
    clipped: tuple[bool, bool],
    start: tuple[float, float] | None = None,
    slope: bool = True,
) -> Line:
    """The line through variances by level.

    Parameters
    ----------
    means, variances : ndarray (levels,)
        Of noisy pixels. Levels that are NaN, or have no noise, such as those that are cut to white
        altogether, say nothing.
    counts : ndarray (levels,)
        By which levels count.
    clipped : tuple of bool
        Was the noise cut at black, at white? What is observed is then held against what clipping
        makes of the line.
    start : tuple of float, optional
        a and b near which the line is, such as those of the same images drawn otherwise.
    slope : bool
        Is there one? False: b is 0, for levels that are too near to each other to tell.

    Raises
    ------
    InputError
        If fewer than two levels have noise, or none without a slope.
    """
    there = np.isfinite(means) & np.isfinite(variances) & (variances > DARKEST)
    fewest = FEWEST if slope else 1
    if there.sum() < fewest:
        raise InputError(f"noise is found at {there.sum()} levels: a line needs {fewest}")
    means, variances, counts = means[there], variances[there], counts[there]
    scale = float(np.average(variances, weights=counts))
    weights = np.sqrt(counts / counts.sum())

    def deviations(point: np.ndarray) -> np.ndarray:
        both = np.append(point, 0.0)[:2]
        return np.log(variances / _expected(means, scale * both, clipped))

    starts = [(1.0, 0.1), (0.1, 1.0)]
    if start is not None:
        starts = [(max(start[0] / scale, INWARD), max(start[1] / scale, INWARD))]
    found = min(
        (
            least_squares(
                lambda point: weights * deviations(point),
                first[: 1 + slope],
                bounds=(0, np.inf),
                loss="soft_l1",
                f_scale=ROBUST,
            )
            for first in starts
        ),
        key=lambda result: result.cost,
    )
    a, b = scale * np.append(found.x, 0.0)[:2]
    deviation = np.sqrt(np.average(deviations(found.x) ** 2, weights=counts))
    return Line(float(a), float(b), float(deviation))


def _expected(means: np.ndarray, line: np.ndarray, clipped: tuple[bool, bool]) -> np.ndarray:
    """Variance of noisy pixels of these means."""
    a, b = line
    if not any(clipped):
        return np.maximum(a + b * means, DARKEST)
    clean = np.linspace(0, BEYOND, POINTS)
    sigma = np.sqrt(np.maximum(a + b * clean, DARKEST))
    mean, variance = clipped_mean(clean, sigma), clipped_variance(clean, sigma)
    at_black, at_white = clipped
    middle = np.searchsorted(mean, 0.5)  # far from one end, the other does not matter
    if not at_black:
        mean[:middle], variance[:middle] = clean[:middle], sigma[:middle] ** 2
    if not at_white:
        mean[middle:], variance[middle:] = clean[middle:], sigma[middle:] ** 2
    return np.maximum(np.interp(means, mean, variance), DARKEST)
