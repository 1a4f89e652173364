"""The networks, one file each with one factory, found by name.

Every factory takes its section of params.yaml and returns a Keras functional model from (N, H, W, 1) to (N, H, W, 1),
pixel values on the scale [0, 1], for any height and width (the CAE: multiples of 2**levels). They are plain Keras in
float32; `denoising.execution` makes copies that compute the same faster.
"""

import importlib


def build(name, section):
    """A network with fresh weights (Keras's global seed decides which).

    Parameters
    ----------
    name : str
        The network's file in this package: "cnn", "cae", "dncnn" or "win5rb".
    section : pydantic model
        The network's parameters.
    """
    return importlib.import_module(f"denoising.networks.{name}").build(section)
