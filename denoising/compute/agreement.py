"""What machines that share the work on one pipeline decide alike, by whoever comes first.

A machine decides by itself what "auto" becomes. Where the environment names a folder, it proposes
there what it would decide, and takes what is answered, which holds for all. `cluster` answers.
"""

import dataclasses
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from denoising.files import InputError, read_json, write_json

FOLDER = "DENOISING_AGREEMENT"
PROPOSAL, ANSWER = ".proposal", ".answer"  # files of JSON: what, value; and by whom
_PATIENCE, _PAUSE = 300.0, 0.02  # seconds


@dataclasses.dataclass(frozen=True)
class Answer:
    """What holds.

    Attributes
    ----------
    value : any
        What JSON can hold.
    by : str
        Who was first; "" if there is nobody else.
    """

    value: Any
    by: str = ""


def agreed(what: str, decide: Callable[[], Any]) -> Answer:
    """Decide, or take what others have decided.

    Parameters
    ----------
    what : str
    decide : callable
        Returns what this machine would. It is not asked where an answer is there already.

    Raises
    ------
    InputError
        If nobody answers for five minutes.
    """
    folder = os.environ.get(FOLDER)
    if not folder:
        return Answer(decide())
    place = Path(folder, hashlib.sha256(what.encode()).hexdigest()[:16])
    answer = place.with_suffix(ANSWER)
    if not answer.exists():
        write_json(place.with_suffix(PROPOSAL), {"what": what, "value": decide()})
        until = time.monotonic() + _PATIENCE
        while not answer.exists():
            if time.monotonic() > until:
                raise InputError(f"{folder}: nobody answers what holds for {what}")
            time.sleep(_PAUSE)
    found = read_json(answer, "value", "by")
    return Answer(found["value"], found["by"])
