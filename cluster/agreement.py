"""What the nodes of one run decide alike: see `denoising.compute.agreement`, which asks.

A stage leaves its proposals in a folder of its attempt, the attempt's worker takes them to the one
actor that all share, and lays the answer beside. Sent to the nodes by value, as `cluster.task` is.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cluster.watching import repeatedly

# as in denoising.compute.agreement, which a node does not have
FOLDER, PROPOSAL, ANSWER = "DENOISING_AGREEMENT", ".proposal", ".answer"
EVERY = 0.05  # seconds, between looks

Settle = Callable[[str, Any], dict[str, Any]]
Known = dict[str, dict[str, Any]]  # value and by, by what was asked


class Board:
    """Who is first decides for all."""

    def __init__(self, known: Known) -> None:
        self._known = dict(known)

    def settle(self, what: str, value: Any, by: str) -> dict[str, Any]:
        """What holds, if this is proposed."""
        return self._known.setdefault(what, {"value": value, "by": by})

    def known(self) -> Known:
        """All that was settled."""
        return self._known


@contextlib.contextmanager
def answered(folder: Path, settle: Settle, given: Known) -> Iterator[None]:
    """Answer what is proposed in a folder.

    Parameters
    ----------
    folder : Path
    settle : callable
        Takes a proposal, and returns what holds.
    given : dict
        What holds for this attempt without asking.
    """
    folder.mkdir(exist_ok=True)
    for what, answer in given.items():
        place = folder / hashlib.sha256(what.encode()).hexdigest()[:16]
        _write(place.with_suffix(ANSWER), answer)

    def answer_all() -> None:
        for proposal in folder.glob(f"[!.]*{PROPOSAL}"):
            found = json.loads(proposal.read_text())
            proposal.unlink()
            _write(proposal.with_suffix(ANSWER), settle(found["what"], found["value"]))

    with repeatedly(answer_all, EVERY):
        yield


def _write(path: Path, answer: dict[str, Any]) -> None:
    """As a whole."""
    part = path.with_name(f".{path.name}")
    part.write_text(json.dumps(answer))
    part.replace(path)
