"""NumPy's .npy files, of which only the rows that are asked for are read.

Axes are taken to be

- 2: (H, W);
- 3: (H, W, C) if the last has 1 or 3, else (N, H, W);
- 4: (N, H, W, C), of which the last must have 1 or 3.

So a stack of grey images that are 1 or 3 pixels wide needs a fourth axis. Truth values are read as
0 and 255.
"""

from pathlib import Path

import numpy as np

from denoising.formats.base import (
    Header,
    ImageFile,
    as_pixels,
    pixel_dtype,
    refuse,
    refusing,
    white_by_type,
)

FORMAT = "NumPy"


def axes(shape: tuple[int, ...]) -> str:
    """Names of the axes of an array that has none: "yx", "zyx" of pages, "yxc" or "zyxc".

    "" where it has no such axes.
    """
    colour = len(shape) > 2 and shape[-1] in (1, 3)
    outer = {2: "", 3: "z"}.get(len(shape) - colour)
    return "" if outer is None else outer + "yx" + "c" * colour


def checked_axes(path: Path, shape: tuple[int, ...]) -> str:
    """The same of a file.

    Raises
    ------
    InputError
        If it has no such axes, or no pixels.
    """
    lengths = " x ".join(map(str, shape)) or "a single number"
    if 0 in shape:
        refuse(path, f"an array of {lengths}: has no pixels")
    if names := axes(shape):
        return names
    refuse(path, f"an array of {lengths}; should be (H, W), (H, W, 3), (N, H, W) or (N, H, W, 3)")


class NumpyFile(ImageFile):
    """A .npy file."""

    def __init__(self, path: Path) -> None:
        with refusing(path, FORMAT):
            stack = np.lib.format.open_memmap(path, mode="r")
        dtype = pixel_dtype(path, stack.dtype)
        lengths = dict(zip(checked_axes(path, stack.shape), stack.shape, strict=True))
        pages, height, width, channels = (lengths.get(axis, 1) for axis in "zyxc")
        self.shape = stack.shape
        end = stack.offset + stack.nbytes
        if (size := path.stat().st_size) != end:
            refuse(path, f"goes on for {size - end} bytes after its array; should end with it")
        self._stack = stack.reshape(pages, height, width, channels)
        white = white_by_type(dtype)
        self.header = Header(path, FORMAT, pages, height, width, channels, dtype, *white)

    def _read(self, page: int, start: int, stop: int) -> np.ndarray:
        return as_pixels(np.asarray(self._stack[page, start:stop]), self.header.dtype)

    def close(self) -> None:
        """Let go of the file."""
        del self._stack
