"""Convolution of an enlarged image, computed on the image as it was.

An image is enlarged by repeating its pixels, so that several taps of a kernel meet the same value:
they are added up beforehand. Of every `factor` pixels of the result each has kernels of its own
(the phases of a polyphase filter), which are smaller: for 3x3 and a factor of 2 they take 4 instead
of 9 multiplications a pixel and pair of channels, and the enlarged image is never made.

References
----------
A. V. Oppenheim, R. W. Schafer, "Discrete-Time Signal Processing", section 4.7.4 (polyphase
implementation of interpolation filters).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from denoising.compute import backend
from denoising.compute.backend import keras

ops = keras.ops


def conv2d(images: Any, kernel: Any, factor: int, after: Callable[[Any], Any] = lambda x: x) -> Any:
    """What `keras.ops.conv(enlarged, kernel, padding="same")` computes.

    That is a cross-correlation.

    Parameters
    ----------
    images : tensor (N, H, W, C)
    kernel : tensor (K, L, C, D)
        Of the same dtype.
    factor : int
        How often a pixel is repeated, down and across.
    after : callable
        Of each pixel of the result by itself, such as bias and activation.

    Returns
    -------
    tensor (N, factor H, factor W, D)
    """
    *lengths, _, filters = kernel.shape
    down, across = ([_phase(length, factor, one) for one in range(factor)] for length in lengths)
    rows = []
    for rows_added, above in down:
        row = []
        for columns_added, beside in across:
            matrices = (ops.cast(one, kernel.dtype) for one in (rows_added, columns_added))
            taps = ops.einsum("pk,ql,klcd->pqcd", *matrices, kernel)
            row.append(backend.convolve(images, taps, (above, beside), after))
        rows.append(ops.concatenate(row, axis=-1))  # (N, H, W, factor D)
    _, height, width, _ = ops.shape(images)
    beneath = ops.stack(rows, axis=2)  # (N, H, factor, W, factor D)
    return ops.reshape(beneath, (-1, factor * height, factor * width, filters))


def _phase(length: int, factor: int, phase: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Which taps meet the same pixel (pixels, taps), and how many zeros before and after."""
    met = (phase + np.arange(length) - (length - 1) // 2) // factor
    pixels = np.arange(met[0], met[-1] + 1)
    return (met == pixels[:, None]).astype(np.float32), (-int(met[0]), int(met[-1]))
