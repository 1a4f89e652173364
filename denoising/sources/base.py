"""What every source does.

One source per file of this folder: a section of params.yaml that is told apart by its `name`, and
knows how to get its images. The fetch stage keeps them as arrays, so that no later stage knows
where they came from.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from denoising.sections import Section


class Images(NamedTuple):
    """The clean images of a source.

    Attributes
    ----------
    train, test : ndarray (N, H, W, C) uint8
        The source's own two sets.
    held_out : int
        How many of the training images are for validation alone; they are the last ones, unless a
        dataset shuffles them.
    """

    train: np.ndarray
    test: np.ndarray
    held_out: int


class Source(Section):
    """A source of images."""

    # images that each split can have, where that is known before they are fetched
    available: ClassVar[Mapping[str, int]] = {}

    def fetch(self, provided: Path, kept: Path, log: Callable[[str], object]) -> Images:
        """Get the images.

        Parameters
        ----------
        provided : Path
            Folder that a user may have put the source's files into.
        kept : Path
            Folder in which downloads are kept, and looked for before anything is downloaded.
        log : callable
            Takes one line.

        Raises
        ------
        InputError
            If they are not available; the message says what was tried and what to do by hand.
        """
        raise NotImplementedError
