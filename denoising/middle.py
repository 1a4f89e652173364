"""The middle of an image, where all of it would be too much."""

from collections.abc import Sequence


def middle(shape: Sequence[int], side: int) -> tuple[slice, slice]:
    """Rows and columns of the square in the middle; all of what is no longer than its side.

    Parameters
    ----------
    shape : sequence of int
        Of an image: (H, W, ...).
    side : int
        Of the square, in pixels.
    """
    height, width = (_middle(int(size), side) for size in shape[:2])
    return height, width


def _middle(size: int, side: int) -> slice:
    start = max(0, size - side) // 2
    return slice(start, start + side)
