"""The study's params.yaml: every section of it, typed and checked as a whole."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from denoising import sections
from denoising.data.splits import Split
from denoising.files import InputError
from denoising.sections import ImageCount, Key, Positive, Section, shortened
from denoising.training.fit import Optimizer, Work

FOLDER = Path("studies/advice")
FILE = FOLDER / "params.yaml"

Side = int  # pixels


class Budget(Work):
    """How much work to do."""

    share: float = Field(gt=0, le=1)
    patches: ImageCount


class Images(Section):
    """A set of images."""

    source: dict[str, Any]
    split: Split | None = None
    train_images: ImageCount
    test_images: ImageCount
    patch: Side = Field(ge=8, le=4096)
    crop: Side = Field(ge=8, le=4096)


class Case(Section):
    """Images, and their noise."""

    images: Key
    noise: dict[str, Any]


class Settings(Section):
    """The whole file."""

    budget: str
    precision: Literal["auto", "float32", "bfloat16"]
    budgets: dict[Key, Budget]
    images: dict[Key, Images]
    networks: dict[Key, dict[str, Any]]
    optimizer: Optimizer
    near: Positive
    bootstrap_resamples: int = Field(ge=100, le=1_000_000)
    cases: dict[Key, Case]

    @model_validator(mode="after")
    def _names_are_there(self) -> "Settings":
        _among("budget", self.budget, self.budgets)
        for name, case in self.cases.items():
            _among(f"cases.{name}.images", case.images, self.images)
        return self

    @property
    def work(self) -> Budget:
        """How much work the chosen budget is."""
        return self.budgets[self.budget]

    def case(self, name: str) -> tuple[Case, Images]:
        """A case, and the set of its images."""
        if name not in self.cases:
            allowed = ", ".join(self.cases)
            raise InputError(f"cases has no row {shortened(name)}: should be one of {allowed}")
        found = self.cases[name]
        return found, self.images[found.images]


def _among(key: str, name: str, there: dict[str, Any]) -> None:
    if name not in there:
        raise ValueError(f"{key} = {shortened(name)}: should be one of {', '.join(there)}")


def advised_file(case: str) -> Path:
    """Where the advice for a case is kept."""
    return FOLDER / "advised" / f"{case}.json"


def measured_file(case: str) -> Path:
    """Where the errors of a case are kept."""
    return FOLDER / "measured" / f"{case}.json"


def validate(content: dict[str, Any]) -> Settings:
    """The whole file, typed. Raises InputError, one line, if anything in it is wrong."""
    return sections.validate(Settings, content, str(FILE))
