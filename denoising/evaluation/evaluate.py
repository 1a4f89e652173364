"""All that is measured of one denoiser on one set of test images, networks and filters alike.

Images come in groups of one size, such as all of MNIST's or a single photograph, and are not kept.
"""

import hashlib
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from denoising.data.store import to_unit
from denoising.evaluation import metrics
from denoising.files import InputError
from denoising.sections import Section

Arrays = dict[str, np.ndarray]


class Evaluation(Section):
    """How denoisers are evaluated."""

    batch_size: Annotated[int, Field(ge=1, le=65_536)]  # images per prediction step
    bootstrap_resamples: Annotated[int, Field(ge=100, le=1_000_000)]
    histogram_step: Annotated[float, Field(ge=0.001, le=0.5)]  # pixel values
    examples: Annotated[int, Field(ge=1, le=1000)]  # images kept for the grid


class _Group(NamedTuple):
    """What was measured of some images: arrays (n,), and moments of their clean pixels."""

    errors: np.ndarray
    clipped: np.ndarray
    noisy: np.ndarray
    ssim: np.ndarray
    pixels: np.ndarray
    mean: float
    variance: float


class Measured:
    """Measures of a denoiser, image by image.

    Parameters
    ----------
    settings : Evaluation
    crop : tuple (height, width), optional
        Size of the examples that are kept, cut out of the middle; None: whole images.
    any_size : bool
        Are the images of any size? What is measured over pixels and over images is then told apart.
    second_shots : bool
        Are the images that are held against predictions no clean ones, but second noisy shots? The
        noise of both is then taken for independent, without bias and equally strong: half of what
        the shots differ by, squared, is that of one, which is subtracted from all errors.
    """

    def __init__(
        self,
        settings: Evaluation,
        crop: tuple[int, int] | None = None,
        any_size: bool = False,
        second_shots: bool = False,
    ) -> None:
        self._settings, self._crop, self._any_size = settings, crop, any_size
        self._second_shots = second_shots
        self._groups: list[_Group] = []
        self._examples: list[Arrays] = []
        self._parts: list[str] = []
        self._kept = 0
        self._digest = hashlib.sha256()
        self._histograms: dict[str, np.ndarray] = {}

    def add(
        self, prediction: np.ndarray, clean: np.ndarray, noisy: np.ndarray, part: str = ""
    ) -> None:
        """Measure images of one size.

        Parameters
        ----------
        prediction : ndarray (n, H, W, C) float32
            Not clipped.
        clean : ndarray (n, H, W, C) uint8, or float32 on the scale [0, 1]
        noisy : ndarray (n, H, W, C) float16 or float32
        part : str
            Which part of the test images they belong to, such as a test set; "": to none.

        Raises
        ------
        InputError
            If a prediction is not finite.
        """
        if not np.isfinite(prediction).all():
            raise InputError("the predictions are not finite numbers: the network has diverged")
        unit = to_unit(clean) if clean.dtype == np.uint8 else clean
        clipped = np.clip(prediction, 0, 1)
        everything = np.asarray(unit, np.float64)
        group = _Group(
            errors=metrics.mse_per_image(prediction, unit),
            clipped=metrics.mse_per_image(clipped, unit),
            noisy=metrics.mse_per_image(noisy.astype(np.float32), unit),
            ssim=self._ssim(clipped, unit),
            pixels=np.full(len(clean), unit[0].size),
            mean=float(everything.mean()),
            variance=float(np.var(everything)),
        )
        self._groups.append(_without_noise(group) if self._second_shots else group)
        self._parts += [part] * len(clean)
        self._digest.update(clean.tobytes())
        self._digest.update(noisy.tobytes())
        step = self._settings.histogram_step
        named = {"test_images": unit, "noisy_images": noisy, "predictions": prediction}
        for name, pixels in named.items():
            counts = metrics.histogram_counts(pixels, step)
            self._histograms[name] = self._histograms.get(name, 0) + counts
        self._keep_examples(clean, noisy, prediction)

    def _ssim(self, prediction: np.ndarray, clean: np.ndarray) -> np.ndarray:
        """Of each image; NaN where there is no clean one."""
        if self._second_shots:
            return np.full(len(clean), np.nan)
        return metrics.ssim_per_image(prediction, clean)

    def _keep_examples(self, clean: np.ndarray, noisy: np.ndarray, prediction: np.ndarray) -> None:
        shown = slice(self._settings.examples - self._kept)
        found = {"clean": clean, "noisy": noisy, "prediction": prediction.astype(np.float16)}
        found = {name: _middle(images[shown], self._crop) for name, images in found.items()}
        if len(found["clean"]):
            self._examples.append(found)
            self._kept += len(found["clean"])

    @property
    def errors(self) -> np.ndarray:
        """Mean squared error of each image: (N,) float64."""
        return np.concatenate([group.errors for group in self._groups])

    def scores(self) -> dict[str, Any]:
        """What was measured.

        Returns
        -------
        dict
            `mse` over all pixels, its 95 % interval `mse_low` .. `mse_high` (bootstrap over
            images), `mse_clipped` (prediction clipped to [0, 1]), `psnr` in dB and `ssim` (means
            over images, prediction clipped), the baselines `noisy_mse` and `constant_mse` (see
            `denoising.data.collapse`), `images`, and `test_digest` of the test data. Of images of
            any size also `mse_images`, the mean of the images' errors; `psnr_pixels`, that of
            `mse_clipped`; `psnr_low` .. `psnr_high`, an interval as that of `mse`; and
            `noisy_psnr`. `ssim` is null if no image has the 11 x 11 pixels of its window. Against
            second shots all errors are estimates, `ssim` is null, and `truth` says so. With several
            parts, `parts` has `images`, `psnr`, `noisy_psnr` and `ssim` of each.
        """
        columns = list(zip(*self._groups, strict=True))
        errors, clipped, noisy, ssim, pixels = map(np.concatenate, columns[:5])
        resamples = self._settings.bootstrap_resamples
        weights = pixels / pixels.mean()
        low, high = metrics.mean_interval(errors, resamples, weights=weights)
        of_images = metrics.psnr(clipped)
        similar = ssim[~np.isnan(ssim)]
        scores: dict[str, Any] = {
            "mse": mean_by_pixels(errors, weights),
            "mse_low": low,
            "mse_high": high,
            "mse_clipped": mean_by_pixels(clipped, weights),
            "psnr": float(of_images.mean()),
            "ssim": float(similar.mean()) if len(similar) else None,
            "noisy_mse": mean_by_pixels(noisy, weights),
            "constant_mse": self._constant_mse(),
            "images": len(errors),
            "test_digest": self._digest.hexdigest()[:12],
        }
        if self._any_size:
            psnr_low, psnr_high = metrics.mean_interval(of_images, resamples)
            scores |= {
                "mse_images": float(errors.mean()),
                "psnr_pixels": float(metrics.psnr(mean_by_pixels(clipped, weights))),
                "psnr_low": psnr_low,
                "psnr_high": psnr_high,
                "noisy_psnr": float(metrics.psnr(noisy).mean()),
            }
        if self._second_shots:
            scores["truth"] = "second shots"
        if len(set(self._parts)) > 1:
            belongs = np.array(self._parts)
            scores["parts"] = {
                part: _of_part(of_images[own], metrics.psnr(noisy[own]), ssim[own])
                for part in dict.fromkeys(self._parts)
                for own in [belongs == part]
            }
        return scores

    def _constant_mse(self) -> float:
        """Variance of all clean pixels, from means and variances of the groups."""
        if len(self._groups) == 1:
            return self._groups[0].variance
        counts = np.array([group.pixels.sum() for group in self._groups])
        means = np.array([group.mean for group in self._groups])
        variances = np.array([group.variance for group in self._groups])
        mean = np.average(means, weights=counts)
        return float(np.average(variances + (means - mean) ** 2, weights=counts))

    def per_image(self) -> Arrays:
        """`mse` (N,), and the first images as `clean`, `noisy`, `prediction`."""
        names = ("clean", "noisy", "prediction")
        examples = {
            name: np.concatenate([found[name] for found in self._examples]) for name in names
        }
        return {"mse": self.errors} | examples

    def histogram(self, **others: tuple[np.ndarray, np.ndarray]) -> pd.DataFrame:
        """Share of pixels by value: `value`, others, test_images, noisy_images, predictions.

        Parameters
        ----------
        others : tuple (values, counts)
            Pixel values on the scale [0, 1], and how often each occurs.
        """
        step = self._settings.histogram_step
        columns: dict[str, np.ndarray] = {"value": metrics.histogram_centres(step).round(6)}
        for name, (values, counts) in others.items():
            columns[name] = metrics.histogram(values, step, counts=counts)
        for name, found in self._histograms.items():
            columns[name] = found / found.sum()
        return pd.DataFrame(columns)


def _without_noise(group: _Group) -> _Group:
    """Errors against the mean of a second shot, of those against the shot itself."""
    noise = group.noisy / 2
    return group._replace(
        errors=group.errors - noise,
        clipped=group.clipped - noise,
        noisy=group.noisy - noise,
        variance=group.variance - float(noise.mean()),
    )


def _of_part(psnr: np.ndarray, noisy_psnr: np.ndarray, ssim: np.ndarray) -> dict[str, Any]:
    similar = ssim[~np.isnan(ssim)]
    return {
        "images": len(psnr),
        "psnr": float(psnr.mean()),
        "noisy_psnr": float(noisy_psnr.mean()),
        "ssim": float(similar.mean()) if len(similar) else None,
    }


def mean_by_pixels(values: np.ndarray, weights: np.ndarray) -> float:
    """Mean of values (N,) of images, weighted by their numbers of pixels (N,) or a multiple."""
    return float(values.mean() if np.ptp(weights) == 0 else np.average(values, weights=weights))


def _middle(images: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    if size is None:
        return images
    top, left = ((have - want) // 2 for have, want in zip(images.shape[1:3], size, strict=True))
    return images[:, top : top + size[0], left : left + size[1]]
