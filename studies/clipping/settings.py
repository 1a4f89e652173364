"""The study's params.yaml: every section of it, typed and checked as a whole.

A noise model that joins the experiment `noises` is imported here, and one line in dvc.yaml.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from denoising import sections
from denoising.data.splits import Amount
from denoising.networks import win5rb
from denoising.noise.base import Sigma
from denoising.noise.gaussian import Gaussian
from denoising.noise.impulse import Impulse
from denoising.noise.poisson import Poisson
from denoising.noise.salt_and_pepper import SaltAndPepper
from denoising.noise.speckle import Speckle
from denoising.sections import Key, Positive, Section, shortened
from denoising.training.fit import Optimizer, Work

FOLDER = Path("studies/clipping")
FILE = FOLDER / "params.yaml"

AnyNoise = Annotated[
    Gaussian | Impulse | Poisson | SaltAndPepper | Speckle, Field(discriminator="name")
]


class Budget(Amount, Work):
    """How much work to do."""


class Experiment(Section):
    """What every experiment has."""

    seeds: int = Field(ge=1, le=1000)
    share: float = Field(gt=0, le=1)  # of the budget's training images


class Targets(Experiment):
    """Other clipping, other losses."""

    huber_delta: Positive


class Sigmas(Experiment):
    """Other noise levels."""

    values: list[Sigma] = Field(min_length=1)


class LowContrast(Experiment):
    """Digits in the middle of the range."""

    factor: float = Field(ge=1, le=100)


class Noises(Experiment):
    """Other kinds of noise."""

    models: dict[Key, AnyNoise]


class Experiments(Section):
    """All experiments; `studies.clipping.experiments` has their rows."""

    remedies: Experiment
    targets: Targets
    sigmas: Sigmas
    low_contrast: LowContrast
    natural: Experiment
    noises: Noises


class Settings(Section):
    """The whole file."""

    budget: str
    precision: Literal["auto", "float32", "bfloat16"]
    convolution: Literal["auto", "direct", "fft"]
    budgets: dict[Key, Budget]
    win5rb: win5rb.Network
    optimizer: Optimizer
    sigma: Sigma
    experiments: Experiments
    bootstrap_resamples: int = Field(ge=100, le=1_000_000)

    @model_validator(mode="after")
    def _budget_is_there(self) -> "Settings":
        if self.budget not in self.budgets:
            allowed = ", ".join(self.budgets)
            raise ValueError(f"budget = {shortened(self.budget)}: should be one of {allowed}")
        return self

    def amount(self, experiment: str) -> Budget:
        """How much work the chosen budget is for an experiment."""
        budget, share = self.budgets[self.budget], getattr(self.experiments, experiment).share
        images = max(1, round(budget.train_images * share))
        return budget.model_copy(update={"train_images": images})


def validate(content: dict[str, Any]) -> Settings:
    """The whole file, typed. Raises InputError, one line, if anything in it is wrong."""
    return sections.validate(Settings, content, str(FILE))
