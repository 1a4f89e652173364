"""Convolution by FFT of images that are one block, such as digits: the same in another order.

The transforms of an image of 28 x 28 pixels cost about 280 multiplications per pixel and channel,
which all pairs of channels share: 2.2 per pair at 128 channels. The published rows were computed in
this order; `denoising.compute.fft`, which rounds otherwise, is for larger images.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from denoising.compute.backend import keras

ops = keras.ops


def conv2d(images: Any, kernel: Any) -> Any:
    """What `keras.ops.conv(images, kernel, padding="same")` computes, gradients included.

    That is a cross-correlation.

    Parameters
    ----------
    images : tensor (N, H, W, C)
        H and W known when the graph is built.
    kernel : tensor (K, L, C, D)
        Of the same dtype, "float32" or "bfloat16", which everything is computed and returned in.

    Returns
    -------
    tensor (N, H, W, D)
    """
    _, height, width, channels = images.shape
    rows, columns, _, filters = kernel.shape
    periods = (_period(height, rows), _period(width, columns))
    frequencies = _frequencies(periods[0]) * periods[1]
    x = ops.reshape(_image_spectra(images, periods), (-1, frequencies, 2, channels))
    # (F, 1, 2 N, C)
    x = ops.reshape(ops.transpose(x, (1, 2, 0, 3)), (frequencies, 1, -1, channels))
    # (F, 2, 2 N, D), every part of the one by every part of the other
    y = ops.matmul(x, _kernel_spectra(kernel, periods))
    y = ops.transpose(
        ops.reshape(y, (frequencies, 2, 2, -1, filters)), (3, 0, 1, 2, 4)
    )  # (N, F, 2, 2, D)
    return _image(y, height, width, periods)


def spectrum_bytes(
    height: int,
    width: int,
    kernel_size: tuple[int, int],
    channels: int,
    filters: int,
    itemsize: int,
) -> int:
    """Bytes of the largest array that `conv2d` makes of a kernel, for any number of images."""
    rows, columns = (
        _period(size, length) for size, length in zip((height, width), kernel_size, strict=True)
    )
    return _frequencies(rows) * columns * 2 * channels * filters * itemsize


def _image_spectra(images: Any, periods: tuple[int, int]) -> Any:
    """(N, H, W, C) -> (N U, 2 V, C): Re and Im of sum over x of image(x) exp(-i w x)."""
    _, height, width, channels = images.shape
    along_height = _constant(_analysis, images.dtype, periods[0], height, 0)
    along_width = _constant(_complex_analysis, images.dtype, periods[1], width, 0)
    x = ops.matmul(
        along_height, ops.reshape(images, (-1, height, width * channels))
    )  # (N, 2 U, W C)
    return ops.matmul(along_width[None], ops.reshape(x, (-1, 2 * width, channels)))  # (N U, 2 V, C)


def _kernel_spectra(kernel: Any, periods: tuple[int, int]) -> Any:
    """(K, L, C, D) -> (F, 2, C, D): Re and Im of the same sum, from the kernel's centre."""
    rows, columns, channels, filters = kernel.shape
    along_height = _constant(_analysis, kernel.dtype, periods[0], rows, (rows - 1) // 2)
    along_width = _constant(
        _complex_analysis, kernel.dtype, periods[1], columns, (columns - 1) // 2
    )
    w = ops.matmul(along_height, ops.reshape(kernel, (rows, -1)))  # (2 U, L C D)
    w = ops.matmul(
        along_width[None], ops.reshape(w, (-1, 2 * columns, channels * filters))
    )  # (U, 2 V, C D)
    return ops.reshape(w, (-1, 2, channels, filters))


def _image(products: Any, height: int, width: int, periods: tuple[int, int]) -> Any:
    """(N, F, 2, 2, D) -> (N, H, W, D), the part of the period that the image fills.

    The transform's matrix also adds up the products that make the real and the imaginary part.
    """
    filters = products.shape[-1]
    along_width = _constant(_product_synthesis, products.dtype, periods[1], width)
    along_height = _constant(_synthesis, products.dtype, periods[0], height)
    y = ops.matmul(
        along_width[None], ops.reshape(products, (-1, 4 * periods[1], filters))
    )  # (N U, 2 W, D)
    y = ops.matmul(
        along_height, ops.reshape(y, (-1, 2 * _frequencies(periods[0]), width * filters))
    )  # (N, H, W D)
    return ops.reshape(y, (-1, height, width, filters))


def _period(size: int, length: int) -> int:
    """Samples after which the transform repeats itself.

    The wrap-around of half a kernel may fall on the margin, which "same" convolution does not
    return. In an odd period no frequency but zero is its own mirror image.
    """
    period = size + length // 2
    return period + 1 - period % 2


def _frequencies(period: int) -> int:
    """Those of a real signal that are not another's mirror image."""
    return (period + 1) // 2


def _constant(make: Callable[..., np.ndarray], dtype: str, *arguments: int) -> Any:
    return ops.convert_to_tensor(make(*arguments), dtype=dtype)


def _angles(period: int, frequencies: int, size: int, origin: int) -> np.ndarray:
    return 2 * np.pi / period * np.outer(np.arange(frequencies), np.arange(size) - origin)


@functools.cache
def _analysis(period: int, size: int, origin: int) -> np.ndarray:
    """Real samples -> (Re, Im) of each half-sided frequency: (2 U, size)."""
    angles = _angles(period, _frequencies(period), size, origin)
    return np.stack([np.cos(angles), -np.sin(angles)], 1).reshape(-1, size).astype(np.float32)


@functools.cache
def _complex_analysis(period: int, size: int, origin: int) -> np.ndarray:
    """(Re samples, Im samples) -> (Re, Im) of each frequency: (2 V, 2 size)."""
    angles = _angles(period, period, size, origin)
    cos, sin = np.cos(angles), np.sin(angles)
    rows = np.stack([np.concatenate([cos, sin], 1), np.concatenate([-sin, cos], 1)], 1)
    return rows.reshape(2 * period, 2 * size).astype(np.float32)


@functools.cache
def _product_synthesis(period: int, size: int) -> np.ndarray:
    """Products of parts, kernel's outer, image's inner -> (Re samples, Im samples): (2 size, 4 V).

    A correlation multiplies the image's spectrum x by the conjugate of the kernel's w:
    Re = Re w Re x + Im w Im x, Im = Re w Im x - Im w Re x.
    """
    real, imaginary = (
        np.moveaxis(_complex_analysis(period, size, 0).T.reshape(2 * size, period, 2), 2, 0)
        / period
    )
    return (
        np.stack([real, imaginary, -imaginary, real], 2)
        .reshape(2 * size, 4 * period)
        .astype(np.float32)
    )


@functools.cache
def _synthesis(period: int, size: int) -> np.ndarray:
    """(Re, Im) of each half-sided frequency -> real samples: (size, 2 U). Mirror images count."""
    twice = np.where(np.arange(_frequencies(period)) == 0, 1, 2).repeat(2)
    return (_analysis(period, size, 0).T * twice / period).astype(np.float32)
