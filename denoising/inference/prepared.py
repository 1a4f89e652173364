"""A network as this machine computes it best, for images of any size."""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from denoising.inference import tiles
from denoising.inference.layout import SIZES, Sizes, layout, most_pixels

if TYPE_CHECKING:
    import keras

    from denoising.compute.plan import Plan

KEPT = 8  # sizes of images


class Prepared:
    """A trained network, which denoises in tiles; as a function, a batch (N, H, W, C).

    How convolutions are computed is measured once for each case on a machine
    (`denoising.compute.tuning`). What is computed by FFT has to know the size of its images: a copy
    of the network is made for each, of which the last few are kept.

    Parameters
    ----------
    trained : keras.Model
    convolution, precision : str
        See `denoising.compute.tuning.plan`.
    log : callable
        Takes one line for each measurement.
    sizes : tuple of (int, int)
        What images become where each size is compiled: see `denoising.inference.layout`.

    Attributes
    ----------
    channels : int
        Of images that it takes; those of other numbers are denoised channel by channel.
    """

    def __init__(
        self,
        trained: "keras.Model",
        convolution: str = "auto",
        precision: str = "auto",
        log: Callable[[str], object] = print,
        sizes: Sizes = SIZES,
    ) -> None:
        self.trained, self._asked, self._log = trained, (convolution, precision), log
        self._sizes = sizes
        self.channels: int | None = trained.inputs[0].shape[-1]
        self._plans: dict[tuple[int, ...], Plan] = {}
        self._predictors: dict[tuple[int, ...], tiles.Predict] = {}
        self._of_any_size: tiles.Predict | None = None

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Denoised tiles (N, H, W, C): all channels at once, or each by itself."""
        shape = batch.shape[1:3]
        predict = self._predictors.pop(shape, None) or self._predictor(shape)
        self._predictors[shape] = predict  # as the latest
        if len(self._predictors) > KEPT:
            del self._predictors[next(iter(self._predictors))]
        return predict(batch)

    def denoise(self, image: np.ndarray) -> np.ndarray:
        """See `tiles.denoise`."""
        return tiles.denoise(self.trained, image, self, **self._how(image.shape))

    def denoise_each(self, images: np.ndarray) -> np.ndarray:
        """The same of images (N, H, W, C): many at a time, where they are small."""
        height, width = images.shape[1:3]
        how = self._how(images.shape[1:])
        found = layout(self.trained, height, width, **how)
        if len(found.down) * len(found.across) > 1:
            return np.stack([self.denoise(image) for image in images])
        margins = [(0, 0), (0, found.height - height), (0, found.width - width), (0, 0)]
        many = max(1, most_pixels(self.trained, how["by_fft"]) // (found.tall * found.wide))
        parts = np.array_split(images, -(-len(images) // many))
        done = [self(np.pad(part, margins, mode="symmetric")) for part in parts]
        return np.concatenate(done)[:, :height, :width]

    def bands(
        self, shape: tuple[int, ...], read: tiles.Read, progress: tiles.Progress
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """See `tiles.bands`."""
        height, width, _ = shape
        found = layout(self.trained, height, width, **self._how(shape))
        return tiles.bands(found, shape, read, self, progress)

    def plan(self, shape: tuple[int, ...]) -> "Plan":
        """How images of a height and width are computed."""
        from denoising.compute import tuning

        case = tuning.typical(shape[0], shape[1])
        if case not in self._plans:
            # small ones are denoised many at a time; for one it matters little how
            many = max(1, tuning.COUNT * math.prod(tuning.TYPICAL) // math.prod(case))
            self._plans[case] = tuning.plan(
                *self._asked, self.trained, case, many, "inference", log=self._log
            )
        return self._plans[case]

    def _how(self, shape: tuple[int, ...]) -> dict[str, Any]:
        """What the layout of an image depends on."""
        return {"by_fft": bool(self.plan(shape).by_fft), "sizes": self._sizes}

    def _predictor(self, shape: tuple[int, int]) -> tiles.Predict:
        from denoising.compute import execution

        plan = self.plan(shape)
        if plan.by_fft:
            return tiles.predictor(execution.for_inference(self.trained, plan, shape))
        if self._of_any_size is None:
            self._of_any_size = tiles.predictor(execution.for_inference(self.trained, plan))
        return self._of_any_size
