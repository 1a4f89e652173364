"""Anyone's own images: a folder of files, of any size and depth.

Sub-folders say what they are, see `denoising.sources.shared.listing`. Pixels are read when they are
wanted; what is wrong with a file is said in one line.
"""

import collections
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from denoising.data.store import Catalogue, Image, OwnSet
from denoising.files import InputError
from denoising.formats.base import shown
from denoising.formats.opening import is_image
from denoising.sources.base import Log, Source
from denoising.sources.shared import levels, listing
from denoising.sources.shared.image_files import File, look
from denoising.sources.shared.regions import LEAST, regions


class Item(NamedTuple):
    """A file, or those that belong together: a pair, two shots."""

    name: str
    own_set: OwnSet
    files: dict[str, File]  # by role, all alike in shape, pages and dtype

    @property
    def first(self) -> File:
        """One of the files."""
        return next(iter(self.files.values()))


class _Bad:
    """What to do about images that cannot be used: raise, or leave them out and say so."""

    def __init__(self, skip: bool, log: Log) -> None:
        self.skip, self.log, self.count = skip, log, 0

    def __call__(self, problem: InputError) -> None:
        if not self.skip:
            raise InputError(f"{problem}; bad_files: skip leaves such images out") from None
        self.count += 1
        self.log(f"left out: {problem}")


class Folder(Source):
    """A folder of images.

    Attributes
    ----------
    path : str
        Relative to the working directory, or absolute, or from ~, the home folder.
    kind : {"auto", "clean", "pairs", "shots", "noisy"}
        auto: what the sub-folders tell.
    black, white : float
        Pixel values that mean 0 and 1. Without white: what the files' tags say, else what their
        values suggest; the log says which.
    bad_files : {"refuse", "skip"}
        skip: those that cannot be used are left out, with their pairs, and the log names them.
    regions : int or "auto"
        Every image that may be split is cut into so many. auto: it stays whole, unless there are
        too few images for a training, a validation and a test set.
    """

    name: Literal["folder"]
    path: str = Field(min_length=1)
    kind: Literal["auto", "clean", "pairs", "shots", "noisy"] = "auto"
    black: float = Field(0.0, allow_inf_nan=False)
    white: float | None = Field(None, allow_inf_nan=False)
    bad_files: Literal["refuse", "skip"] = "refuse"
    regions: Annotated[int, Field(ge=1, le=1000)] | Literal["auto"] = 1

    @model_validator(mode="after")
    def _has_range(self) -> "Folder":
        if self.white is not None and self.white <= self.black:
            raise ValueError(
                f"white = {self.white:g}: should be greater than black = {self.black:g}"
            )
        return self

    def scan(self, provided: Path, kept: Path, log: Log) -> Catalogue:
        root = Path(self.path).expanduser()
        _check_folder(root)
        bad = _Bad(self.bad_files == "skip", log)
        kind = listing.kind_of(root) if self.kind == "auto" else self.kind
        sets = listing.folders_of(root, kind, log)
        items = list(_items(root, sets, bad, log))
        items = list(_alike(items, bad))
        clean, noisy = levels.Extremes(), levels.Extremes()
        if items and (bad.skip or items[0].first.dtype != np.uint8):
            log(f"{shown(root)}: looking through the pixel values of {len(items)} images")
            items = list(_measured(items, clean, noisy, bad))
        for name, folders in sets.items():
            if not any(item.own_set == name for item in items):
                places = " and ".join(shown(place) for place in folders.values())
                raise InputError(f"{places}: no images{' are left' if bad.count else ''}")
        files = [file for item in items for file in item.files.values()]
        said = self.black if "black" in self.model_fields_set else None
        black, white = levels.find(files, clean, noisy, said, self.white, log)
        images = sorted(_images(root, items, self.regions, log), key=_name)
        _check_names(root, images)
        log(f"{shown(root)}: {kind}: {_described(images)}, {files[0].dtype}")
        return Catalogue(images, files[0].dtype, black, white)


def _check_folder(root: Path) -> None:
    if root.is_dir() and not is_image(root):
        return
    exists = root.exists()
    problem = "is no folder; put it into one, and name that" if exists else "no such folder"
    raise InputError(f"path = {shown(root)}: {problem}")


def _items(
    root: Path, sets: Mapping[OwnSet, listing.Folders], bad: _Bad, log: Log
) -> Iterator[Item]:
    """The images of all sets, as far as their headers are fine."""
    found = listing.Listing(log)
    for own_set, folders in sets.items():
        # the test set may lie inside the folder of the others
        listed = {
            role: found.images(folder, without=root / listing.TEST if own_set == "train" else None)
            for role, folder in folders.items()
        }
        first = next(iter(folders))
        for paths in _matched(listed, folders, bad):
            prefix = f"{listing.TEST}/" if own_set == "test" else ""
            name = prefix + shown(paths[first].relative_to(folders[first]))
            try:
                item = Item(name, own_set, {role: look(path) for role, path in paths.items()})
                _check_fit(item)
            except InputError as problem:
                bad(problem)
            else:
                yield item
    found.say(root)


