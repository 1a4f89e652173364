"""Is what a denoiser removes like noise? Measures of the residual, noisy minus denoised image.

Where the noise is white, so should the residual be: structure in it is detail that is gone. Its
correlation with the prediction is no error by itself. A denoiser that sees the noisy pixel leaves a
part of its noise in the prediction, and then it is above 0 (below for one that sharpens).
"""

from typing import Any

import numpy as np

from denoising.noise.base import Noise

LEVELS = 8  # of the prediction, evenly wide from black to white
RARE = 0.005  # share of the pixels; levels that fewer have are left out


class Residual:
    """Sums over the pixels of images that come one by one, or in bands.

    Those of each are kept and added in the end, so that they may be of several processes.
    """

    def __init__(self) -> None:
        self._kept: list[np.ndarray] = []

    def add(self, prediction: np.ndarray, noisy: np.ndarray, noise: Noise | None = None) -> None:
        """Look at images of one size, or a band of one.

        Parameters
        ----------
        prediction, noisy : ndarray (n, H, W, C)
        noise : Noise, optional
            Whose variance is known.
        """
        denoised = prediction.astype(np.float64)
        removed = noisy.astype(np.float64) - denoised
        sums = [
            removed.sum(),
            denoised.sum(),
            np.vdot(removed, removed),
            np.vdot(denoised, denoised),
            np.vdot(removed, denoised),
        ]
        for one, other in (
            (removed[:, :, 1:], removed[:, :, :-1]),  # across
            (removed[:, 1:], removed[:, :-1]),  # down
        ):
            sums += [float((one * other).sum()), one.size]
        clipped = np.clip(denoised, 0, 1)
        level = np.minimum((clipped * LEVELS).astype(int), LEVELS - 1).ravel()
        variance = noise.variance(clipped) if noise is not None else np.zeros(clipped.shape)
        columns = (np.ones(removed.size), removed.ravel(), removed.ravel() ** 2, variance.ravel())
        levels = [np.bincount(level, weights=one, minlength=LEVELS) for one in columns]
        self._kept.append(np.array([*sums, *np.stack(levels, axis=1).ravel()]))

    def state(self) -> np.ndarray:
        """What `join` takes: (n, K)."""
        return np.array(self._kept)

    def join(self, state: np.ndarray) -> None:
        """Go on with further images, which were looked at elsewhere."""
        self._kept += list(state)

    def scores(self, noise: Noise | None = None) -> dict[str, Any]:
        """What was found.

        Parameters
        ----------
        noise : Noise, optional
            As `add` was told.

        Returns
        -------
        dict
            `residual_across` and `residual_down`, the residual's correlation from each pixel to the
            next; `residual_with_prediction`, that with the denoised pixel; `residual_variance`, by
            the middle of a level of the prediction, and `noise_variance`, what the noise model says
            of the same pixels, null where it is not known. Correlations are null where nothing
            varies, or there are no neighbours.
        """
        sums = np.sum(self._kept, axis=0)
        levels = sums[9:].reshape(LEVELS, 4)  # pixels, residual, its square, the noise's variance
        pixels = levels[:, 0].sum()
        mean, centre, square, squared, product = sums[:5] / pixels
        variance, spread = square - mean**2, squared - centre**2
        flat = variance <= 1e-12
        correlations: dict[str, float | None] = {
            f"residual_{name}": None if flat or not count else (total / count - mean**2) / variance
            for name, (total, count) in (("across", sums[5:7]), ("down", sums[7:9]))
        }
        together = None
        if not flat and spread > 1e-12:
            together = (product - mean * centre) / np.sqrt(variance * spread)
        removed, expected = {}, {}
        for index, (count, total, squares, expectation) in enumerate(levels):
            if count < RARE * pixels:
                continue
            name = f"{(index + 0.5) / LEVELS:.4f}"
            removed[name] = float(squares / count - (total / count) ** 2)
            expected[name] = float(expectation / count) if noise is not None else None
        return {
            **{name: None if one is None else float(one) for name, one in correlations.items()},
            "residual_with_prediction": None if together is None else float(together),
            "residual_variance": removed,
            "noise_variance": expected,
        }
