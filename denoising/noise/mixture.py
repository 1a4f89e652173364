"""Several noises, one after another."""

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, field_validator

from denoising.files import InputError
from denoising.noise.base import Noise
from denoising.sections import read_kind


class Mixture(Noise):
    """The noises of `parts`, each on top of what the one before made."""

    name: Literal["mixture"]
    parts: list[dict[str, Any]] = Field(min_length=2, max_length=8)

    invertible: ClassVar[bool] = False
    has_variance: ClassVar[bool] = False
    has_likelihood: ClassVar[bool] = False

    @field_validator("parts")
    @classmethod
    def _each_is_a_noise(cls, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for number, part in enumerate(parts):
            try:
                noise = read_kind("noise", part, f"part {number + 1}")
            except InputError as error:
                raise ValueError(str(error)) from None
            if not noise.is_model or part["name"] == "mixture":
                raise ValueError(f"part {number + 1}: {part['name']} cannot be drawn on another")
        return parts

    def corrupt(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        noisy = clean
        for part in self._noises():
            noisy = part.corrupt(noisy, rng)
        return noisy

    def mean(self, clean: ArrayLike) -> np.ndarray:
        """That of the parts, one after another: exact where all but the first are linear."""
        mean = np.asarray(clean, dtype=float)
        for part in self._noises():
            mean = part.mean(np.clip(mean, 0, 1))
        return mean

    def _noises(self) -> list[Noise]:
        return [read_kind("noise", part, "part") for part in self.parts]
