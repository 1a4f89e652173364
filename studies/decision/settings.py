"""The study's params.yaml: every section of it, typed and checked as a whole."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from denoising import sections
from denoising.data.splits import Split
from denoising.files import InputError
from denoising.sections import ImageCount, Key, Section, shortened
from denoising.training.fit import Optimizer, Work

FOLDER = Path("studies/decision")
FILE = FOLDER / "params.yaml"
COSTS = FOLDER / "costs.json"

HAVE = {  # in the order of the table
    "clean": "clean images, and the noise is known",
    "pairs": "pairs of a noisy and a clean image",
    "shots": "two noisy shots of each scene",
    "noisy": "many noisy images",
    "one": "one noisy image",
    "nothing": "nothing to train with",
    "untouched": "for comparison: the noisy images, untouched",
}
Have = Literal["clean", "pairs", "shots", "noisy", "one", "nothing", "untouched"]
Share = Annotated[float, Field(gt=0, le=1)]


class Images(Section):
    """A set of images, their noise, and how much is learned from them."""

    source: dict[str, Any]
    split: Split | None = None
    noise: dict[str, Any]
    train_images: ImageCount
    validation_images: ImageCount
    test_images: ImageCount
    patch: int = Field(ge=8, le=4096)
    patches: ImageCount
    work: Work
    networks: dict[Key, dict[str, Any]]


class Cell(Section):
    """What you have, and of which images."""

    have: Have
    images: Key


class Settings(Section):
    """The whole file."""

    budget: str
    precision: Literal["auto", "float32", "bfloat16"]
    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=2)
    budgets: dict[Key, Share]
    images: dict[Key, Images]
    optimizer: Optimizer
    filters: dict[Literal["one", "nothing", "untouched"], list[dict[str, Any]]]
    cells: dict[Key, Cell]
    missing: dict[Key, str]

    @model_validator(mode="after")
    def _names_are_there(self) -> "Settings":
        _among("budget", self.budget, self.budgets)
        for name, cell in self.cells.items():
            _among(f"cells.{name}.images", cell.images, self.images)
        return self

    @property
    def share(self) -> float:
        """Of all amounts, by the budget."""
        return self.budgets[self.budget]

    def amount(self, count: int) -> int:
        """So many, by the budget."""
        return max(1, round(self.share * count))

    def changed(self, images: str, **values: Any) -> "Settings":
        """The same, with other values of a set of images."""
        found = self.images[images].model_copy(update=values)
        return self.model_copy(update={"images": self.images | {images: found}})

    def cell(self, name: str) -> tuple[Cell, Images]:
        """A cell, and the set of its images."""
        if name not in self.cells:
            allowed = ", ".join(self.cells)
            raise InputError(f"cells has no row {shortened(name)}: should be one of {allowed}")
        found = self.cells[name]
        return found, self.images[found.images]


def _among(key: str, name: str, there: dict[str, Any]) -> None:
    if name not in there:
        raise ValueError(f"{key} = {shortened(name)}: should be one of {', '.join(there)}")


def chosen_file(cell: str) -> Path:
    """Where it is kept what is done in a cell."""
    return FOLDER / "chosen" / f"{cell}.json"


def measured_file(cell: str) -> Path:
    """Where the errors of a cell are kept."""
    return FOLDER / "measured" / f"{cell}.json"


def validate(content: dict[str, Any]) -> Settings:
    """The whole file, typed. Raises InputError, one line, if anything in it is wrong."""
    return sections.validate(Settings, content, str(FILE))
