"""dvc.lock as text: the entry of each stage as DVC wrote it, in the order of the stages' names.

DVC appends a stage when it runs for the first time, so that a file which is made from nothing
differs from the one before in hundreds of lines.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple


class Lock(NamedTuple):
    """The parts of a dvc.lock.

    Attributes
    ----------
    head, tail : str
        What stands before the stages and after them.
    entries : mapping of str to str
        The lines of each stage, by its name.
    """

    head: str
    entries: Mapping[str, str]
    tail: str

    @property
    def text(self) -> str:
        """The whole file, sorted by name."""
        ordered = [self.entries[name] for name in sorted(self.entries)]
        return "".join([self.head, *ordered, self.tail])


def parse(text: str) -> Lock:
    """The parts of a file's text; `parse(text).text` is the file in order, every line kept."""
    found = re.search(r"^stages:\n((?: .*\n?|\n)*)", text, re.MULTILINE)
    if not found:
        return Lock(text, {}, "")
    start, end = found.span(1)
    entries = re.split(r"^(?=  \S)", text[start:end], flags=re.MULTILINE)
    if entries and not entries[0]:
        del entries[0]
    return Lock(text[:start], {_name(entry): entry for entry in entries}, text[end:])


def _name(entry: str) -> str:
    return entry.partition("\n")[0].strip().removesuffix(":").strip("'\"")
