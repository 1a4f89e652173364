"""Random streams by purpose: each has its own, however many others there are."""

import hashlib

import numpy as np


def rng_for(seed: int, *names: str | int) -> np.random.Generator:
    """A random generator of its own for every (seed, names).

    Parameters
    ----------
    names : str or int
        What the stream is for, such as dataset, split and draw. Names enter by their digest, so
        that adding a dataset changes no other's stream.
    """
    key: list[int] = []
    for name in names:
        if isinstance(name, int):
            key.append(name)
        else:
            digest = hashlib.sha256(name.encode()).digest()
            key += np.frombuffer(digest, "<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
