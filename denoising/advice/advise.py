"""The advice: what is fit, what is ruled out and by which measurement, what to write down."""

import math
from typing import Any, NamedTuple

import numpy as np

from denoising.advice.candidates import Candidate, candidates
from denoising.advice.judge import Facts, Judgement, clipping_matters, judge
from denoising.advice.order import ranked
from denoising.methods.base import Assumption
from denoising.noise.diagnosis.findings import CORRELATED, Diagnosis

ROUNDED = 8  # digits of variances, which are small
MOST = 0.95  # correlation that the noise model takes


class Choice(NamedTuple):
    """A candidate, and what became of its assumptions.

    Attributes
    ----------
    candidate : Candidate
    judged : dict of Assumption to Judgement
    """

    candidate: Candidate
    judged: dict[Assumption, Judgement]

    @property
    def fits(self) -> bool:
        """Is no assumption known to fail?"""
        return all(one.holds is not False for one in self.judged.values())

    @property
    def against(self) -> list[str]:
        """The measurements that rule it out."""
        return [one.why for one in self.judged.values() if one.holds is False]

    @property
    def unknown(self) -> list[str]:
        """What it presumes, and nobody could measure."""
        return [name.value for name, one in self.judged.items() if one.holds is None]


class Advice(NamedTuple):
    """What is advised.

    Attributes
    ----------
    facts : Facts
    fit, ruled_out : list of Choice
        Best first.
    noise : dict
        The noise as a section of params.yaml; {"name": "real"} where too little is known.
    """

    facts: Facts
    fit: list[Choice]
    ruled_out: list[Choice]
    noise: dict[str, Any]

    @property
    def best(self) -> Choice:
        """What to take first."""
        return self.fit[0]

    @property
    def names(self) -> list[str]:
        """Of the candidates that fit, best first."""
        return [choice.candidate.name for choice in self.fit]

    def to_json(self) -> dict[str, Any]:
        """All of it."""

        def row(choice: Choice) -> dict[str, Any]:
            one = choice.candidate
            about = {"name": one.name, "section": one.section, "network": one.network or None}
            return about | {
                "assumes": {name.value: found._asdict() for name, found in choice.judged.items()},
                "fits": choice.fits,
            }

        return {
            "kind": self.facts.kind,
            "shortest_side": self.facts.shortest,
            "noise": self.noise,
            "filtered": self.facts.filtered._asdict() if self.facts.filtered else None,
            "advised": self.best.candidate.name,
            "fit": [row(choice) for choice in self.fit],
            "ruled_out": [row(choice) for choice in self.ruled_out],
            "measured": self.facts.noise.to_json(),
        }


def advise(facts: Facts) -> Advice:
    """What to train on someone's images.

    In the order of `ranked`: those of which no assumption is known to fail, and the others. Where
    noise leaves means alone, there is nothing to correct, and where no pixels became black or
    white, nothing to mend.
    """
    choices = [
        Choice(one, {assumed: judge(assumed, facts) for assumed in one.assumes})
        for one in ranked(candidates(), facts)
        if _has_work(one, facts)
    ]
    return Advice(
        facts,
        [choice for choice in choices if choice.fits],
        [choice for choice in choices if not choice.fits],
        measured_noise(facts.noise),
    )


def _has_work(one: Candidate, facts: Facts) -> bool:
    replaced = facts.noise.impulses.there
    if one.mends:
        return bool(replaced) and "random" not in replaced
    return not one.corrected or judge(Assumption.ZERO_MEAN, facts).holds is False


def measured_noise(found: Diagnosis) -> dict[str, Any]:
    """The noise as a section of params.yaml."""
    growth = found.best_growth
    a, b = growth.a.value, np.nan_to_num(growth.b.value)
    if not math.isfinite(a):
        return {"name": "real"}
    black, white = (clipping_matters(end, found) for end in (found.black, found.white))
    section: dict[str, Any] = {
        "name": "measured",
        "a": round(max(float(a), 0.0), ROUNDED),
        "b": round(max(float(b), 0.0), ROUNDED),
        "clipped_black": black,
        "clipped_white": white,
    }
    if found.is_independent is False:
        for name in ("across", "down"):
            section[name] = _correlation(found.best_correlations[name].value)
    between = found.best_correlations["channels"].value
    if found.channels > 1 and abs(between) > CORRELATED:
        section["channels"] = _correlation(between)
    section |= {name: round(share, 4) for name, share in found.impulses.there.items()}
    return section


def _correlation(value: float) -> float:
    return round(float(np.clip(np.nan_to_num(value), 0, MOST)), 3)
