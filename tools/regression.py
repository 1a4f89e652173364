"""Has a denoiser become worse? Its mean squared error now, beside that of an earlier result.

Training again with another seed, or on another kind of processor, changes an error a little. What counts as worse is a
change beyond a tolerance, which is derived from measured changes of that kind.
"""

import dataclasses
import math

FAILING = ("worse", "broken")


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What was found of one run. None where there is nothing to say.

    Attributes
    ----------
    run : str
    verdict : {"same", "better", "worse", "accepted", "new", "not comparable", "broken"}
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
    verdict: str
    reason: str = ""
    base: float | None = None
    now: float | None = None
    interval: tuple | None = None
    allowed: float | None = None

    @property
    def change(self):
        """Relative to the base."""
        return None if self.base is None or self.now is None else self.now / self.base - 1

    @property
    def fails(self):
        return self.verdict in FAILING


def judge(run, now, base, tolerance, accepted=None, difference=""):
    """Compare one run's metrics with those of a base.

    Parameters
    ----------
    run : str
    now, base : dict or None
        As `denoising.evaluation.evaluate` gives them (of a base, `mse` and `test_digest` are enough); None: there are none.
    tolerance : float
        Largest relative increase of the MSE that passes.
    accepted : tuple (float, str), optional
        An MSE that passes although it is worse, and the reason.
    difference : str
        What makes the two not comparable, such as another budget.

    Returns
    -------
    Judgement
    """
    if problem := broken(now):
        return Judgement(run, "broken", problem)
    found = {"now": now["mse"], "interval": (now["mse_low"], now["mse_high"])}
    if base is None:
        return Judgement(run, "not comparable" if difference else "new", difference, **found)
    if not _is_number(base["mse"]) or base["mse"] <= 0:
        return Judgement(run, "not comparable", f"MSE {base['mse']} in the base", **found)
    found["base"] = base["mse"]
    if base["test_digest"] != now["test_digest"]:
        difference = f"other test data ({base['test_digest']}, now {now['test_digest']})"
    if difference:
        return Judgement(run, "not comparable", difference, **found)
    found["allowed"] = base["mse"] * (1 + tolerance)
    if now["mse"] <= found["allowed"]:
        return Judgement(
            run, "better" if now["mse"] * (1 + tolerance) < base["mse"] else "same", **found
        )
    if accepted is None:
        return Judgement(run, "worse", **found)
    value, reason = accepted
    found["allowed"] = value * (1 + tolerance)
    if now["mse"] <= found["allowed"]:
        return Judgement(run, "accepted", reason, **found)
    return Judgement(run, "worse", f"than the accepted {value:g} too", **found)


def broken(metrics):
    """What is wrong with a run's metrics, whatever they are compared with; "" if nothing."""
    if metrics is None:
        return "no metrics"
    numbers = ("mse", "mse_low", "mse_high", "noisy_mse", "constant_mse")
    if missing := [key for key in (*numbers, "test_digest", "collapsed") if key not in metrics]:
        return f"{missing[0]} is missing"
    for key, value in metrics.items():
        if value is None or (
            (key in numbers or isinstance(value, float)) and not _is_number(value)
        ):
            return f"{key} is {value}"
    if metrics["collapsed"]:
        return "collapsed"
    for key, name in (("noisy_mse", "its noisy input"), ("constant_mse", "a constant image")):
        if metrics["mse"] >= metrics[key]:
            return f"no better than {name} ({metrics[key]:.5f})"
    return ""


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
