"""Convolution by FFT of images that are one block, such as digits: the same in another order.

The transforms of an image of 28 x 28 pixels cost about 280 multiplications per pixel and channel,
which all pairs of channels share: 2.2 per pair at 128 channels. The published rows were computed in
this order; `denoising.compute.fft`, which rounds otherwise, is for larger images.
"""

import functools
from typing import Any

import numpy as np

from denoising.compute.backend import keras
from denoising.compute.blocks import Axis, axis
from denoising.compute.fourier import analysis, complex_analysis, constant, synthesis

ops = keras.ops


def conv2d(images: Any, kernel: Any) -> Any:
    """As `denoising.compute.fft.conv2d`."""
    _, height, width, channels = images.shape
    rows, columns, _, filters = kernel.shape
    down, across = axis(height, rows, 1), axis(width, columns, 1)
    frequencies = down.frequencies * across.period
    x = ops.reshape(_image_spectra(images, down, across), (-1, frequencies, 2, channels))
    # (F, 1, 2 N, C)
    x = ops.reshape(ops.transpose(x, (1, 2, 0, 3)), (frequencies, 1, -1, channels))
    # (F, 2, 2 N, D), every part of the one by every part of the other
    y = ops.matmul(x, _kernel_spectra(kernel, down, across))
    y = ops.transpose(
        ops.reshape(y, (frequencies, 2, 2, -1, filters)), (3, 0, 1, 2, 4)
    )  # (N, F, 2, 2, D)
    return _image(y, down, across)


def _image_spectra(images: Any, down: Axis, across: Axis) -> Any:
    """(N, H, W, C) -> (N U, 2 V, C): Re and Im of sum over x of image(x) exp(-i w x)."""
    _, height, width, channels = images.shape
    along_height = constant(analysis, images.dtype, down.period, height, 0)
    along_width = constant(complex_analysis, images.dtype, across.period, width, 0, _parts)
    x = ops.matmul(
        along_height, ops.reshape(images, (-1, height, width * channels))
    )  # (N, 2 U, W C)
    return ops.matmul(along_width[None], ops.reshape(x, (-1, 2 * width, channels)))  # (N U, 2 V, C)


def _kernel_spectra(kernel: Any, down: Axis, across: Axis) -> Any:
    """(K, L, C, D) -> (F, 2, C, D): Re and Im of the same sum, from the kernel's centre."""
    rows, columns, channels, filters = kernel.shape
    along_height = constant(analysis, kernel.dtype, down.period, rows, down.centre)
    along_width = constant(
        complex_analysis, kernel.dtype, across.period, columns, across.centre, _parts
    )
    w = ops.matmul(along_height, ops.reshape(kernel, (rows, -1)))  # (2 U, L C D)
    w = ops.matmul(
        along_width[None], ops.reshape(w, (-1, 2 * columns, channels * filters))
    )  # (U, 2 V, C D)
    return ops.reshape(w, (-1, 2, channels, filters))


def _image(products: Any, down: Axis, across: Axis) -> Any:
    """(N, F, 2, 2, D) -> (N, H, W, D), the part of the period that the image fills.

    The transform's matrix also adds up the products that make the real and the imaginary part.
    """
    filters = products.shape[-1]
    along_width = constant(_product_synthesis, products.dtype, across.period, across.size)
    along_height = constant(synthesis, products.dtype, down.period, down.size, 0)
    y = ops.matmul(
        along_width[None], ops.reshape(products, (-1, 4 * across.period, filters))
    )  # (N U, 2 W, D)
    y = ops.matmul(
        along_height, ops.reshape(y, (-1, 2 * down.frequencies, across.size * filters))
    )  # (N, H, W D)
    return ops.reshape(y, (-1, down.size, across.size, filters))


def _parts(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    return np.stack([real, imaginary], 1)


@functools.cache
def _product_synthesis(period: int, size: int) -> np.ndarray:
    """Products of parts, kernel's outer, image's inner -> (Re samples, Im samples): (2 size, 4 V).

    A correlation multiplies the image's spectrum x by the conjugate of the kernel's w:
    Re = Re w Re x + Im w Im x, Im = Re w Im x - Im w Re x.
    """
    real, imaginary = (
        np.moveaxis(complex_analysis(period, size, 0, _parts).T.reshape(2 * size, period, 2), 2, 0)
        / period
    )
    return (
        np.stack([real, imaginary, -imaginary, real], 2)
        .reshape(2 * size, 4 * period)
        .astype(np.float32)
    )
