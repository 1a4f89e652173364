"""What a network was trained on, as its provenance says, and whether an image is like that.

The train stage writes the provenance of `models/NAME.keras` into `models/NAME.json`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from denoising.files import PathLike, read_json
from denoising.sections import Section, validate

KEY = "images"  # of the provenance
FACTOR = 1.5  # between noise levels that are alike
SLACK = 0.1  # of the range that was seen in training, by which values may go beyond it

Finite = Annotated[float, Field(allow_inf_nan=False)]


class TrainingImages(Section):
    """The noisy images that a network was trained on; keys that are not known here are left alone.

    Attributes
    ----------
    dtype : str
        Of their files, such as "uint16".
    black, white : float
        The values in them that mean 0 and 1.
    channels : int
    noise_sigma : float or None
        As `denoising.noise.estimate` finds it, on the scale [0, 1].
    range : list of float
        The least and the greatest pixel value, on the scale [0, 1].
    """

    model_config = ConfigDict(extra="ignore")

    dtype: str
    black: Finite
    white: Finite
    channels: Literal[1, 3]
    noise_sigma: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    range: Annotated[list[Finite], Field(min_length=2, max_length=2)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.white <= self.black:
            raise ValueError(f"white = {self.white:g}: should be greater than black")
        if self.range[1] < self.range[0]:
            raise ValueError(f"range = {self.range}: should be the least and the greatest value")
        return self


def of_model(model_file: PathLike) -> TrainingImages | None:
    """What the file beside a model file says of its training images; None: nothing.

    Raises
    ------
    InputError
        If that file is damaged.
    """
    file = Path(model_file).with_suffix(".json")
    if not file.is_file():
        return None
    content = read_json(file)
    if KEY not in content:
        return None
    return validate(TrainingImages, content[KEY], f"{file}: {KEY}")


def unlike_noise(trained: TrainingImages, sigma: float) -> Iterator[str]:
    """What is to be said of an image with noise of this level, if it is not like in training."""
    if trained.noise_sigma is None:
        return
    found, known = f"noise of about {sigma:.2g} of white", f"{trained.noise_sigma:.2g}"
    if sigma > FACTOR * trained.noise_sigma:
        yield f"{found}, in the training images {known}: noise will remain"
    elif sigma * FACTOR < trained.noise_sigma:
        yield f"{found}, in the training images {known}: details will be lost"


def unlike_range(trained: TrainingImages, low: float, high: float) -> Iterator[str]:
    """What is to be said of an image with values from `low` to `high`, on the scale [0, 1]."""
    least, most = trained.range
    slack = SLACK * (most - least)
    if low < least - slack or high > most + slack:
        yield (
            f"values from {low:.3g} to {high:.3g} of white, in the training images from "
            f"{least:.3g} to {most:.3g}"
        )
