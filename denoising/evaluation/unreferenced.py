"""What can be said of a denoiser where the truth is not known.

What is removed should be as strong as the noise, and like it. Less: noise remains; more: details
are gone. Where the noise is known well enough, its error is estimated as well: see
`denoising.evaluation.sure`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from denoising.evaluation import metrics, sure
from denoising.evaluation.kept import Arrays, Examples, Kept, check_finite
from denoising.evaluation.residual import Residual
from denoising.files import InputError
from denoising.noise.base import Noise
from denoising.noise.estimate import estimated_sigma

FEW = 8  # images; where there are fewer, intervals are over their tiles
TILE = 64  # pixels of a tile's side
NEGATIVE = "no PSNR: the estimated error is not above 0, which its uncertainty hides"


class _Seen(NamedTuple):
    """What was found of one image, or a band of one.

    `moments` are sums of noisy values, their squares, and noise variances; `nats` a sum; `tiles`
    (T, 2) estimated errors of tiles and the pixels that they have, or nothing.
    """

    removed: float
    sigma: float
    pixels: int
    goes_on: bool
    moments: np.ndarray
    nats: float
    tiles: np.ndarray


class Unreferenced(Kept):
    """What a denoiser removes from noisy images, one by one, and its estimated error.

    Parameters
    ----------
    histogram_step : float
        Width of a bin, pixel values.
    examples : Examples
        The first images are kept there.
    noise : Noise, optional
        Of the images; None: it is not known.
    resamples : int
        Of the bootstrap.
    """

    def __init__(
        self,
        histogram_step: float,
        examples: Examples,
        noise: Noise | None = None,
        resamples: int = 2000,
    ) -> None:
        super().__init__(examples, histogram_step)
        self.problem, self._caution = sure.problem(noise), sure.caution(noise)
        self._known = noise if noise is not None and noise.has_variance else None
        self._resamples = resamples
        self._seen: list[_Seen] = []
        self._residual = Residual()

    def add(
        self,
        prediction: np.ndarray,
        noisy: np.ndarray,
        goes_on: bool = False,
        errors: np.ndarray | None = None,
        nats: float = np.nan,
    ) -> None:
        """Look at one image, or at a band of one.

        Parameters
        ----------
        prediction, noisy : ndarray (1, H, W, C) float32
            Not clipped.
        goes_on : bool
            Is it a further band of the image before?
        errors : ndarray (1, H, W), optional
            As `sure.error_map` gives them; of all images, or of none.
        nats : float
            Negative log-likelihood, the sum over its pixels; NaN: nothing is believed of them.

        Raises
        ------
        InputError
            If a prediction is not finite.
        """
        check_finite(prediction)
        try:
            sigma = estimated_sigma(noisy[0])
        except InputError:  # too small to tell
            sigma = np.nan
        moments, tiles = np.zeros(3), np.zeros((0, 2))
        if errors is not None and self._known is not None:
            tiles = np.array(list(_tiles(errors[0], noisy.shape[-1])))
            pixels = noisy.astype(np.float64)
            variance = sure.variance(self._known, pixels)
            moments = np.array([pixels.sum(), np.vdot(pixels, pixels), variance.sum()])
        removed = float(np.mean((noisy.astype(np.float64) - prediction) ** 2))
        self._seen.append(_Seen(removed, sigma, noisy.size, goes_on, moments, nats, tiles))
        self.identify(noisy)
        self._histograms.add(noisy_images=noisy, predictions=prediction)
        self._residual.add(prediction, noisy, self._known)
        if not goes_on:
            self._examples.add(noisy=noisy, prediction=prediction.astype(np.float16))

    def state(self) -> Arrays:
        """See `Kept.state`."""
        return {
            **{name: self._column(name) for name in _Seen._fields[:-1]},
            "tiles": np.concatenate([one.tiles for one in self._seen]),
            "tiles_of_each": np.array([len(one.tiles) for one in self._seen]),
            "residual": self._residual.state(),
            **super().state(),
        }

    def join(self, state: Arrays) -> None:
        """Go on with further images, which were looked at elsewhere; `identify` them as well."""
        tiles = np.split(state["tiles"], np.cumsum(state["tiles_of_each"])[:-1])
        columns = [state[name] for name in _Seen._fields[:-1]]
        self._seen += [_Seen(*row) for row in zip(*columns, tiles, strict=True)]
        self._residual.join(state["residual"])
        super().join(state)

    def _column(self, name: str) -> np.ndarray:
        """Of each image or band: (N, ...)."""
        return np.array([getattr(one, name) for one in self._seen])

    def nats(self) -> float | None:
        """Mean negative log-likelihood, in nats per pixel over all; None: nothing is believed."""
        total = float(self._column("nats").sum())
        return None if np.isnan(total) else total / int(self._column("pixels").sum())

    def scores(self) -> dict[str, Any]:
        """What was found.

        Returns
        -------
        dict
            `truth`, which says "none"; `removed`, the root mean square of what was removed, over
            all pixels; `noise_sigma`, the noise level that is estimated from the noisy images, over
            all pixels likewise, null where they are too small; both in pixel values. `estimate`,
            the name of the estimator of the error, or null; `why` there is none, or no PSNR, a
            sentence, or null; `caution`, what to bear in mind of it, likewise. `estimated_mse`, the
            error over all pixels, prediction not clipped, with its 95 % interval
            `estimated_mse_low` .. `estimated_mse_high`, and `estimated_psnr` in dB, which follows
            from it; the baselines `estimated_noisy_mse` and `estimated_constant_mse`: see
            `denoising.data.collapse`. All are null where there is no estimate. The interval is the
            bootstrap's over images; of fewer than `FEW` over tiles of `TILE` x `TILE` pixels, and
            then it is of these images, not of others like them; null of a single tile. It takes
            the noise for known. Measures of `Residual.scores`. `images` and
            `test_digest`.
        """
        sigmas, pixels = self._column("sigma"), self._column("pixels")
        known = ~np.isnan(sigmas)
        sigma = None
        if known.any():
            sigma = float(np.sqrt(np.average(sigmas[known] ** 2, weights=pixels[known])))
        return {
            "truth": "none",
            "removed": float(np.sqrt(np.average(self._column("removed"), weights=pixels))),
            "noise_sigma": sigma,
            **self._estimate(int(pixels.sum())),
            **self._residual.scores(self._known),
            "images": int((~self._column("goes_on")).sum()),
            "test_digest": self._test_digest,
        }

    def _estimate(self, count: int) -> dict[str, Any]:
        """The estimated error, of so many pixels."""
        names = ("mse", "mse_low", "mse_high", "psnr", "noisy_mse", "constant_mse")
        found: dict[str, Any] = {f"estimated_{name}": None for name in names}
        if not self._is_estimated:
            why = self.problem or sure.UNKNOWN
            return {"estimate": None, "why": why, "caution": None} | found
        errors, pixels = self._by_unit()
        weights = pixels / pixels.mean()
        mse = float(np.average(errors, weights=weights))
        found["estimated_mse"] = mse
        if len(errors) > 1:
            interval = metrics.mean_interval(errors, self._resamples, weights=weights)
            found["estimated_mse_low"], found["estimated_mse_high"] = interval
        if mse > 0:
            found["estimated_psnr"] = float(metrics.psnr(mse))
        mean, square, variance = self._column("moments").sum(axis=0) / count
        found["estimated_noisy_mse"] = float(variance)
        found["estimated_constant_mse"] = float(square - mean**2 - variance)
        about = {"estimate": "sure", "why": None if mse > 0 else NEGATIVE}
        return about | {"caution": self._caution or None} | found

    @property
    def _is_estimated(self) -> bool:
        return any(len(one.tiles) for one in self._seen)

    def _of_images(self) -> list[np.ndarray]:
        """Estimated errors of the tiles of each image, and their pixels: (T, 2)."""
        images: list[list[np.ndarray]] = []
        for one in self._seen:
            if not one.goes_on:
                images.append([])
            images[-1].append(one.tiles)
        return [np.concatenate(bands) for bands in images]

    def _by_unit(self) -> tuple[np.ndarray, np.ndarray]:
        """Estimated errors of images, or of tiles if there are few, and their pixels: (N,)."""
        images = self._of_images()
        if len(images) < FEW:
            errors, pixels = np.concatenate(images).T
            return errors, pixels
        return self._by_image(), np.array([one[:, 1].sum() for one in images])

    def _by_image(self) -> np.ndarray:
        """Estimated error of each image: (N,)."""
        return np.array([np.average(one[:, 0], weights=one[:, 1]) for one in self._of_images()])

    def per_image(self) -> Arrays:
        """The first images as `noisy` and `prediction`; where known, all `estimated_mse` (N,)."""
        found = self._examples.arrays()
        if self._is_estimated:
            found["estimated_mse"] = self._by_image()
        return found


def _tiles(errors: np.ndarray, channels: int) -> Iterator[tuple[float, int]]:
    """Mean error of each tile of an image (H, W), and its pixels."""
    height, width = errors.shape
    # as many as fit, of nearly one size
    rows = np.array_split(np.arange(height), max(1, height // TILE))
    columns = np.array_split(np.arange(width), max(1, width // TILE))
    for down in rows:
        for across in columns:
            tile = errors[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
            yield float(tile.mean()), tile.size * channels
