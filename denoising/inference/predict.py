"""Images through a network."""

import sys
from typing import TYPE_CHECKING

import numpy as np

from denoising.networks.base import size_multiple

if TYPE_CHECKING:
    import keras


def denoise(model: "keras.Model", images: np.ndarray, batch_size: int) -> np.ndarray:
    """Denoised images (N, H, W, C) float32 of noisy ones, not clipped.

    Parameters
    ----------
    images : ndarray (N, H, W, C)
        Pixel values on the scale [0, 1].

    Raises
    ------
    ValueError
        If the network needs a height and width that are multiples of a number, and these are not.
    """
    multiple = size_multiple(model)
    height, width = images.shape[1:3]
    if height % multiple or width % multiple:
        raise ValueError(
            f"images of {height} x {width} pixels: network {model.name} needs multiples of "
            f"{multiple}"
        )
    verbose = 1 if sys.stdout.isatty() else 0
    return model.predict(images.astype(np.float32), batch_size=batch_size, verbose=verbose)
