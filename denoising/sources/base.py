"""What every source does.

One source per file of this folder: a section of params.yaml that is told apart by its `name`, and
knows how to get its images. The fetch stage stores them, so that no later stage knows where they
came from.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from denoising.data.store import Catalogue
from denoising.sections import Section

Log = Callable[[str], object]


class Source(Section):
    """A source of images."""

    # images that each split can have, where that is known before they are fetched
    available: ClassVar[Mapping[str, int]] = {}

    def scan(self, provided: Path, kept: Path, log: Log) -> Catalogue:
        """Find the images; their pixels are read when the catalogue's are.

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
