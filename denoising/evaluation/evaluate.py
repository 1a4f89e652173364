"""All that is measured of one denoiser on one set of test images, networks and filters alike.

Images come in groups of one size, such as all of MNIST's or a single photograph, and are not kept.
"""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from denoising.data.store import as_unit
from denoising.evaluation import metrics
from denoising.evaluation.kept import Arrays, Examples, Kept, check_finite
from denoising.sections import Section


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
    part: str


_OF_IMAGES = _Group._fields[:5]


class Measured(Kept):
    """Measures of a denoiser, image by image.

    Parameters
    ----------
    settings : Evaluation
    examples : Examples
        The first images are kept there.
    any_size : bool
        Are the images of any size? What is measured over pixels and over images is then told apart.
    second_shots : bool
        Are the images that are held against predictions no clean ones, but second noisy shots? The
        noise of all shots is then taken for independent, without bias and equally strong: half of
        what two shots differ by, squared, is that of one, which is subtracted from all errors. The
        two are the denoised and the third, if there is a third, else the denoised and the second
        (uMSE, see `denoising.evaluation.shots`).
    """

    def __init__(
        self,
        settings: Evaluation,
        examples: Examples,
        any_size: bool = False,
        second_shots: bool = False,
    ) -> None:
        super().__init__(examples, settings.histogram_step)
        self._settings, self._any_size = settings, any_size
        self._second_shots, self._shots = second_shots, 0
        self._groups: list[_Group] = []

    def add(
        self,
        prediction: np.ndarray,
        clean: np.ndarray,
        noisy: np.ndarray,
        part: str = "",
        goes_on: bool = False,
        third: np.ndarray | None = None,
    ) -> None:
        """Measure images of one size, or a band of one image.

        Parameters
        ----------
        prediction : ndarray (n, H, W, C) float32
            Not clipped.
        clean : ndarray (n, H, W, C) uint8, or float32 on the scale [0, 1]
        noisy : ndarray (n, H, W, C) float16 or float32
        part : str
            Which part of the test images they belong to, such as a test set; "": to none.
        goes_on : bool
            Is it a further band of the image before? SSIM then lacks the windows that lie on both.
        third : ndarray (n, H, W, C) float32, optional
            Third shots.

        Raises
        ------
        InputError
            If a prediction is not finite.
        """
        check_finite(prediction)
        unit = as_unit(clean)
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
            part=part,
        )
        if self._second_shots:
            self._shots = 2 if third is None else 3
            other = unit if third is None else third
            apart = metrics.mse_per_image(noisy.astype(np.float32), other)
            group = _without_noise(group, apart / 2)
        self._groups.append(_merged(self._groups.pop(), group) if goes_on else group)
        self.identify(clean, noisy)
        self._histograms.add(test_images=unit, noisy_images=noisy, predictions=prediction)
        if not goes_on:
            kept = prediction.astype(np.float16)
            self._examples.add(clean=clean, noisy=noisy, prediction=kept)

    def state(self) -> Arrays:
        """See `Kept.state`."""
        found = {name: self._column(name) for name in _OF_IMAGES}
        for name in ("mean", "variance", "part"):
            found[name] = np.array([getattr(group, name) for group in self._groups])
        found["images"] = np.array([len(group.errors) for group in self._groups])
        found["shots"] = np.array(self._shots)
        return found | super().state()

    def join(self, state: Arrays) -> None:
        """See `Kept.join`."""
        ends = np.cumsum(state["images"])[:-1]
        columns = [np.split(state[name], ends) for name in _OF_IMAGES]
        others = state["mean"].tolist(), state["variance"].tolist(), state["part"].tolist()
        self._groups += [_Group(*row) for row in zip(*columns, *others, strict=True)]
        super().join(state)
        self._shots = max(self._shots, int(state["shots"]))

    def _ssim(self, prediction: np.ndarray, clean: np.ndarray) -> np.ndarray:
        """Of each image; NaN where there is no clean one."""
        if self._second_shots:
            return np.full(len(clean), np.nan)
        return metrics.ssim_per_image(prediction, clean)

    def _column(self, name: str) -> np.ndarray:
        """A measure of each image: (N,)."""
        return np.concatenate([getattr(group, name) for group in self._groups])

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
        errors, clipped, noisy, ssim, pixels = map(self._column, _OF_IMAGES)
        resamples = self._settings.bootstrap_resamples
        weights = pixels / pixels.mean()
        low, high = metrics.mean_interval(errors, resamples, weights=weights)
        of_images = metrics.psnr(clipped)
        similar = ssim[~np.isnan(ssim)]
        scores: dict[str, Any] = {
            "mse": _mean(errors, weights),
            "mse_low": low,
            "mse_high": high,
            "mse_clipped": _mean(clipped, weights),
            "psnr": float(of_images.mean()),
            "ssim": float(similar.mean()) if len(similar) else None,
            "noisy_mse": _mean(noisy, weights),
            "constant_mse": self._constant_mse(),
            "images": len(errors),
            "test_digest": self._test_digest,
        }
        if self._any_size:
            psnr_low, psnr_high = metrics.mean_interval(of_images, resamples)
            scores |= {
                "mse_images": float(errors.mean()),
                "psnr_pixels": float(metrics.psnr(_mean(clipped, weights))),
                "psnr_low": psnr_low,
                "psnr_high": psnr_high,
                "noisy_psnr": float(metrics.psnr(noisy).mean()),
            }
        if self._second_shots:
            scores["truth"] = "second shots" if self._shots == 2 else "second and third shots"
        names = [group.part for group in self._groups for _ in group.errors]
        if len(set(names)) > 1:
            scores["parts"] = {
                part: _of_part(of_images[own], metrics.psnr(noisy[own]), ssim[own])
                for part in dict.fromkeys(names)
                for own in [np.array(names) == part]
            }
        return scores

    def _constant_mse(self) -> float:
        """Variance of all clean pixels, from means and variances of the groups."""
        return _moments(self._groups)[1]

    def per_image(self) -> Arrays:
        """`mse` (N,), and the first images as `clean`, `noisy`, `prediction`.

        Of images of any size also their `psnr` (N,), in dB.
        """
        found = {"mse": self._column("errors")} | self._examples.arrays()
        if self._any_size:
            found["psnr"] = metrics.psnr(self._column("clipped"))
        return found


def _merged(one: _Group, other: _Group) -> _Group:
    """Two bands of an image as one."""
    weights = np.stack([one.pixels, other.pixels])

    def mean(name: str) -> np.ndarray:
        return np.average([getattr(one, name), getattr(other, name)], axis=0, weights=weights)

    center, variance = _moments([one, other])
    return _Group(
        mean("errors"),
        mean("clipped"),
        mean("noisy"),
        mean("ssim"),
        weights.sum(axis=0),
        center,
        variance,
        one.part,
    )


def _moments(groups: Sequence[_Group]) -> tuple[float, float]:
    """Mean and variance of all clean pixels of the groups."""
    if len(groups) == 1:  # without rounding
        return groups[0].mean, groups[0].variance
    counts = np.array([group.pixels.sum() for group in groups])
    means = np.array([group.mean for group in groups])
    variances = np.array([group.variance for group in groups])
    mean = np.average(means, weights=counts)
    return float(mean), float(np.average(variances + (means - mean) ** 2, weights=counts))


def _without_noise(group: _Group, noise: np.ndarray) -> _Group:
    """Errors against the mean of a second shot, of those against the shot, less its noise."""
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


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Mean of values (N,) of images, weighted by their numbers of pixels (N,) or a multiple."""
    return float(values.mean() if np.ptp(weights) == 0 else np.average(values, weights=weights))
