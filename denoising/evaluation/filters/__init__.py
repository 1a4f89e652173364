"""Filters: nothing is trained in advance. The article's traditional ones, and for any image.

Each is a section that is told apart by its `name`, and takes images (N, H, W, C) float32, pixel
values on the scale [0, 1], which noise may have moved outside. What it takes for granted of images
and noise is its `assumes`, a tuple of `denoising.methods.base.Assumption`.
"""

from typing import Annotated, Any

from pydantic import Field

from denoising.evaluation.filters.chain import Chain, Single
from denoising.sections import Section, validate

Filter = Annotated[Single | Chain, Field(discriminator="name")]


class Row(Section):
    """What holds a filter."""

    filter: Filter


def read(section: Any, path: str) -> Filter:
    """A validated filter.

    Parameters
    ----------
    section : mapping
        With the key `name`.
    path : str
        Where it stands, for errors.

    Raises
    ------
    InputError
        One line: the key, its value and what is allowed.
    """
    return validate(Row, {"filter": section}, path).filter
