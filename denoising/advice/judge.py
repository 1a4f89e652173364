"""Does what a method takes for granted hold? Held against what was measured."""

import math
from typing import Literal, NamedTuple

from denoising.advice.trial import Reached
from denoising.methods.base import Assumption
from denoising.noise.diagnosis.ends import End
from denoising.noise.diagnosis.findings import CORRELATED, Diagnosis

Kind = Literal["clean", "pairs", "shots", "noisy"]

FINE = 64  # pixels, of a side: halves of smaller images show little of what is in them
# squared bias over all pixels against the noise's variance: a good denoiser leaves a tenth of that
MATTERS = 0.005
UNSEEN = 2.0  # standard deviation, of 255: below, photographs seem to have more than they have
OF_255 = 255  # the scale that people know pixel values on


class Facts(NamedTuple):
    """What is known of someone's images.

    Attributes
    ----------
    kind : {"clean", "pairs", "shots", "noisy"}
        What there is.
    shortest : int
        Pixels of the shortest side.
    noise : Diagnosis
    filtered : Reached or None
        What the calibrated filter reaches; None: nobody tried, or it cannot be told.
    """

    kind: Kind
    shortest: int
    noise: Diagnosis
    filtered: Reached | None = None


class Judgement(NamedTuple):
    """One assumption.

    Attributes
    ----------
    holds : bool or None
        None: it cannot be told.
    why : str
        The measurement, in a sentence without a full stop.
    """

    holds: bool | None
    why: str


def judge(assumption: Assumption, facts: Facts) -> Judgement:
    """Does an assumption hold for these images?"""
    noise = facts.noise
    match assumption:
        case Assumption.CLEAN:
            there = facts.kind in ("clean", "pairs")
            return Judgement(there, "there are clean images" if there else "no image is clean")
        case Assumption.SHOTS:
            there = facts.kind == "shots"
            return Judgement(there, "two shots" if there else "there is one shot of each scene")
        case Assumption.ZERO_MEAN:
            return _zero_mean(noise)
        case Assumption.INDEPENDENT:
            return _independent(noise)
        case Assumption.GAUSSIAN:
            return _gaussian(noise)
        case Assumption.KNOWN_VARIANCE:
            return _known_variance(noise)
        case Assumption.KNOWN_NOISE:
            return _known_noise(noise)
        case Assumption.REPLACED:
            return _replaced_alone(noise)
        case Assumption.BLACK_OR_WHITE:
            if "random" in noise.impulses.there:
                share = noise.impulses.random.value
                return Judgement(False, f"{share:.1%} of the pixels have random values")
            return _replaced_alone(noise)
        case Assumption.SMOOTH:
            if facts.shortest >= FINE:
                return Judgement(None, "not measured")
            return Judgement(False, f"images of {facts.shortest} pixels have no room for halves")
    raise ValueError(f"{assumption}: no such assumption")


def clipping_matters(end: End, noise: Diagnosis) -> bool:
    """Does what was cut at an end move means by so much, and in so many pixels, that it counts?"""
    if not end.is_clipped:
        return False
    bias, share = end.bias.value, end.share.value
    return not share * bias**2 <= MATTERS * noise.sigma.value**2  # also where it is not known


def is_processed(noise: Diagnosis) -> bool:
    """Do both neighbours and channels share noise, as where a camera developed its photographs?

    What was measured of it in flat areas then is not what there is elsewhere.
    """
    between = noise.best_correlations["channels"].value
    return noise.is_independent is False and between > CORRELATED


def _zero_mean(noise: Diagnosis) -> Judgement:
    if noise.has_impulses:
        return Judgement(False, f"{_replaced(noise):.1%} of the pixels were replaced")
    touched = []
    for end, name in ((noise.black, "black"), (noise.white, "white")):
        if not end.is_clipped:
            continue
        bias, share = end.bias.value, end.share.value
        if not math.isfinite(bias):
            return Judgement(False, f"noise was cut at {name}, which moves the mean there")
        said = f"noise was cut at {name}, which moves the mean there by {bias * OF_255:.1f} of 255"
        if clipping_matters(end, noise):
            return Judgement(False, said)
        touched.append(f"{said}, but in {share:.1%} of the pixels only")
    return Judgement(True, "; ".join(touched) or "nothing moves the mean")


def _independent(noise: Diagnosis) -> Judgement:
    for there, name, share in (
        (noise.has_rows, "rows", noise.rows),
        (noise.has_columns, "columns", noise.columns),
    ):
        if there:
            return Judgement(False, f"whole {name} have offsets, {share.value:.2f} of the variance")
    across, down = (noise.best_correlations[name].value for name in ("across", "down"))
    numbers = f"the noise of neighbours is correlated by {across:.2f} across, {down:.2f} down"
    if noise.is_independent is None:
        return Judgement(None, "whether neighbours share noise cannot be told")
    return Judgement(noise.is_independent, numbers)


def _gaussian(noise: Diagnosis) -> Judgement:
    moved = _zero_mean(noise)
    if moved.holds is False:
        return moved
    if noise.is_signal_dependent is None:
        return Judgement(None, "whether noise depends on the signal cannot be told")
    if noise.is_signal_dependent:
        relative = noise.best_growth.relative.value
        return Judgement(
            False, f"the variance changes by {relative:.1f} of its mean with the value"
        )
    return Judgement(True, "the noise is as strong in dark as in bright areas")


def _known_variance(noise: Diagnosis) -> Judgement:
    if noise.has_impulses:
        return Judgement(False, "replaced pixels hide the rest of the noise")
    return _known_noise(noise)


def _known_noise(noise: Diagnosis) -> Judgement:
    if not math.isfinite(noise.best_growth.a.value):
        return Judgement(False, "the images are too small, or too restless, to measure their noise")
    return Judgement(True, f"the noise was measured, {noise.sigma.value * OF_255:.1f} of 255")


def _replaced_alone(noise: Diagnosis) -> Judgement:
    if not noise.has_impulses:
        return Judgement(False, "no pixels were replaced")
    sigma = noise.unclipped_sigma
    if not math.isfinite(sigma):
        return Judgement(None, "whether there is other noise cannot be told")
    if sigma * OF_255 > UNSEEN:
        return Judgement(False, f"the other pixels have noise, {sigma * OF_255:.1f} of 255")
    return Judgement(True, f"{_replaced(noise):.1%} of the pixels were replaced, the others kept")


def _replaced(noise: Diagnosis) -> float:
    return sum(one.value for one in noise.impulses if math.isfinite(one.value))
