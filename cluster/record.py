"""What the nodes have agreed on, in a file: a run that was interrupted goes on with the same."""

import contextlib
from typing import Any

from cluster.agreement import Known
from cluster.progress import LOGS
from denoising.files import InputError, read_json, write_json

FILE = LOGS / "cluster-agreed.json"


class Record:
    """Of one run of a pipeline.

    Parameters
    ----------
    address : str
        Of the cluster.

    Attributes
    ----------
    known : dict
        What holds, and who found it, by what was asked.
    """

    def __init__(self, address: str) -> None:
        self._about: dict[str, Any] = {"cluster": address, "complete": False}
        self.known: Known = {}
        with contextlib.suppress(InputError):  # none yet
            before = read_json(FILE, *self._about, "agreed")
            if {key: before[key] for key in self._about} == self._about:
                self.known = before["agreed"]

    def add(self, known: Known) -> list[str]:
        """Keep what is new. Returns a line for each."""
        new = {what: known[what] for what in known.keys() - self.known.keys()}
        if new:
            self.known |= new
            self._write()
        return [
            f"{what}: {_shown(answer['value'])}, by {answer['by']}" for what, answer in new.items()
        ]

    def complete(self) -> None:
        """The next run decides anew."""
        self._about["complete"] = True
        self._write()

    def _write(self) -> None:
        write_json(FILE, self._about | {"agreed": self.known})


def _shown(value: Any) -> str:
    if isinstance(value, dict):  # seconds, by way
        return ", ".join(f"{way} {seconds * 1e3:.1f} ms" for way, seconds in value.items())
    return str(value)
