"""Noise models, and what they do to the mean of a pixel.

Noise2Noise replaces clean targets by noisy ones, which a squared error forgives only where the noise leaves the mean alone
(Lehtinen et al. 2018). Each model here knows the mean that it makes of a pixel, and how to go back from it.
"""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import ndtr, pdtr

_NODES = 2**14 + 1  # of the table that inverts a mean: exact to 1e-6 for sigma >= 0.001

Share = Annotated[float, Field(gt=0, lt=1)]
Sigma = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]


class _Noise(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    invertible: ClassVar[bool] = (
        True  # does every pixel value in [0, 1] have a noisy mean of its own?
    )

    def corrupt(self, clean, rng):
        """A noisy version of `clean`.

        Parameters
        ----------
        clean : ndarray
            Any shape, pixel values in [0, 1]; not modified.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of float32, the shape of `clean`
        """
        raise NotImplementedError

    def mean(self, clean):
        """E[noisy | clean], elementwise, for pixel values in [0, 1]: ndarray of float64."""
        raise NotImplementedError

    def debias(self, means):
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
            raise ValueError(f"{self.name}: several pixel values have the same noisy mean")
        values = np.linspace(0, 1, _NODES)
        return np.interp(means, self.mean(values), values)


class Gaussian(_Noise):
    """White Gaussian noise of standard deviation `sigma`, added to pixel values in [0, 1].

    With `clip` the sum is cut to [0, 1]. The noise is then no longer zero-mean: see `clipped_mean`.
    """

    name: Literal["gaussian"]
    sigma: Sigma
    clip: bool

    def corrupt(self, clean, rng):
        noisy = rng.standard_normal(clean.shape, dtype=np.float32)
        noisy *= self.sigma
        noisy += clean
        return np.clip(noisy, 0, 1, out=noisy) if self.clip else noisy

    def mean(self, clean):
        return clipped_mean(clean, self.sigma) if self.clip else np.asarray(clean, dtype=float)


class Speckle(_Noise):
    """Multiplicative Gaussian noise: y becomes y (1 + n) with n of standard deviation `sigma`; `clip` cuts it to [0, 1]."""

    name: Literal["speckle"]
    sigma: Sigma
    clip: bool

    def corrupt(self, clean, rng):
        noisy = rng.standard_normal(clean.shape, dtype=np.float32)
        noisy *= self.sigma
        noisy += 1
        noisy *= clean
        return np.clip(noisy, 0, 1, out=noisy) if self.clip else noisy

    def mean(self, clean):
        clean = np.asarray(clean, dtype=float)
        if not self.clip:
            return clean
        return clipped_mean(
            clean, self.sigma * np.maximum(clean, 1e-9)
        )  # a black pixel has no spread to divide by


class Poisson(_Noise):
    """Shot noise: white is `peak` photons in the mean, a pixel is their number over `peak`; `clip` cuts it at 1."""

    name: Literal["poisson"]
    peak: float = Field(ge=1, le=1e6)
    clip: bool

    def corrupt(self, clean, rng):
        noisy = (rng.poisson(np.asarray(clean, dtype=float) * self.peak) / self.peak).astype(
            np.float32
        )
        return np.minimum(noisy, 1, out=noisy) if self.clip else noisy

    def mean(self, clean):
        clean = np.asarray(clean, dtype=float)
        if not self.clip:
            return clean
        # sum over k <= m of k P(k) is the rate times P(K <= m - 1)
        rate, most = clean * self.peak, np.floor(self.peak)
        return clean * pdtr(most - 1, rate) + 1 - pdtr(most, rate)


class SaltAndPepper(_Noise):
    """A share `amount` of the pixels becomes white (of these `salt_vs_pepper`) or black."""

    name: Literal["salt_and_pepper"]
    amount: Share
    salt_vs_pepper: float = Field(ge=0, le=1)

    def corrupt(self, clean, rng):
        chance = rng.random(clean.shape, dtype=np.float32)
        noisy = np.where(chance < self.amount, np.float32(0), clean).astype(np.float32)
        noisy[chance < self.amount * self.salt_vs_pepper] = 1
        return noisy

    def mean(self, clean):
        return (1 - self.amount) * np.asarray(
            clean, dtype=float
        ) + self.amount * self.salt_vs_pepper


class Impulse(_Noise):
    """Random-valued impulses: a share `amount` of the pixels becomes a random value, uniform over [0, 1]."""

    name: Literal["impulse"]
    amount: Share

    def corrupt(self, clean, rng):
        hit = rng.random(clean.shape, dtype=np.float32) < self.amount
        return np.where(hit, rng.random(clean.shape, dtype=np.float32), clean).astype(np.float32)

    def mean(self, clean):
        return (1 - self.amount) * np.asarray(clean, dtype=float) + self.amount / 2


class Quantization(_Noise):
    """Rounding to 2**`bits` levels, without dither. The error is a function of the pixel, so there is no way back."""

    name: Literal["quantization"]
    bits: int = Field(ge=1, le=16)

    invertible: ClassVar[bool] = False

    def corrupt(self, clean, rng):
        return self.mean(clean).astype(np.float32)

    def mean(self, clean):
        steps = 2**self.bits - 1
        return np.round(np.asarray(clean, dtype=float) * steps) / steps


Noise = Annotated[
    Gaussian | Speckle | Poisson | SaltAndPepper | Impulse | Quantization,
    Field(discriminator="name"),
]


def clipped_mean(clean, sigma):
    """g(y) = E[clip(y + n, 0, 1)] with n ~ N(0, sigma²): what a network trained by L2 on clipped noisy targets learns.

    Parameters
    ----------
    clean : array_like
        Pixel values y in [0, 1].
    sigma : array_like
        Standard deviation of the noise before clipping, over 0.

    Returns
    -------
    ndarray of float64

    References
    ----------
    A. Foi, "Clipped noisy images: heteroskedastic modeling and practical denoising", Signal Processing 89 (2009).
    """
    clean = np.asarray(clean, dtype=float)

    def expected_excess(distance):
        """E[max(n + distance, 0)]."""
        standard = distance / sigma
        return distance * ndtr(standard) + sigma * np.exp(-(standard**2) / 2) / np.sqrt(2 * np.pi)

    # clip(z, 0, 1) = max(z, 0) - max(z - 1, 0)
    return expected_excess(clean) - expected_excess(clean - 1)


def unclipped_mean(means, sigma):
    """The inverse of `clipped_mean`: pixel values y in [0, 1] with g(y) = `means`; what lies beyond g(0), g(1) becomes 0, 1.

    g is strictly increasing; its inverse is read from a table of g, exact to 1e-6 for sigma >= 0.001.
    """
    return Gaussian(name="gaussian", sigma=float(sigma), clip=True).debias(means)


def at_rails(noisy):
    """Share of the pixels that lie at or beyond black (0) and white (1), as two numbers.

    Where clipping was at work they pile up there: of noisy blacks one half, whatever sigma.
    """
    noisy = np.asarray(noisy)
    return float(np.mean(noisy <= 0)), float(np.mean(noisy >= 1))
