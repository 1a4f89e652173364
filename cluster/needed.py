"""What a stage needs of other stages: what it declares, and what its data stand for."""

from collections.abc import Iterable
from pathlib import Path

from denoising.data import image_sets
from stages.evaluating.shards import CUT
from stages.shared import layout


def stores(paths: Iterable[str]) -> list[Path]:
    """Stores of images that datasets refer to instead of holding them.

    Parameters
    ----------
    paths : iterable of str
        Of the files that a stage declares, which are there.
    """
    sets = [path for path in paths if path.endswith(".npz") and image_sets.is_one(Path(path))]
    return sorted({layout.source_folder(image_sets.about(path)[0]) for path in sets})


def can_be_cut(stage: str, paths: Iterable[str]) -> bool:
    """Is it an evaluation of images that lie in a store, and needs these files?"""
    return stage.partition("@")[0] in CUT and bool(stores(paths))
