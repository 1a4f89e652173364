"""Convolution by FFT, for large kernels: far fewer multiplications, the same up to rounding.

A direct 7x7 convolution takes 49 multiplications per pixel and pair of channels. Between the
discrete Fourier transforms of image and kernel it is one complex product per frequency, which three
real multiplications give. Images are cut into blocks that overlap by the kernel (overlap-save), so
that a pixel of a large image costs what one of a small image does. The transforms are written as
products with the (tiny) matrices of the transform, so that all the work is done by the machine's
matrix multiplication, in any precision and on any backend.

Pixels of a block come first in memory, before the number of the block and channels: each product is
one of large matrices then, and nothing has to be put in order in between.

References
----------
M. Mathieu, M. Henaff, Y. LeCun, "Fast Training of Convolutional Networks through FFTs", ICLR 2014.
A. V. Oppenheim, R. W. Schafer, "Discrete-Time Signal Processing", section 8.7.3 (overlap-save).
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from denoising.compute.backend import keras
from denoising.compute.blocks import Axis, cut, joined, windows
from denoising.compute.fourier import (
    Parts,
    analysis,
    angles,
    complex_analysis,
    constant,
    synthesis,
)

PARTS = 3  # of a complex number: see `_image_parts`

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
    _, height, width, _ = images.shape
    *lengths, channels, filters = kernel.shape
    down, across = _axes(height, width, tuple(lengths), channels, filters)
    kernel = ops.reshape(kernel, kernel.shape)  # a tensor of what may be a variable
    return _differentiable(down, across)(images, kernel)


def _differentiable(down: Axis, across: Axis) -> Callable[[Any, Any], Any]:
    """The convolution with its gradients, which are convolutions too."""

    @ops.custom_gradient
    def convolve(images: Any, kernel: Any) -> Any:
        def gradients(*arguments: Any, upstream: Any = None) -> tuple[Any, Any]:
            (upstream,) = arguments if upstream is None else (upstream,)
            spectra = _spectra(upstream, down.mirrored, across.mirrored)
            turned = ops.transpose(ops.flip(kernel, (0, 1)), (0, 1, 3, 2))
            turned = _kernel_spectra(turned, down.mirrored, across.mirrored)
            of_images = _correlated(spectra, turned, down.mirrored, across.mirrored)
            return of_images, _of_kernel(images, spectra, down, across)

        of_kernel = _kernel_spectra(kernel, down, across)
        return _correlated(_spectra(images, down, across), of_kernel, down, across), gradients

    return convolve


def is_one_block(
    height: int, width: int, kernel_size: tuple[int, int], channels: int, filters: int
) -> bool:
    """Is such an image not worth cutting?"""
    found = _axes(height, width, kernel_size, channels, filters)
    return all(one.blocks == 1 for one in found)


def spectrum_bytes(
    height: int,
    width: int,
    kernel_size: tuple[int, int],
    channels: int,
    filters: int,
    itemsize: int,
) -> int:
    """Bytes of the largest array that `conv2d` makes of a kernel, for any number of images."""
    down, across = _axes(height, width, kernel_size, channels, filters)
    return down.frequencies * across.period * PARTS * channels * filters * itemsize


def _axes(
    height: int, width: int, kernel_size: tuple[int, int], channels: int, filters: int
) -> tuple[Axis, Axis]:
    """How images are cut along both sides."""
    return (
        cut(height, kernel_size[0], channels, filters),
        cut(width, kernel_size[1], channels, filters),
    )


def _spectra(images: Any, down: Axis, across: Axis) -> Any:
    """(N, H, W, C) -> (F, P, M, C): transforms of M overlapping blocks, in parts."""
    blocks = windows(images, down, across, (down.samples, across.samples))
    return _transformed(blocks, down, across, (0, 0), _image_parts)


def _transformed(
    blocks: Any, down: Axis, across: Axis, origins: tuple[int, int], parts: Parts
) -> Any:
    """(S, T, M, C) -> (F, P, M, C): sums over x of block(x) exp(-i w (x - origin)), in parts."""
    rows, columns, _, channels = blocks.shape
    along_height = constant(analysis, blocks.dtype, down.period, rows, origins[0])
    along_width = constant(
        complex_analysis, blocks.dtype, across.period, columns, origins[1], parts
    )
    x = ops.matmul(along_height, ops.reshape(blocks, (rows, -1)))  # (2 U, T M C)
    x = ops.reshape(x, (down.frequencies, 2 * columns, -1))
    x = ops.matmul(along_width[None], x)  # (U, P V, M C)
    return ops.reshape(x, (down.frequencies * across.period, PARTS, -1, channels))


def _kernel_spectra(kernel: Any, down: Axis, across: Axis) -> Any:
    """(K, L, C, D) -> (F, P, C, D): transforms from where the kernel meets a block, in parts."""
    *size, _, filters = kernel.shape
    flat = ops.reshape(kernel, (*size, 1, -1))
    found = _transformed(flat, down, across, (down.origin, across.origin), _kernel_parts)
    return ops.reshape(found, (*found.shape[:2], -1, filters))


def _correlated(spectra: Any, of_kernel: Any, down: Axis, across: Axis) -> Any:
    """(F, P, M, C) of images and (F, P, C, D) of a kernel -> (N, H, W, D)."""
    filters = of_kernel.shape[-1]
    products = ops.matmul(spectra, of_kernel)  # (F, P, M, D)
    blocks = _image(products, down, across, (down.block, across.block), (0, 0))
    return joined(ops.reshape(blocks, (down.block, across.block, -1, filters)), down, across)


def _of_kernel(images: Any, spectra: Any, down: Axis, across: Axis) -> Any:
    """The kernel's gradient (K, L, C, D) by the images and what the upstream's blocks have.

    Each block of the images, without overlap, takes the place of a kernel.
    """
    filters = spectra.shape[-1]
    blocks = windows(images, down.apart, across.apart, (down.block, across.block))
    of_images = _transformed(blocks, down, across, (0, 0), _kernel_parts)
    products = ops.einsum("fpmc,fpmd->fpcd", of_images, spectra)
    channels = products.shape[-2]
    lengths = down.length, across.length
    lags = down.length - 1 - down.lag, across.length - 1 - across.lag
    gradient = _image(products, down, across, lengths, lags)
    return ops.flip(ops.reshape(gradient, (*lengths, channels, filters)), (0, 1))


def _image(
    products: Any, down: Axis, across: Axis, size: tuple[int, int], origins: tuple[int, int]
) -> Any:
    """(F, P, ...) -> (*size, ...): samples from `-origin` on.

    The transform's matrix also adds up the products that make the real and the imaginary part.
    """
    along_width = constant(_product_synthesis, products.dtype, across.period, size[1], origins[1])
    along_height = constant(synthesis, products.dtype, down.period, size[0], origins[0])
    y = ops.reshape(products, (down.frequencies, PARTS * across.period, -1))
    y = ops.matmul(along_width[None], y)  # (U, 2 B, ...)
    return ops.matmul(along_height, ops.reshape(y, (2 * down.frequencies, -1)))


def _image_parts(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """What is multiplied of a complex number.

    With those of a kernel's: x w* has the real part p0 + p1, the imaginary part p2 - p0 + p1.
    """
    return np.stack([real, imaginary, real + imaginary], 1)


def _kernel_parts(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    return np.stack([real, imaginary, real - imaginary], 1)


@functools.cache
def _product_synthesis(period: int, size: int, origin: int) -> np.ndarray:
    """Products of parts -> (Re samples, Im samples): (2 size, P V). See `_image_parts`."""
    turns = angles(period, period, size, origin).T
    cos, sin = np.cos(turns) / period, np.sin(turns) / period
    of_real, of_imaginary = np.concatenate([cos, sin]), np.concatenate([-sin, cos])
    columns = [of_real - of_imaginary, of_real + of_imaginary, of_imaginary]
    return np.stack(columns, 2).reshape(2 * size, -1).astype(np.float32)
