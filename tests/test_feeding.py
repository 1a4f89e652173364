import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from denoising.compute import backend
from tests.conftest import ROOT

RNG = np.random.default_rng(0)


def identity():
    image = keras.Input((None, None, 1))
    return keras.Model(image, keras.layers.Activation("linear")(image))


def sum_of_two():
    images = [keras.Input((None, None, 1)) for _ in range(2)]
    return keras.Model(images, keras.layers.Add()(images))


@pytest.mark.parametrize("count", [1, 4, 9])
def test_every_image_comes_once_and_in_order(count):
    images = RNG.random((count, 3, 5, 1), np.float32)
    found = identity().predict(backend.batches_of(images, 4), verbose=0)
    np.testing.assert_array_equal(found, images)


def test_inputs_may_be_tuples_and_every_image_counts_the_same():
    first, second, targets = RNG.random((3, 9, 4, 4, 1), np.float32)
    model = sum_of_two()
    model.compile(loss="mse", steps_per_execution=2)
    loss = model.evaluate(backend.batches_of(((first, second), targets), 4), verbose=0)
    assert loss == pytest.approx(np.mean((first + second - targets) ** 2), rel=1e-5)


def test_batches_are_made_by_their_numbers_while_a_network_computes():
    asked = []

    def make(number):
        asked.append(number)
        return np.full((2, 3, 3, 1), number, np.float32)

    found = identity().predict(backend.batches(5, make), verbose=0)
    assert set(asked) == set(range(5))
    np.testing.assert_array_equal(found[:, 0, 0, 0], np.repeat(np.arange(5), 2))


FIRST_EPOCH = """
import numpy as np
from denoising.compute import backend
from denoising.compute.backend import keras
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(loss=lambda targets, outputs: targets + 0 * outputs)
numbers = np.arange(96.0)[:, None]
print(model.fit(backend.batches_of((numbers, numbers), 8), verbose=0).history["loss"][0])
"""


@pytest.mark.parametrize("name", ["tensorflow", "jax"])
def test_the_first_epoch_has_every_batch_once(name):
    """A model is built from a batch first, which is not to be lost for it."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_EPOCH],
        env=os.environ | {"KERAS_BACKEND": name, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout.split()[-1]) == pytest.approx(np.arange(96).mean(), rel=1e-5)
