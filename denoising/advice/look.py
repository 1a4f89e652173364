"""Someone's images are looked at: all that the advice is given by."""

from collections.abc import Sequence

import numpy as np

from denoising.advice import trial
from denoising.advice.advise import measured_noise
from denoising.advice.judge import Facts, Kind
from denoising.noise.base import Noise
from denoising.noise.diagnosis.diagnose import diagnose
from denoising.sections import read_kind


def look(
    kind: Kind,
    shortest: int,
    images: Sequence[np.ndarray],
    second: Sequence[np.ndarray] | None = None,
) -> Facts:
    """Measure the noise of images, and what a filter leaves of it.

    Parameters
    ----------
    kind : {"clean", "pairs", "shots", "noisy"}
        What there is.
    shortest : int
        Pixels of the shortest side.
    images : sequence of ndarray (H, W, C)
        Noisy ones, on the scale [0, 1].
    second : sequence of ndarray, optional
        Other shots of the same scenes.
    """
    found = diagnose(images, second)
    noise: Noise = read_kind("noise", measured_noise(found), "noise")
    return Facts(kind, shortest, found, trial.reached(images, noise))