def _matched(
    listed: Mapping[str, Mapping[str, Path]], folders: listing.Folders, bad: _Bad
) -> Iterator[dict[str, Path]]:
    """Paths by role of the names that every role has."""
    for key in sorted(set().union(*listed.values())):
        paths = {role: found[key] for role, found in listed.items() if key in found}
        for role, folder in folders.items():
            if role not in paths:
                there = shown(next(iter(paths.values())))
                bad(InputError(f"{there}: has no partner of this name in {shown(folder)}"))
                break
        else:
            yield paths


def _check_fit(item: Item) -> None:
    """Refuse files that belong together and differ in size, pages, channels or dtype."""
    one, *others = item.files.values()
    for other in others:
        if (one.shape, one.pages, one.dtype) != (other.shape, other.pages, other.dtype):
            raise InputError(
                f"{shown(one.path)} is {_summary(one)}, {shown(other.path)} is {_summary(other)}; "
                "both should be alike"
            )


def _summary(file: File) -> str:
    height, width, channels = file.shape
    pages = f"{file.pages} pages of " if file.pages > 1 else ""
    return f"{pages}{height} x {width} x {channels} {file.dtype}"


def _alike(items: Sequence[Item], bad: _Bad) -> Iterator[Item]:
    """Those that have the dtype and the channels of most."""
    kinds = collections.Counter((item.first.dtype.name, item.first.shape[2]) for item in items)
    for item in items:
        kind, count = kinds.most_common(1)[0]
        if (found := (item.first.dtype.name, item.first.shape[2])) == kind:
            yield item
            continue
        is_one, are_others = (
            f"{dtype} with {channels} channel{'s' * (channels > 1)}"
            for dtype, channels in (found, kind)
        )
        bad(
            InputError(
                f"{shown(item.first.path)}: is {is_one}, but {count} of {len(items)} images are "
                f"{are_others}; all should be alike"
            )
        )


def _measured(
    items: Iterable[Item], clean: levels.Extremes, noisy: levels.Extremes, bad: _Bad
) -> Iterator[Item]:
    """Those whose pixels can be read and are numbers; their extremes are added up."""
    for item in items:
        try:
            ranges = {role: levels.measure(file) for role, file in item.files.items()}
        except InputError as problem:
            bad(problem)
            continue
        for role, (low, high) in ranges.items():
            extremes = clean if role == "clean" else noisy
            extremes.add(low, high, item.files[role].path)
        yield item


def _images(
    root: Path, items: Sequence[Item], wanted: int | Literal["auto"], log: Log
) -> Iterator[Image]:
    """The pages of all files, or their regions; test images are always whole."""
    has_test = any(item.own_set == "test" for item in items)
    others = sum(item.first.pages for item in items if item.own_set != "test")
    few = others < LEAST - has_test
    cut = few if wanted == "auto" else wanted > 1
    if cut:
        log(
            f"{shown(root)}: {others} image{'s' * (others > 1)} to split: cut into regions, one "
            "below the other; errors of other images may be larger"
        )
    for item in items:
        height = item.first.shape[0]
        parts = [range(height)]
        if cut and item.own_set != "test":
            parts = regions(height, None if wanted == "auto" else wanted)
        yield from _pages(item, parts)


def _pages(item: Item, parts: Sequence[range]) -> Iterator[Image]:
    count = item.first.pages
    height, width, channels = item.first.shape
    digits, places = max(4, len(str(count))), len(str(height))
    for page, rows in itertools.product(range(count), parts):
        name = item.name if count == 1 else f"{item.name}#{page + 1:0{digits}}"
        if len(parts) > 1:
            name += f"#rows{rows.start:0{places}}-{rows.stop - 1:0{places}}"
        read = {role: file.page(page, rows) for role, file in item.files.items()}
        yield Image(name, item.own_set, (len(rows), width, channels), read)


def _name(image: Image) -> str:
    return image.name


def _check_names(root: Path, images: Sequence[Image]) -> None:
    for one, other in itertools.pairwise(images):
        if one.name == other.name:
            raise InputError(f"{shown(root)}: two images would be named {one.name}; rename one")


def _described(images: Sequence[Image]) -> str:
    """Number, sizes and channels of images, for the log."""
    test = sum(image.own_set == "test" for image in images)
    number = f"{len(images) - test} + {test} test" if test else f"{len(images)}"
    sizes = sorted({image.shape[:2] for image in images}, key=lambda size: (math.prod(size), size))
    least, most = (f"{height} x {width}" for height, width in (sizes[0], sizes[-1]))
    size = f"{least} pixels" if len(sizes) == 1 else f"from {least} to {most} pixels"
    return f"{number} images, {size}, {images[0].shape[2]} channel{'s' * (images[0].shape[2] > 1)}"
