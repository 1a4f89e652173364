"""Zarr folders, version 2 and 3, and OME-Zarr: only the chunks that are asked for are read.

An OME-Zarr image is read in its full resolution. Rows and columns are the axes named y and x; a
last axis of 3 is colour, and all others (time, channel, depth) are pages, the last of them running
fastest. Axes without names are taken as in a .npy file.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

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
from denoising.formats.numpy_files import checked_axes

if TYPE_CHECKING:
    import zarr

FORMAT = "Zarr"
CHANNEL = ("c", "channel", "s", "sample", "band", "rgb")  # names of a last axis of colours


class ZarrFile(ImageFile):
    """A Zarr folder that holds one image."""

    def __init__(self, path: Path) -> None:
        import zarr

        with refusing(path, FORMAT):
            self.node = zarr.open(path, mode="r")
            self.array, self.place, names = _image(self.node, path)
        array = self.array
        dtype = pixel_dtype(path, array.dtype)
        if 0 in array.shape or array.ndim < 2 or not {"y", "x"} <= set(names):
            names = list(checked_axes(path, array.shape))
        self.names = names
        self.rows, columns = names.index("y"), names.index("x")
        inner = [self.rows, columns]
        if names[-1] in CHANNEL:
            inner.append(array.ndim - 1)
        self.inner = inner
        self.outer = [axis for axis in range(array.ndim) if axis not in inner]
        channels = array.shape[inner[2]] if len(inner) == 3 else 1
        if channels not in (1, 3):
            refuse(path, f"{channels} channels; should be grey or red, green, blue")
        self.header = Header(
            path,
            FORMAT,
            math.prod(array.shape[axis] for axis in self.outer),
            array.shape[self.rows],
            array.shape[columns],
            channels,
            dtype,
            *white_by_type(dtype),
        )

    def selection(self, page: int, start: int, stop: int) -> tuple[int | slice, ...]:
        """Where rows of a page lie in the array."""
        lengths = tuple(self.array.shape[axis] for axis in self.outer)
        chosen: list[int | slice] = [slice(None)] * self.array.ndim
        for axis, index in zip(self.outer, np.unravel_index(page, lengths), strict=True):
            chosen[axis] = int(index)
        chosen[self.rows] = slice(start, stop)
        return tuple(chosen)

    def _read(self, page: int, start: int, stop: int) -> np.ndarray:
        values = np.asarray(self.array[self.selection(page, start, stop)])
        pixels = values.transpose(np.argsort(np.argsort(self.inner)))
        return as_pixels(pixels.reshape(*pixels.shape[:2], -1), self.header.dtype)

    def close(self) -> None:
        """Nothing to do: files of a Zarr folder are open only while they are read."""


def multiscales(node: "zarr.Group") -> list[dict[str, Any]]:
    """Descriptions of a group's images in OME-Zarr; none in other groups."""
    return _ome(node).get("multiscales", [])


def _ome(node: "zarr.Group") -> dict[str, Any]:
    """A group's attributes, those of OME since its version 0.5."""
    attributes: dict[str, Any] = node.attrs.asdict()
    return attributes.get("ome", attributes)


def _image(node: "zarr.Array | zarr.Group", path: Path) -> tuple["zarr.Array", str, list[str]]:
    """The one array with pixels, where it lies in the folder, and the names of its axes."""
    import zarr

    if isinstance(node, zarr.Array):
        return node, "", _names(node)
    if {"plate", "well"} & set(_ome(node)):
        refuse(path, "a plate of many images; give one of them")
    images = multiscales(node)
    if len(images) > 1:
        refuse(path, f"{len(images)} images; should be one")
    if images:
        place = images[0]["datasets"][0]["path"]  # the first is the largest
        array = cast("zarr.Array", node[place])
        axes = images[0].get("axes") or "tczyx"[-array.ndim :]  # named since version 0.3
        names = [one["name"] if isinstance(one, dict) else one for one in axes]
        if len(names) != array.ndim:
            refuse(path, f"{array.ndim} axes, of which {len(names)} have names")
        return array, place, [name.lower() for name in names]
    groups = [name for name, one in node.groups() if multiscales(one)]
    if len(groups) == 1:
        array, place, names = _image(node[groups[0]], path)
        return array, f"{groups[0]}/{place}", names
    arrays = [
        (name, one)
        for name, one in node.members(max_depth=None)
        if isinstance(one, zarr.Array) and one.ndim > 1  # others are coordinates
    ]
    if len(groups) > 1 or len(arrays) != 1:
        found = ", ".join(sorted(groups or [name for name, _ in arrays])[:5]) or "none"
        refuse(path, f"should hold one image; has {found}")
    name, array = arrays[0]
    return array, name, _names(array)


def _names(array: "zarr.Array") -> list[str]:
    """Names of an array's axes, as Zarr 3 and xarray keep them; "" for those without."""
    names: Any = getattr(array.metadata, "dimension_names", None)
    names = names or array.attrs.get("_ARRAY_DIMENSIONS") or [""] * array.ndim
    return [(name or "").lower() for name in names]
