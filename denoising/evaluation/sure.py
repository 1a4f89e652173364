"""SURE: the error of any denoiser against clean images, estimated from the noisy ones.

Of noise that leaves the mean alone and whose variance is known, the mean squared error of a
denoiser f against the clean image x is

    E (f(y) - x)² = E [ (f(y) - y)² - Var(y) + 2 Cov(y, f(y)) ]     per pixel.

The covariance is what noise and denoised image share. For Gaussian noise it is the trace of the
noise's covariance times the derivative of f, and a random change with the noise's own variance and
correlations gives it at once: E [ change * (f(y + step change) - f(y)) ] / step. No derivative of f
has to be known, so f may be a network or a filter. For noise such as Poisson's the same holds as
long as f is nearly linear over the noise of a single pixel.

References
----------
C. Stein, "Estimation of the mean of a multivariate normal distribution", Annals of Statistics 9
(1981).
S. Ramani, T. Blu, M. Unser, "Monte-Carlo SURE", IEEE Trans. Image Processing 17 (2008).
"""

from collections.abc import Callable

import numpy as np

from denoising.noise.base import MOVED, Noise

# Of the change, in standard deviations of the noise. A change is as likely as its negative, so what
# a finite step adds is of the order of its square, one part in a hundred here; and a tenth of the
# noise is still well above what float32, and mostly bfloat16, rounds.
STEP = 0.1
TINY = 1e-12  # variance of a pixel without noise, to divide by
DRAWS = 3  # changes of each image, whose mean is taken: what they differ by is averaged over pixels

UNKNOWN = (
    "no estimate: nothing is known of the noise; with noise of the name `measured` in the dataset "
    "there would be one, and `make advise` says what to write there"
)

# Measured in flat places. JPEG and cameras' processing take noise away there first, and share it
# among colours: of PolyU's five cameras estimates were 5 dB too good in the mean
# (benchmarks/error_without_truth.md). Nothing in a grey image tells such noise from other that
# neighbours share.
PROCESSED = 0.5  # correlation between channels, where neighbours share their noise as well
SHARED = (
    "no estimate: neighbouring pixels and channels share their noise, as after a camera's "
    "processing, which leaves several times as much in textures as was measured in flat places"
)
CAUTION = (
    "the noise was measured in flat places, and neighbouring pixels share it: if the images were "
    "processed, as by JPEG, textures have more noise, and the errors are larger than estimated"
)

Denoise = Callable[[np.ndarray], np.ndarray]


def problem(noise: Noise | None) -> str:
    """Why there is no estimate for such noise, a sentence; "" where there is one."""
    if noise is None or not (noise.is_model or noise.has_variance):
        return UNKNOWN
    about = noise.model_dump()
    if not noise.has_variance:
        return f"no estimate: the variance of {about['name']} noise is not known"
    if noise.keeps_mean:
        shared = about.get("channels", 0) > PROCESSED and not noise.is_independent
        return SHARED if shared else ""
    values = np.linspace(0, 1, 101)
    moved = noise.mean(values) - values
    clipped = (
        about.get("clip", about.get("clipped_black", False)) and moved[0] >= MOVED,
        about.get("clip", about.get("clipped_white", False)) and moved[-1] <= -MOVED,
    )
    ends = " and ".join(
        end for end, there in zip(("black", "white"), clipped, strict=True) if there
    )
    what = f"the noise is clipped at {ends}, which" if ends else f"{about['name']} noise"
    return f"no estimate: {what} moves the mean by {np.abs(moved).max():.2g}"


def caution(noise: Noise | None) -> str:
    """What to bear in mind of an estimate with such noise, a sentence; "" where nothing is."""
    if noise is None or problem(noise) or noise.is_model or noise.is_independent:
        return ""
    return CAUTION


def variance(noise: Noise, noisy: np.ndarray) -> np.ndarray:
    """What the variance of the noise of each pixel is in the mean, from its noisy value.

    Where the variance is a line, that at noisy values, beyond [0, 1] too, is right in the mean.

    Parameters
    ----------
    noise : Noise
    noisy : ndarray
        Any shape.

    Returns
    -------
    ndarray of float64
    """
    return noise.variance(noisy) * _uncurved(noise)


def _uncurved(noise: Noise) -> float:
    """What the variance at noisy values is times, to be right in the mean where it is no line.

    That of speckle has a second derivative, half of which times itself it is too much.
    """
    black, middle, white = noise.variance(np.array([0, 0.5, 1]))
    curvature = (white - 2 * middle + black) / 0.5**2
    return float(1 - curvature / 2)


def error_map(
    denoise: Denoise,
    noisy: np.ndarray,
    noise: Noise,
    rng: np.random.Generator,
    prediction: np.ndarray | None = None,
    rows: slice = slice(None),
    draws: int = DRAWS,
    step: float = STEP,
) -> np.ndarray:
    """What each pixel adds to the estimate of a denoiser's squared error.

    Only means over many pixels say something: a single one may be far below zero.

    Parameters
    ----------
    denoise : callable
        From noisy images (n, H, W, C) float32 to denoised ones, not clipped. It should give the
        same for the same images.
    noisy : ndarray (n, H, W, C)
    noise : Noise
        Of known variance. Means are right if `problem` finds none.
    rng : Generator
        Of the changes.
    prediction : ndarray (n, h, W, C), optional
        Of `rows`, if it is known already.
    rows : slice
        Of the images, which are wanted; the others are there to be seen by the denoiser.
    draws : int
        Over how many changes the mean is taken, at least 1.
    step : float
        Size of a change, in standard deviations of the noise.

    Returns
    -------
    ndarray (n, h, W) of float64
        Means over the channels.
    """
    images = noisy.astype(np.float32)
    before = denoise(images)[:, rows] if prediction is None else prediction
    own = images[:, rows].astype(np.float64)
    shared = np.zeros(before.shape, np.float64)
    for _ in range(draws):
        change = noise.more(images, rng).astype(np.float32)
        after = denoise(images + np.float32(step) * change)[:, rows]
        shared += change[:, rows].astype(np.float64) * (after.astype(np.float64) - before)
    # a change has the variance of the nearest value in [0, 1], and as curved a one
    there = variance(noise, own)
    shared *= there / np.maximum(noise.variance(np.clip(own, 0, 1)), TINY) / (step * draws)
    found = (own - before) ** 2 - there + 2 * shared
    return found.mean(axis=-1)


def errors(
    denoise: Denoise,
    noisy: np.ndarray,
    noise: Noise,
    rng: np.random.Generator,
    draws: int = DRAWS,
    step: float = STEP,
) -> np.ndarray:
    """The estimated mean squared error of each image: (n,) float64. See `error_map`.

    Raises
    ------
    ValueError
        If there is no estimate for such noise.
    """
    if reason := problem(noise):
        raise ValueError(reason)
    return error_map(denoise, noisy, noise, rng, draws=draws, step=step).mean(axis=(1, 2))
