"""Where a training keeps its state between epochs, and what that state depends on.

A run has a folder of its own. Its checkpoint is named by the digest of code, data and settings, so
that a training goes on only from what it would have come to itself. The machine is a note inside.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from denoising.files import InputError, read_arrays, write_arrays

_PACKAGE = Path(__file__).parents[1]

# What a training is made of, beside the files of its network and method; relative to the package.
# The train stage depends on the same in dvc.yaml, which a test checks. The noise model's file is no
# part of it: where a training draws noise, noise.json, which is data, has the digest of that code.
CODE = (
    "compute",
    "data",
    "files.py",
    "methods/base.py",
    "methods/losses.py",
    "networks/base.py",
    "noise/base.py",
    "sections.py",
    "training",
)


class State(NamedTuple):
    """All that the next epoch depends on.

    Attributes
    ----------
    values : list of ndarray
        Of the model's and the optimizer's variables, in their order.
    curve : list of dict
        The learning curve so far.
    seconds : float
        Spent so far.
    machine : str
        That computed it.
    """

    values: Sequence[np.ndarray]
    curve: list[dict[str, Any]]
    seconds: float
    machine: str


class Store(Protocol):
    """What `denoising.training.fit.fit` asks of a checkpoint store."""

    def load(self, count: int) -> State | None:
        """The last state of a model with so many variables; None where there is none."""

    def save(self, state: State) -> None:
        """Keep a state instead of the one before."""


class Checkpoints:
    """The checkpoint of one training, in the folder of its run.

    Parameters
    ----------
    folder : Path
        Of this run alone. What other settings left there is removed by `save`.
    key : str
        See `digest`.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.path = folder, folder / f"{key}.npz"

    def load(self, count: int) -> State | None:
        """See `Store.load`. A damaged file counts as none: writes are atomic, the disk is not."""
        if not self.path.exists():
            return None
        names = [f"variable{index}" for index in range(count)]
        try:
            history, *values = read_arrays(self.path, "history", *names)
        except InputError:
            return None
        return State(values, **json.loads(str(history)))

    def save(self, state: State) -> None:
        """See `Store.save`."""
        arrays = {f"variable{index}": value for index, value in enumerate(state.values)}
        history = {key: value for key, value in state._asdict().items() if key != "values"}
        write_arrays(self.path, history=np.array(json.dumps(history)), **arrays)
        for other in self.folder.iterdir():
            if other != self.path:
                other.unlink()

    def clear(self) -> None:
        """Forget the training."""
        self.path.unlink(missing_ok=True)


class ReadOnly:
    """Another's, which goes on alike.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.load = store.load

    def save(self, state: State) -> None:
        """Nothing: the other does."""


class Nowhere:
    """Keeps nothing, for trainings that need not survive a kill."""

    def load(self, count: int) -> State | None:
        """None."""

    def save(self, state: State) -> None:
        """Nothing."""


def digest(
    settings: Mapping[str, Any],
    code: Iterable[Path],
    data: Mapping[str, str],
    versions: Mapping[str, str],
) -> str:
    """What a checkpoint depends on, as one name.

    Parameters
    ----------
    settings : mapping
        All that the training was asked for; JSON.
    code : iterable of Path
        Files, and folders of files; see `code_of`.
    data : mapping of str to str
        Digest of each data file, by name.
    versions : mapping of str to str
        Of the packages that compute, whose code is code too.
    """
    content = [settings, _contents(code), dict(data), dict(versions)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def code_of(network: str, method: str) -> list[Path]:
    """The code of a training with a network and a method."""
    names = [*CODE, f"networks/{network}.py", f"methods/{method}.py"]
    return [_PACKAGE / name for name in names]


def _contents(code: Iterable[Path]) -> dict[str, str]:
    files = {
        file for path in code for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
    }
    return {
        str(file.relative_to(_PACKAGE)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(files)
    }
