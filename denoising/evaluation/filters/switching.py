"""The median where a pixel was replaced, and nothing elsewhere."""

from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

from denoising.methods.base import Assumption
from denoising.sections import Odd, Positive, Section

AT_ONCE = 2**18  # pixels whose neighbours are gathered
PASSES = 8


class SwitchingMedian(Section):
    """Pixels far from the median of their neighbourhood become the median of the others in it.

    The neighbourhood is size x size pixels, reflecting border. A pixel counts as replaced if it
    differs from their median by more than `threshold`; and, with `only_ends`, is black or white as
    well. The median that takes its place is that of the pixels that do not count as replaced, or
    of all where all do. Other pixels stay as they are, bit by bit.

    Black and white pixels that stick together may be a neighbourhood's median. With `only_ends`
    the image is therefore gone over again, as long as pixels change, at most `PASSES` times.

    References
    ----------
    T. Sun, Y. Neuvo, "Detail-preserving median based filters in image processing", Pattern
    Recognition Letters 15 (1994); with `only_ends`, K. S. Srinivasan, D. Ebenezer, "A new fast and
    efficient decision-based algorithm for removal of high-density impulse noises", IEEE Signal
    Processing Letters 14 (2007).
    """

    name: Literal["switching_median"]
    size: Odd
    threshold: Positive  # pixel values
    only_ends: bool

    @property
    def assumes(self) -> tuple[Assumption, ...]:
        """What makes it work."""
        return (Assumption.BLACK_OR_WHITE if self.only_ends else Assumption.REPLACED,)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return np.stack([self._image(image.astype(np.float32)) for image in images])

    def _image(self, image: np.ndarray) -> np.ndarray:
        """One image (H, W, C)."""
        for _ in range(PASSES if self.only_ends else 1):
            before, image = image, self._pass(image)
            if np.array_equal(before, image):
                break
        return image

    def _pass(self, image: np.ndarray) -> np.ndarray:
        result = image.copy()
        middle = ndimage.median_filter(result, size=(self.size, self.size, 1), mode="reflect")
        replaced = np.abs(result - middle) > self.threshold
        if self.only_ends:
            replaced &= (result <= 0) | (result >= 1)
        around = self.size // 2
        border = ((around, around), (around, around), (0, 0))
        others = np.pad(np.where(replaced, np.nan, result), border, mode="symmetric")
        near = sliding_window_view(others, (self.size, self.size), axis=(0, 1))
        places = np.argwhere(replaced)
        for start in range(0, len(places), AT_ONCE):
            rows, columns, channels = places[start : start + AT_ONCE].T
            found = near[rows, columns, channels].reshape(len(rows), -1)
            alone = np.isnan(found).all(axis=1)
            found[alone] = middle[rows, columns, channels][alone][:, None]
            result[rows, columns, channels] = np.nanmedian(found, axis=1)
        return result
