"""Convolution by products of spectra, for large kernels: far fewer multiplications, the same result.

A direct 7x7 convolution takes 49 multiplications for every pixel and pair of channels. Between the discrete Fourier
transforms of image and kernel it is one complex product for every frequency, about 2.5 real multiplications a pixel. The
transforms themselves are small next to that when there are many channels, and they are written as products with the (tiny)
matrices of the transform, so that all the work is done by the machine's matrix multiplication, in any precision and on any
backend.

References
----------
M. Mathieu, M. Henaff, Y. LeCun, "Fast Training of Convolutional Networks through FFTs", ICLR 2014.
"""

import functools

import numpy as np
from keras import ops


def conv2d(images, kernel):
    """What `keras.ops.conv(images, kernel, padding="same")` computes (a cross-correlation), also when differentiated.

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
    rows, columns, _, filters = kernel.shape
    periods = (_period(height, rows), _period(width, columns))
    frequencies = _frequencies(periods[0]) * periods[1]
    spectra = ops.transpose(_image_spectra(images, periods), (1, 0, 2))  # (F, N, 2 C)
    products = ops.matmul(spectra, _kernel_spectra(kernel, periods))  # (F, N, 2 D)
    return _from_spectra(ops.transpose(products, (1, 0, 2)), height, width, periods, frequencies, filters)


def spectrum_bytes(height, width, kernel_size, channels, filters, itemsize):
    """Memory of the largest array that `conv2d` makes of a kernel, whatever the number of images."""
    rows, columns = (_period(size, length) for size, length in zip((height, width), kernel_size, strict=True))
    return _frequencies(rows) * columns * 4 * channels * filters * itemsize


def _image_spectra(images, periods):
    """(N, H, W, C) -> (N, F, 2 C): real parts, then imaginary parts, of sum over x of image(x) exp(-i w x)."""
    _, height, width, channels = images.shape
    half = _frequencies(periods[0])
    along_height = _constant(_analysis, images.dtype, periods[0], height, 0)
    along_width = _constant(_complex_analysis, images.dtype, periods[1], width, 0)
    x = ops.matmul(along_height, ops.reshape(images, (-1, height, width * channels)))  # (N, 2 U, W C)
    x = ops.matmul(along_width[None], ops.reshape(x, (-1, 2 * width, channels)))  # (N U, 2 V, C)
    return ops.reshape(x, (-1, half * periods[1], 2 * channels))


def _kernel_spectra(kernel, periods):
    """(K, L, C, D) -> (F, 2 C, 2 D): a complex product as a real one, ((a, b), (-b, a)) for each a + i b.

    With z the spectrum of the mirrored kernel, the columns of real parts are conj(z) = (a, -b) and those of imaginary parts
    are i conj(z) = (b, a). Multiplying by i can be done before the second transform, where there is less to copy.
    """
    rows, columns, channels, filters = kernel.shape
    half = _frequencies(periods[0])
    w = ops.reshape(kernel, (rows, columns * channels * filters))
    parts = []
    for turned in (False, True):
        matrix = _constant(_analysis, kernel.dtype, periods[0], rows, (rows - 1) // 2, turned)
        parts.append(ops.reshape(ops.matmul(matrix, w), (-1, filters)))  # (2 U L C, D)
    w = ops.reshape(ops.stack(parts, 1), (half, 2 * columns, channels * 2 * filters))
    matrix = _constant(_complex_analysis, kernel.dtype, periods[1], columns, (columns - 1) // 2)
    return ops.reshape(ops.matmul(matrix[None], w), (half * periods[1], 2 * channels, 2 * filters))


def _from_spectra(spectra, height, width, periods, frequencies, filters):
    """(N, F, 2 D) -> (N, H, W, D), the part of the period that the image fills."""
    half = frequencies // periods[1]
    along_width = _constant(_complex_synthesis, spectra.dtype, periods[1], width)
    along_height = _constant(_synthesis, spectra.dtype, periods[0], height)
    y = ops.matmul(along_width[None], ops.reshape(spectra, (-1, 2 * periods[1], filters)))  # (N U, 2 W, D)
    y = ops.matmul(along_height, ops.reshape(y, (-1, 2 * half, width * filters)))  # (N, H, W D)
    return ops.reshape(y, (-1, height, width, filters))


def _period(size, length):
    """Samples after which the transform repeats itself.

    The wrap-around of half a kernel may fall on the margin, which "same" convolution does not return. An odd period has no
    frequency that is its own mirror image but zero.
    """
    period = size + length // 2
    return period + 1 - period % 2


def _frequencies(period):
    """Those of a real signal that are not another's mirror image."""
    return (period + 1) // 2


def _constant(make, dtype, *arguments):
    return ops.convert_to_tensor(make(*arguments), dtype=dtype)


def _angles(period, frequencies, size, origin):
    return 2 * np.pi / period * np.outer(np.arange(frequencies), np.arange(size) - origin)


@functools.cache
def _analysis(period, size, origin, turned=False):
    """Real samples -> (Re, Im) of each half-sided frequency: (2 U, size). `turned`: times i."""
    angles = _angles(period, _frequencies(period), size, origin)
    real, imaginary = np.cos(angles), -np.sin(angles)
    parts = [-imaginary, real] if turned else [real, imaginary]
    return np.stack(parts, 1).reshape(-1, size).astype(np.float32)


@functools.cache
def _complex_analysis(period, size, origin):
    """(Re samples, Im samples) -> (Re, Im) of each frequency: (2 V, 2 size)."""
    angles = _angles(period, period, size, origin)
    cos, sin = np.cos(angles), np.sin(angles)
    rows = np.stack([np.concatenate([cos, sin], 1), np.concatenate([-sin, cos], 1)], 1)
    return rows.reshape(2 * period, 2 * size).astype(np.float32)


@functools.cache
def _complex_synthesis(period, size):
    """(Re, Im) of each frequency -> (Re samples, Im samples): (2 size, 2 V)."""
    return _complex_analysis(period, size, 0).T / np.float32(period)


@functools.cache
def _synthesis(period, size):
    """(Re, Im) of each half-sided frequency -> real samples: (size, 2 U). Mirror images count too."""
    twice = np.where(np.arange(_frequencies(period)) == 0, 1, 2).repeat(2)
    return (_analysis(period, size, 0).T * twice / period).astype(np.float32)
