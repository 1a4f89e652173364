"""Pages of a stack that are done, kept beside the result until it is whole.

So a stack that was interrupted goes on, too. Their names are hidden.
"""

import hashlib
import shutil
from pathlib import Path

import numpy as np

from denoising.files import atomic


class KeptPages:
    """Denoised pages of one file.

    Parameters
    ----------
    target : Path
        Of the file that they are for.
    key : str
        Of all that they depend on: pages of another key are thrown away.
    """

    def __init__(self, target: Path, key: str) -> None:
        self._all = target.parent / f".{target.name}.pages"
        self._folder = self._all / f".{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        if self._all.is_dir() and not self._folder.is_dir():
            shutil.rmtree(self._all)

    def get(self, page: int) -> np.ndarray | None:
        """A page (H, W, C), if it is there."""
        try:
            return np.load(self._file(page))
        except (OSError, ValueError, EOFError):
            return None

    def put(self, page: int, pixels: np.ndarray) -> None:
        """Keep a page."""
        with atomic(self._file(page)) as temporary, open(temporary, "wb") as file:
            np.save(file, pixels)

    def clear(self) -> None:
        """Throw all pages away, once the result is there."""
        shutil.rmtree(self._all, ignore_errors=True)

    def _file(self, page: int) -> Path:
        return self._folder / f".{page}.npy"
