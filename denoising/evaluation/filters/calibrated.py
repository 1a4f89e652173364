"""A classical filter that sets its own strength, from the noisy image alone."""

from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from denoising.evaluation.filters.adaptive import ESTIMATED
from denoising.evaluation.filters.fixed import Gaussian, Median
from denoising.evaluation.filters.restoration import NonLocalMeans, Wavelet, smoothed
from denoising.files import InputError
from denoising.methods.base import Assumption
from denoising.sections import Section

WINDOW = 256  # pixels of a side that the strength of a larger image is chosen on, in its middle
STRIDE = 4  # pixels from one hidden pixel to the next, along both sides
HIDDEN = WINDOW**2 // STRIDE**2  # pixels, at least, that choose, but of an image that has fewer
LEVELS = tuple(2.0**-step for step in range(7))  # of strength, in standard deviations of the image
SPREADS = (4.0, 2.0, 1.0, 0.5)  # of a Gaussian, pixels
SIZES = (3, 5, 7, 9)  # of a median, pixels
FINER = (2**0.5, 2**0.25)  # steps around the best candidate so far, in turn
SHORTEST = 2  # pixels of a side: of one alone, a pixel would be its own neighbour
ANY = "any"

Kind = Literal["wavelet", "tv", "nlm", "gaussian", "median"]
KINDS: tuple[Kind, ...] = ("wavelet", "tv", "nlm", "gaussian", "median")
_Mask = tuple[slice, slice]


class Choice(NamedTuple):
    """What is chosen for an image.

    Attributes
    ----------
    kind : str
        Of filter.
    strength : float
        See `Calibrated` for its unit.
    loss : float
        Mean squared error of hidden pixels' predictions against their noisy values.
    """

    kind: Kind
    strength: float
    loss: float


class Calibrated(Section):
    """A filter whose strength is the one that predicts best each pixel that it does not see.

    A part of the pixels is hidden, each replaced by the mean of its four neighbours, and the filter
    told to predict them from what is left. Where noise is independent from pixel to pixel and
    leaves the mean alone, the mean squared difference to the noisy values is the error against the
    unknown clean ones, plus the noise's variance: the same for all strengths. The strength with the
    smallest difference then filters the whole image, with nothing hidden.

    `filter` names what is calibrated, and with it what strength means; "any" tries all of them on
    each image, and takes the one with the smallest difference:

    - wavelet, nlm: the standard deviation of noise that the filter is told, pixel values;
    - tv: the weight of the total variation, pixel values;
    - gaussian: the standard deviation of the blur, pixels;
    - median: the side of the square, pixels.

    Candidates are, for the first three, 1, 1/2, ... 1/64 of the standard deviation of the noisy
    image, which noise cannot exceed by much; 4, 2, 1 and 0.5 pixels of blur; 3, 5, 7 and 9 pixels
    of a median. All but the median's sizes are then refined around the best: first by factors of
    2^(1/2), then of 2^(1/4), to both sides. A large image's strength is chosen on the `WINDOW` x
    `WINDOW` pixels in its middle.

    With hidden pixels replaced, a filter sees less noise than it then has to remove. Where fine
    detail hides the difference, or an image has few pixels, the strength may be too small
    (benchmarks/zero_shot.md: wavelets on digits).

    Attributes
    ----------
    assumes : tuple of Assumption
        What makes it work.

    References
    ----------
    J. Batson, L. Royer, "Noise2Self: Blind Denoising by Self-Supervision", ICML (2019),
    arXiv:1901.11365, section 3.
    """

    name: Literal["calibrated"]
    filter: Literal["wavelet", "tv", "nlm", "gaussian", "median", "any"]

    assumes: ClassVar[tuple[Assumption, ...]] = (Assumption.INDEPENDENT, Assumption.ZERO_MEAN)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        result = np.empty(images.shape, np.float32)
        for index, image in enumerate(images):
            pixels = image.astype(np.float64)  # sums over large images lose too much in float32
            best = self.best(pixels)
            result[index] = filtered(best.kind, pixels, best.strength) if best else pixels
        return result

    def best(self, image: np.ndarray) -> Choice | None:
        """What is chosen for an image.

        Parameters
        ----------
        image : ndarray (H, W, C)
            Pixel values on the scale [0, 1], which noise may have moved outside.

        Returns
        -------
        Choice or None
            None: the image is of a single value, and stays as it is.

        Raises
        ------
        InputError
            If the image is one line, whose pixels have not the neighbours that this takes.
        """
        window = _middle(image).astype(np.float64)
        if np.ptp(window) == 0:
            return None
        if min(window.shape[:2]) < SHORTEST:
            height, width, _ = image.shape
            raise InputError(
                f"an image of {height} x {width} pixels: too small to choose a filter's strength"
            )
        masks = _masks(window.shape)
        kinds = [kind for kind in KINDS if self.filter in (kind, ANY)]
        return min((_best(kind, window, masks) for kind in kinds), key=lambda one: one.loss)


