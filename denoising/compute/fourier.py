"""The discrete Fourier transform as products with its matrices, which are tiny and kept.

Half-sided frequencies are those of a real signal that are not another's mirror image; in an odd
period no frequency but zero is its own.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from denoising.compute.backend import keras

Parts = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of real and imaginary rows (V, n)


def constant(make: Callable[..., np.ndarray], dtype: str, *arguments: Any) -> Any:
    """A matrix as a tensor."""
    return keras.ops.convert_to_tensor(make(*arguments), dtype=dtype)


def angles(period: int, frequencies: int, size: int, origin: int) -> np.ndarray:
    """Of each frequency at each sample: (frequencies, size)."""
    return 2 * np.pi / period * np.outer(np.arange(frequencies), np.arange(size) - origin)


@functools.cache
def analysis(period: int, size: int, origin: int) -> np.ndarray:
    """Real samples -> (Re, Im) of each half-sided frequency: (2 U, size)."""
    turns = angles(period, (period + 1) // 2, size, origin)
    return np.stack([np.cos(turns), -np.sin(turns)], 1).reshape(-1, size).astype(np.float32)


@functools.cache
def complex_analysis(period: int, size: int, origin: int, parts: Parts) -> np.ndarray:
    """(Re samples, Im samples) -> parts of each frequency: (P V, 2 size)."""
    turns = angles(period, period, size, origin)
    cos, sin = np.cos(turns), np.sin(turns)
    rows = parts(np.concatenate([cos, sin], 1), np.concatenate([-sin, cos], 1))
    return rows.reshape(-1, 2 * size).astype(np.float32)


@functools.cache
def synthesis(period: int, size: int, origin: int) -> np.ndarray:
    """(Re, Im) of each half-sided frequency -> real samples: (size, 2 U). Mirror images count."""
    twice = np.where(np.arange((period + 1) // 2) == 0, 1, 2).repeat(2)
    return (analysis(period, size, origin).T * twice / period).astype(np.float32)
