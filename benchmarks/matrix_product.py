"""GFLOP/s of a large matrix product, the best of a few: python -m benchmarks.matrix_product

Prints a line of JSON: the rates in float32 and bfloat16.
"""

import json
import time

from denoising.compute import backend
from denoising.compute.backend import keras

SIZES = {"cpu": 2048, "gpu": 16384}


def rate(dtype: str) -> float:
    """GFLOP/s in one dtype."""
    ops, size = keras.ops, SIZES[backend.device()[0]]
    matrix = ops.cast(keras.random.normal((size, size), seed=0), dtype)
    times = []
    for _ in range(15):
        started = time.perf_counter()
        ops.convert_to_numpy(ops.matmul(matrix, matrix)[:1, :1])
        times.append(time.perf_counter() - started)
    return 2 * size**3 / min(times) / 1e9


if __name__ == "__main__":
    backend.prepare(0)
    print(json.dumps({dtype: round(rate(dtype), 1) for dtype in ("float32", "bfloat16")}))
