"""Results that are kept, so that a study that was killed goes on where it was."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from denoising.files import read_json, sha256, write_json
from denoising.training.checkpoints import digest

HERE = Path(__file__).parent


def key(
    asked: Mapping[str, Any],
    code: Iterable[Path],
    modules: Iterable[str],
    pixels: Iterable[np.ndarray],
) -> str:
    """Everything that a result depends on, as one name.

    Parameters
    ----------
    asked : mapping
        What it was asked for; JSON.
    code : iterable of Path
        Files and folders of the library.
    modules : iterable of str
        Files of studies.
    pixels : iterable of ndarray
        All images.
    """
    from denoising.compute import backend

    found = hashlib.sha256()
    for one in pixels:
        found.update(np.ascontiguousarray(one).data)
    data = {str(Path(file).relative_to(HERE)): sha256(file) for file in modules}
    data["pixels"] = found.hexdigest()
    return digest(asked, code, data, backend.description()["versions"])


def once(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is kept in a file; made, where there is none."""
    if not path.is_file():
        write_json(path, make())
    return read_json(path)
