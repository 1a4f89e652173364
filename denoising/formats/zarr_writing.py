"""Write Zarr folders, with the chunks and attributes of those that were read.

Of an OME-Zarr image the full resolution is written, and its metadata then tell of no other.
"""

import contextlib
import copy
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from denoising.formats.base import ImageFile, refusing
from denoising.formats.writing import Writer
from denoising.formats.zarr_files import ZarrFile

if TYPE_CHECKING:
    import zarr


class ZarrWriter(Writer):
    """A Zarr folder, which appears under its name when it is whole."""

    def _start(self, source: ImageFile | None) -> None:
        self._source = source if isinstance(source, ZarrFile) else None
        if self._source is None:
            self._array = self._plain()
            return
        with refusing(self._source.header.path, "Zarr"):
            self._array = self._like(self._source)

    def _replacing(self) -> contextlib.AbstractContextManager[Path]:
        return _replaced_folder(self.header.path)

    def _plain(self) -> "zarr.Array":
        import zarr

        header = self.header
        shape = (header.pages, *header.shape)[: 4 if header.channels > 1 else 3]
        names = ("z", "y", "x", "c")[: len(shape)]
        return zarr.create_array(
            self.temporary, shape=shape, dtype=header.dtype, dimension_names=names
        )

    def _like(self, source: ZarrFile) -> "zarr.Array":
        """A new array, where it lay in the folder that was read."""
        import zarr

        dtype = self.header.dtype
        if isinstance(source.node, zarr.Array):
            return _stored_like(source.array, self.temporary, None, dtype)
        form = source.node.metadata.zarr_format
        *parents, name = source.place.split("/")
        group = zarr.create_group(
            self.temporary, zarr_format=form, attributes=_attributes(source.node)
        )
        node: Any = source.node
        for parent in parents:
            node = node[parent]
            group = group.create_group(parent, attributes=_attributes(node))
        return _stored_like(source.array, group.store_path, name, dtype)

    def _write(self, page: int, pixels: np.ndarray) -> None:
        source, header = self._source, self.header
        if source is None:
            self._array[page] = pixels if header.channels > 1 else pixels[..., 0]
            return
        inner = source.inner
        values = pixels if len(inner) == 3 else pixels[..., 0]
        self._array[source.selection(page, 0, header.height)] = values.transpose(np.argsort(inner))


def _stored_like(
    array: "zarr.Array", store: Any, name: str | None, dtype: np.dtype
) -> "zarr.Array":
    """A new array, stored as another."""
    import zarr

    kept: dict[str, Any] = {"attributes": array.attrs.asdict(), "name": name}
    if names := getattr(array.metadata, "dimension_names", None):
        kept["dimension_names"] = names
    if array.dtype == dtype:
        return zarr.from_array(store, data=array, write_data=False, **kept)
    return zarr.create_array(
        store,
        shape=array.shape,
        dtype=dtype,
        chunks=array.chunks,
        shards=array.shards,
        zarr_format=array.metadata.zarr_format,
        **kept,
    )


def _attributes(group: "zarr.Group") -> dict[str, Any]:
    """A group's attributes, of which those of OME tell of the largest level alone."""
    attributes = copy.deepcopy(group.attrs.asdict())
    ome: Any = attributes.get("ome", attributes)
    for image in ome.get("multiscales", []):
        image["datasets"] = image["datasets"][:1]
    return attributes


@contextlib.contextmanager
def _replaced_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, which replaces it when the block succeeds.

    An old folder of that name has to be moved away first, since a folder cannot be put in place of
    one that has files. A process that is killed between the two moves leaves nothing at `path`:
    the old folder is then beside it, hidden, with the ending `.old`, and stays there.
    """
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp"
    old = temporary.with_suffix(".old")
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob(f".{path.name}.*.tmp"):
        shutil.rmtree(stale, ignore_errors=True)
    try:
        yield temporary
        if path.exists():
            path.rename(old)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
