"""What can be advised: methods with a network that suits them, and filters, in no order."""

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
    """

    name: str
    section: dict[str, Any]
    network: str
    assumes: tuple[Assumption, ...]


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
_FILTERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("calibrated_nlm", {"name": "calibrated", "filter": "nlm"}),
    ("calibrated_wavelet", {"name": "calibrated", "filter": "wavelet"}),
    ("zs_n2n", {"name": "zs_n2n", "steps": 2000}),
    ("median", {"name": "median", "size": 3}),
    ("gaussian", {"name": "gaussian", "sigma": 1.0}),
    ("noisy", {"name": "identity"}),
)


def candidates() -> list[Candidate]:
    """All of them."""
    found = []
    for name, network, options in _METHODS:
        assumes = kind("methods", name).assumes  # type: ignore[attr-defined]
        found.append(Candidate(name, {"name": name, **options}, network, assumes))
    for name, section in _FILTERS:
        found.append(Candidate(name, section, "", filters.read(section, "filters").assumes))
    return found
