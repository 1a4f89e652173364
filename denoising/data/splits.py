"""Which images are trained on, which validate, which test. By image, never by patch."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from denoising.data.store import Store
from denoising.data.streams import rng_for
from denoising.files import InputError
from denoising.sections import ImageCount, Section, shortened

SPLITS = ("train", "validation", "test")
Selection = Literal["first", "shuffled"]
# of images: how many, or which fraction of them
Part = Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)]


class Amount(Section):
    """How many images of each split a budget takes."""

    train_images: ImageCount
    validation_images: ImageCount
    test_images: ImageCount

    @property
    def by_split(self) -> dict[str, int]:
        """The counts by split."""
        return {split: getattr(self, f"{split}_images") for split in SPLITS}


class Split(Section):
    """How the images of a source are split that says nothing of it itself.

    Attributes
    ----------
    validation : int or float
        Images that validate: how many, or which fraction of those that do not test.
    test : int or float, optional
        Images that test. None where the source has test images of its own, or `test_names` says
        which.
    groups : str, optional
        Regular expression. Images in whose names it finds the same (its first group, or all of it)
        stay together: the shots of a scene, the slides of a patient. Without it, the pages of a
        file, unless there are fewer than three files.
    test_names : str, optional
        Regular expression of the names of images that test, such as "^Nikon".
    """

    validation: Part
    test: Part | None = None
    groups: str | None = None
    test_names: str | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "Split":
        if self.test_names is not None and self.test is not None:
            raise ValueError("test_names: should not have test beside it")
        for key in ("groups", "test_names"):
            pattern = getattr(self, key)
            try:
                re.compile(pattern or "")
            except re.error as error:
                problem = f"is no regular expression ({error})"
                raise ValueError(f"{key} = {shortened(pattern)}: {problem}") from None
        return self


PAGE = r"#[0-9]+$"  # what ends the name of a page, after that of its file
DEFAULT_VALIDATION, DEFAULT_TEST = 0.1, 0.2  # where no split is set


def choose(
    names: Sequence[str] | np.ndarray,
    own_sets: np.ndarray,
    split: Split | None,
    counts: Mapping[str, int],
    selection: Selection,
    seed: int,
    exact: bool = False,
) -> dict[str, np.ndarray]:
    """Images of each split.

    Parameters
    ----------
    names : sequence (N,) of str
    own_sets : ndarray (N,) of str
        "test" for the source's own test images.
    split : Split, optional
        None: a tenth validates; a fifth tests, where there are no test images.
    counts : dict
        Images wanted of each of "train", "validation", "test".
    selection : {"first", "shuffled"}
        The order of the groups, of which the last ones test, and the last of the rest validate: by
        name, or drawn with `seed`.
    exact : bool
        Is it an error if there are fewer images than are wanted? Otherwise all are taken.

    Returns
    -------
    dict of str to ndarray of int
        Their places in the source. Fewer images than there are are taken at even distances. The
        first 5,000 of MNIST's test images come from other writers than the last 5,000 and are
        "cleaner and easier" (LeCun et al.), so its first thousand are not like the rest.

    Raises
    ------
    InputError
        If a split would be empty, or the split does not fit the source.
    """
    test = np.flatnonzero(own_sets == "test")
    split = _fitting(split, len(test))
    groups = _groups(names, split.groups)
    pool = np.setdiff1d(np.arange(len(groups)), test)
    if split.test_names is not None:
        test = _matching(pool, names, groups, split.test_names)
        pool = np.setdiff1d(pool, test)
    members = _members(pool, groups)
    if selection == "shuffled":
        members = [members[i] for i in rng_for(seed, "selection").permutation(len(members))]
    if split.test is not None:
        test = _taken(members, split.test)
    validation = _taken(members, split.validation)
    pools = {"train": _joined(members), "validation": validation, "test": test}
    _check(pools, groups, counts, exact)
    return {name: _evenly(pools[name], counts[name]) for name in SPLITS}


def of_source(
    source: Store, split: Split | None, counts: Mapping[str, int], selection: Selection, seed: int
) -> dict[str, np.ndarray]:
    """`choose` of the images that a source has stored.

    A source that says how many images are held out has sets of known sizes: if it has fewer than
    are wanted, that is an error.
    """
    if split is None and source.held_out:
        split = Split(validation=source.held_out)
    exact = source.held_out > 0
    return choose(source.names, source.own_sets, split, counts, selection, seed, exact)


def _fitting(split: Split | None, test_images: int) -> Split:
    """How to split a source that has so many test images itself."""
    if split is None:
        return Split(validation=DEFAULT_VALIDATION, test=None if test_images else DEFAULT_TEST)
    key = "test" if split.test_names is None else "test_names"
    asks = getattr(split, key) is not None
    if test_images and asks:
        raise InputError(f"split.{key}: the source has {test_images} test images itself")
    if not test_images and not asks:
        raise InputError("split.test: missing; the source has no test images of its own")
    return split


def _check(
    pools: Mapping[str, np.ndarray], groups: np.ndarray, counts: Mapping[str, int], exact: bool
) -> None:
    if empty := [name for name, pool in pools.items() if not len(pool)]:
        counted = [
            f"{len(of)} {what}{'s'[: len(of) > 1]}"
            for of, what in ((groups, "image"), (set(groups), "group"))
        ]
        raise InputError(
            f"{' in '.join(counted)}: nothing is left for {' and '.join(empty)}; add images, or "
            "set `split`"
        )
    for name, pool in pools.items():
        if exact and counts[name] > len(pool):
            raise InputError(f"{name}_images = {counts[name]}: the source has {len(pool)}")


def _matching(
    pool: np.ndarray, names: Sequence[str] | np.ndarray, groups: np.ndarray, pattern: str
) -> np.ndarray:
    """Images of the pool whose names match: whole groups, or none of their images."""
    found = np.array([re.search(pattern, str(names[place])) is not None for place in pool], bool)
    if not found.any():
        raise InputError(f"split.test_names = {pattern!r}: found in no name")
    if torn := set(groups[pool[found]]) & set(groups[pool[~found]]):
        raise InputError(
            f"split.test_names = {pattern!r}: finds some images of group {min(torn)} and not others"
        )
    return pool[found]


def _groups(names: Iterable[str], pattern: str | None) -> np.ndarray:
    """The group of every image: (N,) of str.

    Without a pattern the pages of a file are one; if there are too few files, every page is.
    """
    if pattern is None:
        whole = np.array([str(name) for name in names])
        files = np.array([re.sub(PAGE, "", name) for name in whole])
        return files if len(set(files)) >= len(SPLITS) else whole
    found = []
    for name in names:
        match = re.search(pattern, str(name))
        if match is None:
            raise InputError(f"split.groups = {pattern!r}: not found in the name {name!r}")
        found.append(match.group(1 if match.re.groups else 0))
    return np.array(found)


def _members(pool: np.ndarray, groups: np.ndarray) -> list[np.ndarray]:
    """The images of each group, by the groups' names."""
    _, group, sizes = np.unique(groups[pool], return_inverse=True, return_counts=True)
    return np.split(pool[np.argsort(group, kind="stable")], np.cumsum(sizes)[:-1])


def _taken(members: list[np.ndarray], part: int | float) -> np.ndarray:
    """Take the last groups out of the list, as many as come nearest to what is wanted, or one."""
    sizes = np.array([len(group) for group in members[::-1]], int)
    if not len(sizes):
        return np.array([], int)
    wanted = part if isinstance(part, int) else max(1.0, part * sizes.sum())
    first = len(members) - 1 - int(np.argmin(np.abs(np.cumsum(sizes) - wanted)))
    taken = _joined(members[first:])
    del members[first:]
    return taken


def _joined(members: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.array([], int), *members])


def _evenly(images: np.ndarray, count: int) -> np.ndarray:
    count = min(count, len(images))
    return images[np.arange(count) * len(images) // count]
