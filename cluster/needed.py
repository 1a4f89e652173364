"""What a stage needs of other stages: what it declares, and what its data stand for."""

from collections.abc import Iterable
from pathlib import Path

from denoising.data import image_sets
from stages.shared import layout


def stores(paths: Iterable[str]) -> list[Path]:
    """Stores of images that datasets refer to instead of holding them.

    Parameters
    ----------
    paths : iterable of str
        Of the files that a stage declares, which are there.
    """
    files = [Path(path) for path in paths if path.endswith(".npz")]
    found = [image_sets.about(file)[0] for file in files if _is_set(file)]
    return sorted({layout.source_folder(source) for source in found})


def _is_set(file: Path) -> bool:
    return layout.dataset_file("x", "train").parts[:-2] == file.parts[:-2] and image_sets.is_one(
        file
    )
