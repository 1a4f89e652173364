"""What every noise model does.

One model per file of this folder: a section of params.yaml that is told apart by its `name`, and
knows how to draw its noise, the mean that it gives to a pixel, and the way back from that mean.
Noise2Noise replaces clean targets by noisy ones, which a squared error forgives only where the
noise leaves the mean alone (Lehtinen et al. 2018).
"""

from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field
from scipy.ndimage import convolve1d

from denoising.sections import Section

Share = Annotated[float, Field(gt=0, lt=1)]
Sigma = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]

MOVED = 1e-3  # of the range of pixel values: so far a mean may be moved, and counts as kept

NODES = 2**14 + 1  # of the table that inverts a mean: exact to 1e-6 for sigma >= 0.001


class Sharing(NamedTuple):
    """What pixels share of their noise.

    Attributes
    ----------
    across, down : float
        Spreads of the Gaussian filter that noise went through, in pixels; 0: none.
    channels : float
        Correlation between two channels.
    """

    across: float = 0.0
    down: float = 0.0
    channels: float = 0.0


class Noise(Section):
    """A noise model."""

    invertible: ClassVar[bool] = True  # has every pixel value in [0, 1] a noisy mean of its own?
    has_variance: ClassVar[bool] = True  # is `variance` known?
    has_likelihood: ClassVar[bool] = True  # is `likelihood` known, which is that of single pixels?
    is_model: ClassVar[bool] = True  # can it be drawn? False: the images have it already

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A noisy version of `clean`.

        Parameters
        ----------
        clean : ndarray
            Any shape, pixel values in [0, 1]; not modified.

        Returns
        -------
        ndarray of float32, the shape of `clean`
        """
        raise NotImplementedError

    def mean(self, clean: ArrayLike) -> np.ndarray:
        """E[noisy | clean], elementwise, for pixel values in [0, 1]: float64."""
        raise NotImplementedError

    @property
    def sharing(self) -> Sharing:
        """What pixels share of their noise."""
        return Sharing()

    @property
    def is_independent(self) -> bool:
        """Is the noise of a pixel independent of its neighbours'? Channels are another matter."""
        return not (self.sharing.across or self.sharing.down)

    @property
    def spares_pixels(self) -> bool:
        """Are there pixels that it leaves exactly as they were?"""
        return False

    @property
    def keeps_mean(self) -> bool:
        """Is the mean of a noisy pixel the clean one, whatever that is?"""
        values = np.linspace(0, 1, 101)
        return bool(np.abs(self.mean(values) - values).max() < MOVED)

    def variance(self, clean: ArrayLike) -> np.ndarray:
        """Var[noisy | clean] before clipping, elementwise, for pixel values in [0, 1]: float64.

        Raises
        ------
        ValueError
            If it has not `has_variance`.
        """
        raise ValueError(f"{self.model_dump()['name']}: its variance is not known")

    def more(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Gaussian noise with the variance and the correlations that noise has in noisy images.

        Not added to them; its mean is zero.

        Parameters
        ----------
        images : ndarray (N, H, W, C)
            Noisy; what lies beyond [0, 1] has the variance at its ends.

        Returns
        -------
        ndarray (N, H, W, C) of float32
        """
        across, down, channels = self.sharing
        drawn = rng.standard_normal(images.shape, dtype=np.float32)
        if channels:
            common = rng.standard_normal((*images.shape[:-1], 1), dtype=np.float32)
            drawn = np.sqrt(channels) * common + np.sqrt(1 - channels) * drawn
        sigma = np.sqrt(self.variance(np.clip(images, 0, 1)))
        return (sigma * smoothed(drawn, across, down)).astype(np.float32)

    def likelihood(self, noisy: ArrayLike, values: ArrayLike) -> np.ndarray:
        """How likely noisy pixels are, given clean ones.

        Inside the range this is a density. Where noise is cut to an end, all that lies there has
        the probability of being there or beyond. A factor that all clean values share, for a noisy
        one, does not matter.

        Parameters
        ----------
        noisy : array_like (N,)
        values : array_like (K,)
            Clean pixel values in [0, 1], in steps of the same size.

        Returns
        -------
        ndarray (N, K) of float64, at least 0

        Raises
        ------
        ValueError
            If it has not `has_likelihood`.
        """
        raise ValueError(f"{self.model_dump()['name']}: its likelihood is not known")

    def debias(self, means: ArrayLike) -> np.ndarray:
        """The inverse of `mean`: which pixel value has this noisy mean? Elementwise.

        Parameters
        ----------
        means : array_like
            What lies outside [mean(0), mean(1)], as predictions may, becomes 0 or 1.

        Returns
        -------
        ndarray of float64 in [0, 1]

        Raises
        ------
        ValueError
            If the noise model is not `invertible`.
        """
        if not self.invertible:
            kind: Any = self
            raise ValueError(f"{kind.name}: several pixel values have the same noisy mean")
        return inverse(means, self.mean_table())

    def mean_table(self) -> np.ndarray:
        """`mean` at `NODES` pixel values, evenly spaced from 0 to 1."""
        return self.mean(np.linspace(0, 1, NODES))


def inverse(means: ArrayLike, table: np.ndarray) -> np.ndarray:
    """Pixel values in [0, 1] that have these noisy means, by a `Noise.mean_table`."""
    return np.interp(np.asarray(means, np.float64), table, np.linspace(0, 1, len(table)))


def nearest(noisy: ArrayLike, values: ArrayLike) -> np.ndarray:
    """The likelihood of a pixel without noise, when only some values are told apart.

    A density that falls linearly to the neighbouring values.

    Parameters
    ----------
    noisy : array_like (N,)
    values : array_like (K,)
        In steps of the same size.

    Returns
    -------
    ndarray (N, K) of float64
    """
    noisy, values = np.asarray(noisy, dtype=float), np.asarray(values, dtype=float)
    step = values[1] - values[0]
    return np.maximum(0, 1 - np.abs(noisy[:, None] - values) / step) / step


def smoothed(noise: np.ndarray, across: float, down: float) -> np.ndarray:
    """White noise (..., H, W, C) through a Gaussian filter of such spreads, as strong as before."""
    for axis, spread in ((-2, across), (-3, down)):
        if spread:
            noise = convolve1d(noise, kernel_of(spread).astype(noise.dtype), axis, mode="wrap")
    return noise


def spread_of(correlation: float) -> float:
    """The spread of the filter after which neighbours have such a correlation, in pixels."""
    spreads = np.linspace(0.15, 6, 500)
    found = [float(one[1:] @ one[:-1]) for one in map(kernel_of, spreads)]
    return float(np.interp(correlation, found, spreads)) if correlation else 0.0


def kernel_of(spread: float) -> np.ndarray:
    """A Gaussian filter that leaves white noise as strong as it was; of no spread, a single 1."""
    radius = int(4 * spread + 0.5)
    kernel = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * max(spread, 1e-6) ** 2))
    return kernel / np.sqrt((kernel**2).sum())
