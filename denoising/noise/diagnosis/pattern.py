"""What the noise of several images of one size has in common: a sensor's fixed pattern.

The residuals of different images are independent at each pixel, unless there is something that
stays. So the mean product of two of them is the pattern's variance. Compare

J. Lukas, J. Fridrich, M. Goljan, "Digital camera identification from sensor pattern noise", IEEE
Trans. Information Forensics and Security 1 (2006).
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.ndimage import uniform_filter

from denoising.noise.diagnosis.estimates import UNKNOWN, Estimate, bootstrap
from denoising.noise.diagnosis.samples import Samples, Window

FEWEST = 3  # images
MOST = 256  # images: their number squared is the work
PIXELS = 2**16  # of an image, all windows and channels
BOUND = 3.0  # robust standard deviations, to which residuals are cut
FLAT = 0.5  # share of the pixels of an image that count: those with the least around them
REACH = 7  # pixels: side of what is around
SHARED = 0.02  # of the noise's variance, from which on there is a pattern


def share(samples: Samples, resamples: int, seed: int) -> Estimate:
    """Share of the noise's variance that stays from image to image; NaN of under three images.

    The interval is over images, or over tiles of these where they are few.
    """
    groups: dict[tuple[tuple[int, ...], ...], list[list[Window]]] = {}
    for image in range(samples.images):
        own = [window for window in samples.windows if window.image == image]
        groups.setdefault(tuple(window.pixels.shape for window in own), []).append(own)
    largest = max(groups.values(), key=len)[:MOST]
    if len(largest) < FEWEST:
        return UNKNOWN
    residuals, flat = zip(*(_residual(one) for one in largest), strict=True)
    every = max(1, len(residuals[0]) // PIXELS)
    return _shared(
        np.stack(residuals)[:, ::every], np.stack(flat)[:, ::every], samples.unit, resamples, seed
    )


def _residual(windows: Sequence[Window]) -> tuple[np.ndarray, np.ndarray]:
    """Fine details of an image in units of their spread, and where it is flat: elsewhere 0."""
    details, flat = [], []
    for window in windows:
        pixels = window.pixels
        size = (min(3, pixels.shape[0]), min(3, pixels.shape[1]), 1)
        detail = pixels - uniform_filter(pixels, size, mode="reflect")
        size = (min(REACH, pixels.shape[0]), min(REACH, pixels.shape[1]), 1)
        activity = uniform_filter(np.abs(detail), size, mode="reflect")
        here = activity <= np.quantile(activity, FLAT)
        scale = float(np.sqrt(np.mean(detail[here] ** 2))) or 1.0
        details.append((np.clip(detail / scale, -BOUND, BOUND) * here).ravel())
        flat.append(here.ravel())
    return np.concatenate(details).astype(np.float32), np.concatenate(flat).astype(np.float32)


def _shared(
    residuals: np.ndarray, flat: np.ndarray, unit: str, resamples: int, seed: int
) -> Estimate:
    """Mean product of different images' residuals (images, pixels) over the mean square."""
    images, pixels = residuals.shape
    rng = np.random.default_rng(seed)
    if unit == "images":
        products, counts = residuals @ residuals.T, flat @ flat.T
        squares, own = np.diag(products).copy(), np.diag(counts).copy()
        np.fill_diagonal(products, 0)  # an image has all in common with itself
        np.fill_diagonal(counts, 0)

        def statistic(row: np.ndarray) -> list[float]:
            both, one = row @ counts @ row, row @ own
            square = row @ squares
            if not (both and one and square):
                return [math.nan]
            return [(row @ products @ row / both) / (square / one)]

        drawn = rng.multinomial(images, np.full(images, 1 / images), size=resamples)
        return bootstrap(statistic, drawn.astype(float))[0]
    parts = np.array_split(np.arange(pixels), min(16, pixels))
    sums = np.array(
        [
            [
                float(np.sum(residuals[:, p].sum(0) ** 2) - np.sum(residuals[:, p] ** 2)),
                float(np.sum(flat[:, p].sum(0) ** 2) - np.sum(flat[:, p] ** 2)),
                float(np.sum(residuals[:, p] ** 2)),
                float(flat[:, p].sum()),
            ]
            for p in parts
        ]
    )

    def of_parts(row: np.ndarray) -> list[float]:
        product, both, square, one = row @ sums
        return [(product / both) / (square / one)] if both and one and square else [math.nan]

    drawn = rng.multinomial(len(parts), np.full(len(parts), 1 / len(parts)), size=resamples)
    return bootstrap(of_parts, drawn.astype(float))[0]


def is_shared(one: Estimate) -> bool | None:
    """Is there a pattern? None: it cannot be told."""
    if math.isnan(one.value):
        return None
    least = one.low if math.isfinite(one.low) else one.value
    return least > SHARED
