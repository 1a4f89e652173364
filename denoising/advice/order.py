"""Which of the candidates that fit is tried first.

The order rests on studies/advice/report.md, where all learn in the same number of steps; rules that
were made with cases of it in view are named there. Those for clipped noise and for noise that could
not be measured were made on images that the study learns from, and does not test with.
"""

import math

from denoising.advice.candidates import Candidate
from denoising.advice.judge import FINE, Facts, clipping_matters, is_processed
from denoising.noise.diagnosis.findings import Diagnosis

_PHOTOGRAPHS = (
    "supervised",
    "noise2noise",
    "noise2noise_corrected",
    "decision_median",
    "switching_median",
    "sure",
    "recorrupted",
    "neighbor2neighbor",
    "blind_spot",
    "neighbor2neighbor_corrected",
    "unsure",
    "noise2void",
    "noise2void_corrected",
    "calibrated_nlm",
    "calibrated_nlm_corrected",
    "calibrated_wavelet",
    "calibrated_wavelet_corrected",
    "zs_n2n",
    "zs_n2n_corrected",
    "median",
    "gaussian",
    "gaussian_corrected",
    "noisy",
)
# of small images a pixel's neighbours tell more than the pixel itself
_DIGITS = ("supervised", "noise2noise", "noise2noise_corrected", "blind_spot")
# where the noise is not what it was measured to be, what needs to know nothing of it; found on
# PolyU's photographs, and on no others
_PROCESSED = ("supervised", "noise2noise", "gaussian", "median")
# clipping that matters comes with strong noise, of which a network takes long to learn
_CLIPPED = (
    "supervised",
    "noise2noise",
    "noise2noise_corrected",
    "calibrated_nlm_corrected",
    "neighbor2neighbor_corrected",
)
# where nothing is known of the noise: what sets its strength by each image
_UNKNOWN = (
    "supervised",
    "noise2noise",
    "noise2noise_corrected",
    "calibrated_wavelet",
    "calibrated_nlm",
    "noise2void",
)


def ranked(candidates: list[Candidate], facts: Facts) -> list[Candidate]:
    """Best first, as far as their assumptions hold."""
    first: tuple[str, ...] = ()
    if not math.isfinite(facts.noise.best_growth.a.value):
        first = _UNKNOWN
    elif facts.shortest < FINE:
        first = _DIGITS
    elif is_processed(facts.noise):
        first = _PROCESSED
    elif _is_clipped_alone(facts.noise):
        first = _CLIPPED
    names = [*first, *(name for name in _PHOTOGRAPHS if name not in first)]
    return sorted(candidates, key=lambda one: names.index(one.name))


def _is_clipped_alone(noise: Diagnosis) -> bool:
    ends = (noise.black, noise.white)
    return not noise.has_impulses and any(clipping_matters(end, noise) for end in ends)
