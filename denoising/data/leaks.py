"""Equal images in two splits, which would make a test too easy."""

from collections.abc import Mapping

import numpy as np

from denoising.data.store import Store
from denoising.files import InputError

_ROWS = 256  # of an image, that are looked at together


def check_no_leak(images: Store, sets: Mapping[str, np.ndarray]) -> None:
    """Refuse splits that share an image.

    Black frames of a stack, and regions outside the sample, are equal without being one image: one
    pixel value throughout teaches nothing.

    Parameters
    ----------
    images : Store
    sets : dict of str to ndarray of int
        Places of each split's images.

    Raises
    ------
    InputError
        If two splits have an image of the same pixels, whatever their names: which ones, and how
        many there are.
    """
    seen: dict[str, tuple[str, int]] = {}
    leaks = []
    for split, places in sets.items():
        for place in places.tolist():
            first, other = seen.setdefault(str(images.content[place]), (split, place))
            if first != split and not _is_blank(images, place):
                leaks.append((first, images.names[other], split, images.names[place]))
    if leaks:
        first, one, split, other = leaks[0]
        more = f" (and {len(leaks) - 1:,} more)" if len(leaks) > 1 else ""
        raise InputError(
            f"{one} in {first} and {other} in {split} are the same image{more}; remove one of them"
        )


def _is_blank(images: Store, place: int) -> bool:
    """Has an image one pixel value throughout?"""
    role = images.roles[0]
    value = images.raw(role, place, (slice(1), slice(1)))
    bands = (
        images.raw(role, place, (slice(top, top + _ROWS), slice(None)))
        for top in range(0, images.shapes[place, 0], _ROWS)
    )
    return all((band == value).all() for band in bands)
