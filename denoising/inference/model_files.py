"""Model files that are the same bytes for the same network."""

import json
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denoising.files import InputError, PathLike, atomic

if TYPE_CHECKING:
    import keras

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip member can have
_MEMBERS = {"config.json", "metadata.json", "model.weights.h5"}


def save(model: "keras.Model", path: PathLike) -> None:
    """Write a .keras archive without the dates and memory addresses that Keras puts into it.

    What is written is the network alone, in float32 and layers of Keras: its file says nothing of
    how it was computed.
    """
    from denoising.compute import execution

    model = execution.plain(model)
    with atomic(path) as temporary, tempfile.TemporaryDirectory() as folder:
        dated = Path(folder) / "model.keras"
        model.save(dated)
        with zipfile.ZipFile(dated) as source, zipfile.ZipFile(temporary, "w") as target:
            for name in sorted(source.namelist()):
                content = source.read(name)
                if name.endswith(".json"):
                    content = json.dumps(_lasting(json.loads(content), {})).encode()
                target.writestr(zipfile.ZipInfo(name, _EPOCH), content)


def _lasting(content: Any, numbers: dict[Any, int]) -> Any:
    """A copy of nested JSON without the date, and with memory addresses counted through.

    Keras takes addresses for ids.
    """
    if isinstance(content, list):
        return [_lasting(item, numbers) for item in content]
    if not isinstance(content, dict):
        return content
    kept = {key: _lasting(value, numbers) for key, value in content.items() if key != "date_saved"}
    if "shared_object_id" in kept:
        kept["shared_object_id"] = numbers.setdefault(kept["shared_object_id"], len(numbers))
    return kept


def check(path: PathLike) -> None:
    """Refuse what is not a whole .keras file, in milliseconds: Keras is not imported for it.

    Raises
    ------
    InputError
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; the train stage makes it")
    try:
        with zipfile.ZipFile(path) as archive:
            whole = set(archive.namelist()) >= _MEMBERS and archive.testzip() is None
    # NotImplementedError, which encrypted or unknown members raise, is a RuntimeError
    except (OSError, zipfile.BadZipFile, zlib.error, ValueError, RuntimeError):
        whole = False
    if not whole:
        raise InputError(f"{path}: not a whole .keras file; train the network again")


def load(path: PathLike) -> "keras.Model":
    """The network of a .keras file, to be computed as `denoising.compute.execution` says.

    Raises
    ------
    InputError
        If the file is missing, or not a whole .keras file of such a network.
    """
    from denoising.compute.backend import keras
    from denoising.networks import base

    check(path)
    try:
        model = keras.saving.load_model(path, compile=False)
    # a file that was tampered with makes Keras raise nearly anything, with pages of advice
    except Exception as error:
        name = type(error).__name__
        raise InputError(f"{path}: not a whole .keras file (Keras says {name})") from None
    try:
        base.check(model)
    except base.NetworkError as error:
        raise InputError(f"{path}: holds no network of this project ({error})") from None
    return model
