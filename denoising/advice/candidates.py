"""What can be advised: methods with a network that suits them, and filters, in no order.

What learns or takes a mean is there twice: as it is, and corrected by the inverse of what the noise
does to means (Foi 2009), for noise that moves them.
"""

from typing import Any, NamedTuple

from denoising.evaluation import filters
from denoising.methods.base import Assumption
from denoising.sections import kind


class Candidate(NamedTuple):
    """A method or a filter, with the section that asks for it.

    Attributes
    ----------
    name : str
        Of its row.
    section : dict
        Of the run's method, or the filter's.
    network : str
        "": a filter.
    assumes : tuple of Assumption
    corrected : bool
        Are its predictions taken back through the mean of the noise?
    mends : bool
        Does it begin with putting something in place of black and white pixels?
    """

    name: str
    section: dict[str, Any]
    network: str
    assumes: tuple[Assumption, ...]
    corrected: bool = False
    mends: bool = False

    @property
    def uncorrected(self) -> str:
        """The name of what is corrected; its own, where nothing is."""
        return self.name.removesuffix(CORRECTED) if self.corrected else self.name


_METHODS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("supervised", "unet", {"loss": {"name": "mse"}}),
    ("noise2noise", "unet", {"both_directions": True, "loss": {"name": "mse"}}),
    ("sure", "unet", {"step": 0.2}),
    ("recorrupted", "unet", {"alpha": 0.5, "draws": 4}),
    ("neighbor2neighbor", "unet", {"gamma": 2.0}),
    ("blind_spot", "blind_spot", {}),
    ("unsure", "unet", {"step": 0.02}),
    ("noise2void", "unet", {"masked": 0.015, "replacement": "median"}),
)
CALIBRATED: dict[str, Any] = {"name": "calibrated", "filter": "any"}
_DECISION = {"name": "switching_median", "size": 3, "threshold": 0.02, "only_ends": True}
_FILTERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("calibrated", CALIBRATED),
    ("zs_n2n", {"name": "zs_n2n", "steps": 2000}),
    ("decision_median", _DECISION),
    (
        "switching_median",
        {"name": "switching_median", "size": 3, "threshold": 0.1, "only_ends": False},
    ),
    ("median", {"name": "median", "size": 3}),
    ("gaussian", {"name": "gaussian", "sigma": 1.0}),
    ("noisy", {"name": "identity"}),
)
# noise under replaced pixels: these have to go first, or a filter takes them for edges
_MENDED = Candidate(
    "mended_calibrated",
    {"name": "chain", "filters": [_DECISION, CALIBRATED]},
    "",
    (Assumption.INDEPENDENT, Assumption.KNOWN_NOISE),
    mends=True,
)

CORRECTED = "_corrected"
# which a correction of means would not mend
_SPOILED = {Assumption.GAUSSIAN, Assumption.KNOWN_VARIANCE}


def candidates() -> list[Candidate]:
    """All of them."""
    found = []
    for name, network, options in _METHODS:
        assumes = kind("methods", name).assumes  # type: ignore[attr-defined]
        found.append(Candidate(name, {"name": name, **options}, network, assumes))
    for name, section in _FILTERS:
        found.append(Candidate(name, section, "", filters.read(section, "filters").assumes))
    return [*found, _MENDED, *(_corrected(one) for one in found if _is_correctable(one))]


def _is_correctable(one: Candidate) -> bool:
    return Assumption.ZERO_MEAN in one.assumes and not _SPOILED & set(one.assumes)


def _corrected(one: Candidate) -> Candidate:
    """A candidate that presumes the noise to be known, instead of leaving means alone."""
    assumes = [name for name in one.assumes if name != Assumption.ZERO_MEAN]
    return one._replace(
        name=one.name + CORRECTED,
        assumes=(*assumes, Assumption.KNOWN_NOISE),
        corrected=True,
    )
