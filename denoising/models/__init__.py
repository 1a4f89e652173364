"""The networks, one file each with one factory, found by name.

Every factory takes its section of params.yaml and returns a Keras functional model from (N, H, W, 1) to (N, H, W, 1),
pixel values on the scale [0, 1], for any height and width (the CAE: multiples of 2**levels). Inner layers compute in the
global dtype policy; the output is float32.
"""

import importlib

import keras

from denoising.backend import POLICIES


def build(name, section, precision):
    """A network with fresh weights (Keras's global seed decides which).

    Parameters
    ----------
    name : str
        The network's file in this package: "cnn", "cae", "dncnn" or "win5rb".
    section : pydantic model
        The network's parameters.
    precision : {"float32", "bfloat16"}
        What the inner layers compute in; weights are kept in float32 either way.
    """
    factory = importlib.import_module(f"denoising.models.{name}")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        return factory.build(section)
    finally:
        keras.config.set_dtype_policy(before)
