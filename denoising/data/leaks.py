"""Equal images in two splits, which would make a test too easy."""

from collections.abc import Mapping, Sequence

import numpy as np

from denoising.files import InputError


def check_no_leak(
    content: np.ndarray, names: Sequence[str] | np.ndarray, sets: Mapping[str, np.ndarray]
) -> None:
    """Refuse splits that share an image.

    Parameters
    ----------
    content : ndarray (N,) of str
        Digests of the images' pixels, as `Store.content` has them.
    names : sequence (N,) of str
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
            first, other = seen.setdefault(str(content[place]), (split, place))
            if first != split:
                leaks.append((first, names[other], split, names[place]))
    if leaks:
        first, one, split, other = leaks[0]
        more = f" (and {len(leaks) - 1:,} more)" if len(leaks) > 1 else ""
        raise InputError(
            f"{one} in {first} and {other} in {split} are the same image{more}; remove one of them"
        )
