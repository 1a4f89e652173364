"""Convolution to few channels: one matrix product for all of a kernel's taps, then shifted sums.

A processor computes a direct convolution for as many filters at a time as its vectors are long: 8
or 16. The last layer of a denoiser has one, so that most of that is thrown away. Here each pair of
a tap and a filter is a row of a matrix, whose product with the image has a plane for each; those
are shifted and added.
"""

import functools
from collections.abc import Iterable
from typing import Any

from denoising.compute.backend import keras

ops = keras.ops


def conv2d(images: Any, kernel: Any) -> Any:
    """What `keras.ops.conv(images, kernel, padding="same")` computes.

    That is a cross-correlation.

    Parameters
    ----------
    images : tensor (N, H, W, C)
    kernel : tensor (K, L, C, D)
        Of the same dtype.

    Returns
    -------
    tensor (N, H, W, D)
    """
    down, across, channels, filters = kernel.shape
    number, height, width, _ = ops.shape(images)
    rows = ops.reshape(ops.transpose(kernel, (0, 1, 3, 2)), (-1, channels))  # (K L D, C)
    columns = ops.transpose(ops.reshape(images, (-1, channels)))
    planes = ops.reshape(ops.matmul(rows, columns), (down, -1, height, width))  # (K, L D N, H, W)
    planes = ops.pad(planes, [(0, 0), (0, 0), _margins(down), (0, 0)])
    planes = _sum(planes[tap, :, tap : tap + height] for tap in range(down))  # (L D N, H, W)
    planes = ops.pad(planes, [(0, 0), (0, 0), _margins(across)])
    planes = ops.reshape(planes, (across, filters, -1, height, width + across - 1))
    planes = _sum(planes[tap, ..., tap : tap + width] for tap in range(across))  # (D, N, H, W)
    if filters == 1:
        return ops.reshape(planes, (number, height, width, 1))
    return ops.transpose(planes, (1, 2, 3, 0))


def _margins(length: int) -> tuple[int, int]:
    return (length - 1) // 2, length // 2


def _sum(tensors: Iterable[Any]) -> Any:
    return functools.reduce(ops.add, tensors)
