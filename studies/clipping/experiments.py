"""What is trained: every experiment is a few rows, and every row one training for each seed."""

from typing import Any, Literal, NamedTuple

from denoising.noise.base import Noise
from denoising.noise.gaussian import Gaussian
from studies.clipping.settings import LowContrast, Noises, Settings, Sigmas


class Row(NamedTuple):
    """One training of an experiment.

    Attributes
    ----------
    images : {"digits", "low_contrast", "natural"}
    noise : Noise
        Of the inputs.
    target : Noise, optional
        Of the targets; None: clean targets.
    loss : str
        Name of a loss of `denoising.methods.losses`.
    """

    images: Literal["digits", "low_contrast", "natural"]
    noise: Noise
    target: Noise | None = None
    loss: str = "mse"


def rows(name: str, settings: Settings) -> dict[str, Row]:
    """The rows of an experiment by name; `name` is a key of `experiments` in params.yaml."""
    return _EXPERIMENTS[name](settings, getattr(settings.experiments, name))


def _gaussian(sigma: float, clip: bool = True) -> Gaussian:
    return Gaussian(name="gaussian", sigma=float(sigma), clip=clip)


def _remedies(settings: Settings, _: Any) -> dict[str, Row]:
    clipped, unclipped = _gaussian(settings.sigma), _gaussian(settings.sigma, clip=False)
    return {
        "clean": Row("digits", clipped),
        "clipped_to_clipped": Row("digits", clipped, clipped),
        "clipped_to_unclipped": Row("digits", clipped, unclipped),
        "tobit": Row("digits", clipped, clipped, "tobit"),
        "mae": Row("digits", clipped, clipped, "mae"),
    }


def _targets(settings: Settings, _: Any) -> dict[str, Row]:
    clipped, unclipped = _gaussian(settings.sigma), _gaussian(settings.sigma, clip=False)
    return {
        "clean_unclipped_input": Row("digits", unclipped),
        "unclipped_to_clipped": Row("digits", unclipped, clipped),
        "unclipped_to_unclipped": Row("digits", unclipped, unclipped),
        "huber": Row("digits", clipped, clipped, "huber"),
        "annealed_l0": Row("digits", clipped, clipped, "annealed_l0"),
    }


def _sigmas(_: Settings, experiment: Sigmas) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for sigma in experiment.values:
        noise = _gaussian(sigma)
        found |= {
            f"clean_{sigma:g}": Row("digits", noise),
            f"noisy_{sigma:g}": Row("digits", noise, noise),
        }
    return found


def _low_contrast(settings: Settings, experiment: LowContrast) -> dict[str, Row]:
    noise = _gaussian(settings.sigma / experiment.factor)
    return {"clean": Row("low_contrast", noise), "noisy": Row("low_contrast", noise, noise)}


def _natural(settings: Settings, _: Any) -> dict[str, Row]:
    noise = _gaussian(settings.sigma)
    return {
        "clean": Row("natural", noise),
        "noisy": Row("natural", noise, noise),
        "unclipped": Row("natural", noise, _gaussian(settings.sigma, clip=False)),
    }


def _noises(_: Settings, experiment: Noises) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for name, noise in experiment.models.items():
        found[f"{name}_clean"] = Row("digits", noise)
        found |= {
            f"{name}_{loss}": Row("digits", noise, noise, loss)
            for loss in ("mse", "mae", "annealed_l0")
        }
    return found


_EXPERIMENTS: dict[str, Any] = {
    "remedies": _remedies,
    "targets": _targets,
    "sigmas": _sigmas,
    "low_contrast": _low_contrast,
    "natural": _natural,
    "noises": _noises,
}