def _best(kind: Kind, image: np.ndarray, masks: list[_Mask]) -> Choice:
    """The best strength of a kind of filter."""
    losses = {one: _loss(kind, image, one, masks) for one in _candidates(kind, image)}
    for factor in () if kind == "median" else FINER:
        best = min(losses, key=losses.__getitem__)
        for one in (best / factor, best * factor):
            losses[one] = _loss(kind, image, one, masks)
    best = min(losses, key=losses.__getitem__)
    return Choice(kind, best, losses[best])


def _candidates(kind: Kind, image: np.ndarray) -> Sequence[float]:
    if kind == "median":
        return SIZES
    if kind == "gaussian":
        return SPREADS
    deviation = float(image.std())
    return [deviation * level for level in LEVELS]


def _loss(kind: Kind, image: np.ndarray, strength: float, masks: list[_Mask]) -> float:
    """The mean squared error of hidden pixels' predictions against their noisy values."""
    from skimage.restoration import denoise_invariant  # takes half a second

    def denoise(image: np.ndarray, channel_axis: int) -> np.ndarray:
        return filtered(kind, image, strength)

    # with a channel axis, all channels of a pixel are hidden together
    options = {"channel_axis": -1}
    predicted = denoise_invariant(image, denoise, masks=masks, denoiser_kwargs=options)
    errors = [np.square(predicted[mask] - image[mask]).ravel() for mask in masks]
    return float(np.concatenate(errors).mean())


def filtered(kind: Kind, image: np.ndarray, strength: float) -> np.ndarray:
    """One image (H, W, C) float64, at a strength over 0, whose unit `Calibrated` gives."""
    match kind:
        case "wavelet":
            return Wavelet(name="wavelet", sigma=ESTIMATED).filtered(image, strength)
        case "nlm":
            return NonLocalMeans(name="nlm", sigma=ESTIMATED).filtered(image, strength)
        case "tv":
            channels = np.moveaxis(image, -1, 0)
            return np.stack([smoothed(channel, strength) for channel in channels], axis=-1)
        case "gaussian":
            return Gaussian(name="gaussian", sigma=strength)(image[None])[0]
        case "median":
            return Median(name="median", size=int(strength))(image[None])[0]


def _middle(image: np.ndarray) -> np.ndarray:
    """At most `WINDOW` x `WINDOW` pixels in the middle of an image (H, W, C)."""
    top, left = (max(0, size - WINDOW) // 2 for size in image.shape[:2])
    return image[top : top + WINDOW, left : left + WINDOW]


def _masks(shape: tuple[int, ...]) -> list[_Mask]:
    """Pixels of an image that are hidden at a time, at least `HIDDEN` in all if it has so many."""
    count = min(STRIDE**2, -(-HIDDEN * STRIDE**2 // (shape[0] * shape[1])))
    # STRIDE + 1 has no divisor in common with STRIDE², so that each mask comes once
    places = [divmod(index * (STRIDE + 1) % STRIDE**2, STRIDE) for index in range(count)]
    return [(slice(row, None, STRIDE), slice(column, None, STRIDE)) for row, column in places]
