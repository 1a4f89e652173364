"""Typed, validated view of studies/clipping/params.yaml."""

from pathlib import Path

from pydantic import Field, model_validator

from denoising.noise.models import Noise
from stages import schema as params
from stages.schema import Count, Key, Positive, Section

FOLDER = Path("studies/clipping")
FILE = FOLDER / "params.yaml"


class _Experiment(Section):
    seeds: Count
    share: float = Field(gt=0, le=1)


class Remedies(_Experiment):
    pass


class Targets(_Experiment):
    huber_delta: Positive


class Sigmas(_Experiment):
    values: list[Positive] = Field(min_length=1)


class Squeezed(_Experiment):
    factor: float = Field(ge=1, le=100)


class Natural(_Experiment):
    pass


class Noises(_Experiment):
    models: dict[Key, Noise]


class Experiments(Section):
    remedies: Remedies
    targets: Targets
    sigmas: Sigmas
    squeezed: Squeezed
    natural: Natural
    noises: Noises


class Settings(Section):
    budget: str
    precision: str = Field(pattern="^(auto|float32|bfloat16)$")
    convolution: str = Field(pattern="^(auto|direct|fft)$")
    budgets: dict[Key, params.Budget]
    win5rb: params.Win5RB
    optimizer: params.Optimizer
    sigma: Positive
    experiments: Experiments
    bootstrap_resamples: int = Field(ge=100, le=1_000_000)

    @model_validator(mode="after")
    def _names_refer_to_something(self):
        if self.budget not in self.budgets:
            raise ValueError(
                f"budget = {self.budget!r}: should be one of {', '.join(self.budgets)}"
            )
        return self

    def amount(self, experiment):
        """How much work the chosen budget is for an experiment."""
        budget, share = self.budgets[self.budget], getattr(self.experiments, experiment).share
        return budget.model_copy(
            update={"train_images": max(1, round(budget.train_images * share))}
        )


def load():
    return params.load(FILE, Settings)
