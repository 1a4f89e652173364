"""Which of the candidates that fit is tried first.

The order rests on studies/advice/report.md, where all learn in the same number of steps; rules that
were made with cases of it in view are named there. Those that put filters before networks were made
on images that the study learns from, and does not test with.
"""

import math

from denoising.advice.candidates import Candidate
from denoising.advice.judge import FINE, Facts, clipping_matters, is_processed
from denoising.noise.diagnosis.findings import Diagnosis

# share of the noise's variance that the calibrated filter leaves, where images are so smooth that a
# network has to learn for long to do as well
NEARLY_GONE = 0.1

_TRUTH = ("supervised", "noise2noise", "noise2noise_corrected")
_PHOTOGRAPHS = (
    *_TRUTH,
    "decision_median",
    "switching_median",
    "mended_calibrated",
    "sure",
    "recorrupted",
    "neighbor2neighbor",
    "blind_spot",
    "neighbor2neighbor_corrected",
    "unsure",
    "noise2void",
    "noise2void_corrected",
    "calibrated",
    "calibrated_corrected",
    "zs_n2n",
    "zs_n2n_corrected",
    "median",
    "gaussian",
    "gaussian_corrected",
    "noisy",
)
# of small images a pixel's neighbours tell more than the pixel itself
_DIGITS = (*_TRUTH, "decision_median", "blind_spot")
# where the noise is not what it was measured to be, what needs to know nothing of it; found on
# PolyU's photographs, and on no others
_PROCESSED = ("supervised", "noise2noise", "gaussian", "median")
# clipping that matters comes with strong noise, of which a network takes long to learn
_CLIPPED = (*_TRUTH, "calibrated_corrected", "neighbor2neighbor_corrected")
# where nothing is known of the noise: what sets its strength by each image, or needs none
_UNKNOWN = (*_TRUTH, "calibrated", "noise2void")
# where little is to be gained by learning
_SMOOTH = (*_TRUTH, "calibrated")


def ranked(candidates: list[Candidate], facts: Facts) -> list[Candidate]:
    """Best first, as far as their assumptions hold."""
    first: tuple[str, ...] = ()
    if not math.isfinite(facts.noise.best_growth.a.value):
        first = _UNKNOWN
    elif facts.shortest < FINE and not _are_counts(facts.noise):
        first = _DIGITS
    elif is_processed(facts.noise):
        first = _PROCESSED
    elif _is_clipped_alone(facts.noise):
        first = _CLIPPED
    elif facts.filtered is not None and facts.filtered.share < NEARLY_GONE:
        first = _SMOOTH
    names = [*first, *(name for name in _PHOTOGRAPHS if name not in first)]
    return sorted(candidates, key=lambda one: names.index(one.name))


def _are_counts(noise: Diagnosis) -> bool:
    """Has black no noise? The blind spot's likelihood is Gaussian, and nearly infinite there."""
    growth = noise.best_growth
    return growth.a.value == 0 and growth.b.value > 0


def _is_clipped_alone(noise: Diagnosis) -> bool:
    ends = (noise.black, noise.white)
    return not noise.has_impulses and any(clipping_matters(end, noise) for end in ends)
