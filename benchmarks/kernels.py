"""One convolution by every method: python -m benchmarks.kernels

Forward, and forward with both gradients, of a layer with as many output as input channels on 128
images of 28 x 28 pixels: direct, by FFT (`denoising.compute.fft_whole`), and for 3 x 3 kernels by
Winograd's minimal filtering F(4 x 4, 3 x 3), which is only tried here. Methods take turns. Writes
benchmarks/kernels.csv and benchmarks/kernels.md.

References
----------
A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from denoising.compute import backend, fft_whole, tuning
from denoising.compute.backend import keras
from denoising.files import write_text
from denoising.reporting.tables import pipes

ops = keras.ops

FOLDER = Path(__file__).parent
IMAGES, PIXELS, ROUNDS = 128, 28, 7
CASES = [(3, 64), (5, 64), (7, 64), (3, 128), (5, 128), (7, 128)]

# F(4, 3): four outputs of a filter of three taps from six products, by matrices over a tile of six
# samples
INPUT = np.array(
    [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
     [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]], np.float32
)  # fmt: skip
KERNEL = np.array(
    [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
     [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]], np.float32
)  # fmt: skip
OUTPUT = np.array(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], np.float32
)


def direct(images: Any, kernel: Any) -> Any:
    """Keras's own convolution."""
    return ops.conv(images, kernel, padding="same")


def winograd(images: Any, kernel: Any) -> Any:
    """As `denoising.compute.fft_whole.conv2d`.

    Every transform of all tiles of an axis is one product with a banded matrix.
    """
    _, size, _, channels = images.shape
    filters, tiles = kernel.shape[-1], size // 4
    constant = lambda matrix: ops.convert_to_tensor(matrix, dtype=images.dtype)  # noqa: E731
    forward = np.zeros((6, tiles, size + 2), np.float32)
    backward = np.zeros((size, 6, tiles), np.float32)
    for tile in range(tiles):
        forward[:, tile, 4 * tile : 4 * tile + 6] = INPUT
        backward[4 * tile : 4 * tile + 4, :, tile] = OUTPUT
    forward, backward = (
        forward[..., 1:-1].reshape(6 * tiles, size),
        backward.reshape(size, 6 * tiles),
    )
    x = ops.matmul(constant(forward), ops.reshape(images, (-1, size, size * channels)))
    x = ops.matmul(constant(forward), ops.reshape(x, (-1, size, channels)))  # (N 6 T, 6 T, C)
    x = ops.transpose(ops.reshape(x, (-1, 6, tiles, 6, tiles, channels)), (1, 3, 0, 2, 4, 5))
    w = ops.matmul(constant(KERNEL), ops.reshape(kernel, (3, -1)))
    w = ops.matmul(constant(KERNEL)[None], ops.reshape(w, (6, 3, channels * filters)))
    y = ops.matmul(ops.reshape(x, (36, -1, channels)), ops.reshape(w, (36, channels, filters)))
    y = ops.transpose(ops.reshape(y, (6, 6, -1, tiles, tiles, filters)), (2, 0, 3, 1, 4, 5))
    y = ops.matmul(constant(backward), ops.reshape(y, (-1, 6 * tiles, filters)))
    y = ops.matmul(constant(backward), ops.reshape(y, (-1, 6 * tiles, size * filters)))
    return ops.reshape(y, (-1, size, size, filters))


def main() -> None:
    """Measure, and write both files."""
    backend.prepare(0)
    rng = np.random.default_rng(0)
    rows = []
    for size, channels in CASES:
        shape = (IMAGES, PIXELS, PIXELS, channels)
        images, upstream = (
            np.maximum(rng.standard_normal(shape, np.float32), 0),
            rng.standard_normal(shape, np.float32),
        )
        kernel = rng.standard_normal((size, size, channels, channels), np.float32) / (
            size * channels**0.5
        )
        expected = _functions(direct)[1](images, kernel, upstream)
        methods = {"direct": direct, "fft": fft_whole.conv2d} | (
            {"winograd": winograd} if size == 3 else {}
        )
        for dtype in ("float32", "bfloat16"):
            given = [ops.cast(array, dtype) for array in (images, kernel, upstream)]
            steps, errors = {}, {}
            for name, method in methods.items():
                forward, both = _functions(method)
                steps[name, "forward"] = lambda forward=forward, given=given: forward(*given[:2])
                steps[name, "with gradients"] = lambda both=both, given=given: both(*given)
                errors[name] = [_error(*pair) for pair in zip(both(*given), expected, strict=True)]
            for (name, what), seconds in tuning.shortest(steps, ROUNDS).items():
                row = {
                    "kernel": size,
                    "channels": channels,
                    "dtype": dtype,
                    "method": name,
                    "what": what,
                }
                error = errors[name][0] if what == "forward" else max(errors[name][1:])
                rows.append(row | {"milliseconds": seconds * 1e3, "relative_error": error})
                print(rows[-1], flush=True)
    pd.DataFrame(rows).to_csv(FOLDER / "kernels.csv", index=False, float_format="%.4g")
    write_text(FOLDER / "kernels.md", report(pd.read_csv(FOLDER / "kernels.csv")))


def _functions(method: Callable[..., Any]) -> tuple[Any, Any]:
    import tensorflow as tf  # after Keras, whose import discards its messages

    @tf.function
    def both(images: Any, kernel: Any, upstream: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch((images, kernel))
            output = method(images, kernel)
        return output, *tape.gradient(output, (images, kernel), output_gradients=upstream)

    return tf.function(method), both


def _error(output: Any, expected: Any) -> float:
    return float(ops.std(ops.cast(output, "float32") - expected) / ops.std(expected))


def report(frame: pd.DataFrame) -> str:
    """Markdown: times and errors."""
    keys = ["kernel", "channels", "dtype", "what"]
    wide = frame.pivot_table(index=keys, columns="method", values="milliseconds", sort=False)
    for method in ("fft", "winograd"):
        wide[f"direct / {method}"] = wide["direct"] / wide[method]
    errors = frame.pivot_table(index=keys, columns="method", values="relative_error", sort=False)
    times = (
        wide.map(lambda value: "" if pd.isna(value) else f"{value:.3g}").reset_index().astype(str)
    )
    errors = (
        errors.map(lambda value: "" if pd.isna(value) else f"{value:.1e}").reset_index().astype(str)
    )
    return (
        f"Milliseconds for {IMAGES} images of {PIXELS} x {PIXELS} pixels, shortest of {ROUNDS}."
        f"\n\n{pipes(times)}\n\n"
        "Standard deviation of the error, relative to that of the result (reference: direct, "
        f"float32); with gradients: the worse of both gradients'.\n\n{pipes(errors)}\n"
    )


if __name__ == "__main__":
    main()
