"""Model files that are the same bytes for the same network."""

import json
import tempfile
import zipfile
from pathlib import Path

import keras

from denoising.compute import execution
from denoising.files import InputError, atomic

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip member can have


def save(model, path):
    """Write a .keras archive without the dates and memory addresses that Keras puts into it.

    What is written is the network alone, in float32 and layers of Keras: its file says nothing of how it was computed.
    """
    model = execution.plain(model)
    with tempfile.TemporaryDirectory() as folder:
        dated = Path(folder) / "model.keras"
        model.save(dated)
        with (
            atomic(path) as temporary,
            zipfile.ZipFile(dated) as source,
            zipfile.ZipFile(temporary, "w") as target,
        ):
            for name in sorted(source.namelist()):
                content = source.read(name)
                if name.endswith(".json"):
                    content = json.dumps(_lasting(json.loads(content), {})).encode()
                target.writestr(zipfile.ZipInfo(name, _EPOCH), content)


def _lasting(content, numbers):
    """A copy of nested JSON without the date, and with memory addresses, which Keras takes for ids, counted through."""
    if isinstance(content, list):
        return [_lasting(item, numbers) for item in content]
    if not isinstance(content, dict):
        return content
    kept = {key: _lasting(value, numbers) for key, value in content.items() if key != "date_saved"}
    if "shared_object_id" in kept:
        kept["shared_object_id"] = numbers.setdefault(kept["shared_object_id"], len(numbers))
    return kept


def load(path):
    """The network of a .keras file, to be computed as `denoising.execution` says.

    Raises
    ------
    InputError
        If the file is missing or not a whole .keras archive.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; the train stage makes it")
    try:
        return keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: not a whole .keras file ({str(error).splitlines()[0]})"
        ) from None
