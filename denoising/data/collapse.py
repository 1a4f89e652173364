"""When a network is worth nothing."""

import numpy as np


def collapsed(mse: float, noisy_mse: float, constant_mse: float) -> str:
    """Why a network has collapsed; "" where it has not.

    Parameters
    ----------
    mse : float
        Of the network.
    noisy_mse : float
        Of the noisy images themselves.
    constant_mse : float
        Of the best constant image, `constant_mse`.
    """
    for name, bound in (("its noisy input", noisy_mse), ("a constant image", constant_mse)):
        if not mse < bound:
            return f"no better than {name} ({bound:.5f})"
    return ""


def constant_mse(targets: np.ndarray) -> float:
    """Error of the best constant image, which is the variance of all pixels."""
    return float(np.var(np.asarray(targets, np.float64)))
