"""Has a denoiser become worse? Its mean squared error now, beside that of an earlier result.

Training again with another seed, or on another kind of processor, changes an error a little. What
counts as worse is a change beyond a tolerance, which is derived from measured changes of that kind.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from denoising.data import collapse
from denoising.files import is_number
from denoising.sections import SHOWN

FAILING = ("worse", "broken")
ROUNDING = 1e-9  # relative; an interval of a mean is resampled, and so summed in another order

_ERRORS = ("mse", "mse_low", "mse_high", "mse_clipped", "noisy_mse", "constant_mse")
_NUMBERS = (*_ERRORS, "psnr", "ssim")
_OTHERS: Mapping[str, type] = {"test_digest": str, "collapsed": bool}

Metrics = Mapping[str, Any]
Verdict = Literal["same", "better", "worse", "accepted", "new", "not comparable", "broken"]


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What was found of one run. None where there is nothing to say.

    Attributes
    ----------
    run : str
    verdict : str
        "worse" and "broken" fail.
    reason : str
    base, now : float
        Mean squared errors.
    interval : tuple (float, float)
        95 % interval of the MSE now.
    allowed : float
        The largest MSE that passes.
    """

    run: str
    verdict: Verdict
    reason: str = ""
    base: float | None = None
    now: float | None = None
    interval: tuple[float, float] | None = None
    allowed: float | None = None

    @property
    def change(self) -> float | None:
        """Relative to the base."""
        return None if self.base is None or self.now is None else self.now / self.base - 1

    @property
    def fails(self) -> bool:
        """Is this something that must not pass?"""
        return self.verdict in FAILING


def judge(
    run: str,
    now: Metrics | None,
    base: Metrics | None,
    tolerance: float,
    accepted: tuple[float, str] | None = None,
    difference: str = "",
    unreadable: str = "",
) -> Judgement:
    """Compare one run's metrics with those of a base.

    Parameters
    ----------
    run : str
    now, base : mapping, optional
        As `denoising.evaluation.evaluate` gives them (of a base, `mse` and `test_digest` are
        enough); None: there are none.
    tolerance : float
        Largest relative increase of the MSE that passes.
    accepted : tuple (float, str), optional
        An MSE that passes although it is worse, and the reason.
    difference : str
        What makes the two not comparable, such as another budget.
    unreadable : str
        Why there are no metrics now, if there is a file.
    """
    problem = unreadable or broken(now)
    if problem or now is None:
        return Judgement(run, "broken", problem)
    found: dict[str, Any] = {"now": now["mse"], "interval": (now["mse_low"], now["mse_high"])}
    if base is None:
        return Judgement(run, "not comparable" if difference else "new", difference, **found)
    if not is_number(base.get("mse")) or base["mse"] <= 0:
        reason = f"MSE {_shown(base.get('mse'))} in the base"
        return Judgement(run, "not comparable", reason, **found)
    found["base"] = base["mse"]
    if base.get("test_digest") != now["test_digest"]:
        then = _shown(base.get("test_digest"))
        difference = f"other test data ({then}, now {_shown(now['test_digest'])})"
    if difference:
        return Judgement(run, "not comparable", difference, **found)
    found["allowed"] = base["mse"] * (1 + tolerance)
    if now["mse"] <= found["allowed"]:
        is_better = now["mse"] * (1 + tolerance) < base["mse"]
        return Judgement(run, "better" if is_better else "same", **found)
    if accepted is None:
        return Judgement(run, "worse", **found)
    value, reason = accepted
    found["allowed"] = value * (1 + tolerance)
    if now["mse"] <= found["allowed"]:
        return Judgement(run, "accepted", reason, **found)
    return Judgement(run, "worse", f"than the accepted {value:g} too", **found)


def broken(metrics: Metrics | None) -> str:
    """What is wrong with a run's metrics, whatever they are compared with; "" if nothing."""
    if metrics is None:
        return "no metrics"
    return _damaged(metrics) or _impossible(metrics) or _worthless(metrics)


def _damaged(metrics: Metrics) -> str:
    """What is missing, or not of its type."""
    if missing := [key for key in (*_NUMBERS, *_OTHERS) if key not in metrics]:
        return f"{missing[0]} is missing"
    for key, value in metrics.items():
        has_type = value is not None and isinstance(value, _OTHERS.get(key, object))
        should_be_number = key in _NUMBERS or isinstance(value, float)
        if not has_type or (should_be_number and not is_number(value)):
            return f"{key} is {_shown(value)}"
    return ""


def _impossible(metrics: Metrics) -> str:
    """What no measurement can have given."""
    for key in _ERRORS:
        if metrics[key] <= 0:
            return f"{key} is {metrics[key]:g}, should be over 0"
    if not 0 <= metrics["ssim"] <= 1:  # it may be negative, a trained denoiser's is not
        return f"ssim is {metrics['ssim']:g}, should be 0 .. 1"
    if metrics["mse_clipped"] > metrics["mse"] * (1 + ROUNDING):  # clean pixels lie in [0, 1]
        return f"mse_clipped is {metrics['mse_clipped']:.5f}, over mse {metrics['mse']:.5f}"
    low, high = metrics["mse_low"], metrics["mse_high"]
    if low > high:
        return f"its interval {low:.5f} .. {high:.5f} is turned round"
    if not low * (1 - ROUNDING) <= metrics["mse"] <= high * (1 + ROUNDING):
        return f"mse is {metrics['mse']:.5f}, outside its interval {low:.5f} .. {high:.5f}"
    return ""


def _worthless(metrics: Metrics) -> str:
    """Why the network is worth nothing."""
    if metrics["collapsed"]:
        return "collapsed"
    return collapse.collapsed(metrics["mse"], metrics["noisy_mse"], metrics["constant_mse"])


def _shown(value: object) -> str:
    """A value as a table repeats it: one line, not too long."""
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
