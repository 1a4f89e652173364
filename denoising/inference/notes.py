"""What is to be said of many files: each kind a few times with a file's name, then counted."""

import collections
from collections.abc import Callable
from pathlib import Path

from denoising.formats.base import shown

NAMED = 5  # files that a warning names


class Notes:
    """Lines about files, which come one after the other: of each, a kind is said once.

    Parameters
    ----------
    say : callable
        Takes a line.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self.say = say
        self._files: collections.Counter[tuple[str, str, int]] = collections.Counter()
        self._latest: dict[tuple[str, str, int], Path] = {}

    def note(self, kind: str, file: Path, text: str) -> None:
        """Say once, of the first file, what holds for all of a kind."""
        self._add("note", kind, 1, file, text)

    def warn(self, kind: str, file: Path, text: str) -> None:
        """Say what should not go unseen: of the first few files."""
        self._add("warning", kind, NAMED, file, text)

    def _add(self, word: str, kind: str, most: int, file: Path, text: str) -> None:
        key = (word, kind, most)
        if self._latest.get(key) == file:
            return
        self._latest[key] = file
        self._files[key] += 1
        if self._files[key] <= most:
            self.say(f"{word}: {shown(file)}: {text}")

    def end(self) -> None:
        """Say how many more files there were of each kind."""
        for (word, kind, most), files in self._files.items():
            if files > most:
                self.say(f"{word}: {kind}: {files - most} more files")
