"""Which of the candidates that fit is tried first.

The order rests on studies/advice/report.md, where all learn in the same number of steps.
"""

from denoising.advice.candidates import Candidate
from denoising.advice.judge import FINE, Facts, is_processed

_PHOTOGRAPHS = (
    "supervised",
    "noise2noise",
    "noise2noise_corrected",
    "decision_median",
    "switching_median",
    "sure",
    "recorrupted",
    "neighbor2neighbor",
    "neighbor2neighbor_corrected",
    "blind_spot",
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


def ranked(candidates: list[Candidate], facts: Facts) -> list[Candidate]:
    """Best first, as far as their assumptions hold."""
    first: tuple[str, ...] = ()
    if facts.shortest < FINE:
        first = _DIGITS
    elif is_processed(facts.noise):
        first = _PROCESSED
    names = [*first, *(name for name in _PHOTOGRAPHS if name not in first)]
    return sorted(candidates, key=lambda one: names.index(one.name))
