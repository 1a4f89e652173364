"""What is trained: every experiment is a few rows, and every row one training for each seed."""

from typing import NamedTuple

from denoising.noise.models import Gaussian, Noise


class Row(NamedTuple):
    images: str  # digits | squeezed | natural
    noise: Noise  # of the inputs
    target: Noise | None = None  # noise of the targets; None: clean
    loss: str = "mse"


def rows(name, settings):
    """The rows of an experiment by name.

    Parameters
    ----------
    name : str
        A key of `experiments` in params.yaml.
    settings : studies.clipping.settings.Settings
    """
    return _EXPERIMENTS[name](settings, getattr(settings.experiments, name))


def _gaussian(sigma, clip=True):
    return Gaussian(name="gaussian", sigma=float(sigma), clip=clip)


def _remedies(settings, _):
    clipped, unclipped = _gaussian(settings.sigma), _gaussian(settings.sigma, clip=False)
    return {
        "clean": Row("digits", clipped),
        "clipped_to_clipped": Row("digits", clipped, clipped),
        "clipped_to_unclipped": Row("digits", clipped, unclipped),
        "tobit": Row("digits", clipped, clipped, "tobit"),
        "mae": Row("digits", clipped, clipped, "mae"),
    }


def _targets(settings, _):
    clipped, unclipped = _gaussian(settings.sigma), _gaussian(settings.sigma, clip=False)
    return {
        "clean_unclipped_input": Row("digits", unclipped),
        "unclipped_to_clipped": Row("digits", unclipped, clipped),
        "unclipped_to_unclipped": Row("digits", unclipped, unclipped),
        "huber": Row("digits", clipped, clipped, "huber"),
        "annealed_l0": Row("digits", clipped, clipped, "annealed_l0"),
    }


def _sigmas(_, experiment):
    found = {}
    for sigma in experiment.values:
        noise = _gaussian(sigma)
        found |= {
            f"clean_{sigma:g}": Row("digits", noise),
            f"noisy_{sigma:g}": Row("digits", noise, noise),
        }
    return found


def _squeezed(settings, experiment):
    noise = _gaussian(settings.sigma / experiment.factor)
    return {"clean": Row("squeezed", noise), "noisy": Row("squeezed", noise, noise)}


def _natural(settings, _):
    noise = _gaussian(settings.sigma)
    return {
        "clean": Row("natural", noise),
        "noisy": Row("natural", noise, noise),
        "unclipped": Row("natural", noise, _gaussian(settings.sigma, clip=False)),
    }


def _noises(_, experiment):
    found = {}
    for name, noise in experiment.models.items():
        found[f"{name}_clean"] = Row("digits", noise)
        found |= {
            f"{name}_{loss}": Row("digits", noise, noise, loss)
            for loss in ("mse", "mae", "annealed_l0")
        }
    return found


_EXPERIMENTS = {
    "remedies": _remedies,
    "targets": _targets,
    "sigmas": _sigmas,
    "squeezed": _squeezed,
    "natural": _natural,
    "noises": _noises,
}
