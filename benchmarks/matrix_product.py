"""GFLOP/s of a 2048 x 2048 matrix product, the best of a few: python -m benchmarks.matrix_product

Prints a line of JSON: the rates in float32 and bfloat16.
"""

import json
import time

from denoising.compute import backend
from denoising.compute.backend import keras

SIZE = 2048


def rate(dtype: str) -> float:
    """GFLOP/s in one dtype."""
    ops = keras.ops
    matrix = ops.cast(keras.random.normal((SIZE, SIZE), seed=0), dtype)
    times = []
    for _ in range(15):
        started = time.perf_counter()
        ops.convert_to_numpy(ops.matmul(matrix, matrix)[:1, :1])
        times.append(time.perf_counter() - started)
    return 2 * SIZE**3 / min(times) / 1e9


if __name__ == "__main__":
    backend.prepare(0)
    print(json.dumps({dtype: round(rate(dtype), 1) for dtype in ("float32", "bfloat16")}))
