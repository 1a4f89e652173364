"""Which images are trained on, which validate, which test. By image, never by patch."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

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
        Images that validate: how many, or which fraction of those that are not for test.
    test : int or float, optional
        Images that test. None where the source has test images of its own, or `test_names` says
        which.
    groups : str, optional
        Regular expression. Images in whose names it finds the same (its first group, or all of it)
        stay together: the shots of a scene, the pages of a file, the slides of a patient.
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


DEFAULT_VALIDATION, DEFAULT_TEST = 0.1, 0.2  # where no split is set


def own(
    own_sets: np.ndarray,
    held_out: int,
    counts: Mapping[str, int],
    selection: Selection,
    seed: int,
) -> dict[str, np.ndarray]:
    """Images of each split, where the source has a training and a test set of known sizes.

    Parameters
    ----------
    own_sets : ndarray (N,) of str
        "train" or "test".
    held_out : int
        How many of the training images are for validation.
    counts : dict
        Images wanted of each of "train", "validation", "test".
    selection : {"first", "shuffled"}
        Which training images are trained on: all but the last `held_out`, or as many drawn with
        `seed`.

    Returns
    -------
    dict of str to ndarray of int
        Their places in the source. Fewer images than there are are taken at even distances. The
        first 5,000 of MNIST's test images come from other writers than the last 5,000 and are
        "cleaner and easier" (LeCun et al.), so its first thousand are not like the rest.

    Raises
    ------
    InputError
        If the source has fewer images than are wanted.
    """
    train, test = np.flatnonzero(own_sets == "train"), np.flatnonzero(own_sets == "test")
    if selection == "shuffled":
        train = train[rng_for(seed, "selection").permutation(len(train))]
    trained = max(0, len(train) - held_out)
    pools = {"train": train[:trained], "validation": train[trained:], "test": test}
    for split, pool in pools.items():
        if counts[split] > len(pool):
            raise InputError(f"{split}_images = {counts[split]}: the source has {len(pool)}")
    return {split: _evenly(pools[split], counts[split]) for split in SPLITS}


def by_groups(
    names: Sequence[str] | np.ndarray,
    own_sets: np.ndarray,
    split: Split | None,
    counts: Mapping[str, int],
    selection: Selection,
    seed: int,
) -> dict[str, np.ndarray]:
    """Images of each split of a source of any size.

    Parameters
    ----------
    names : sequence (N,) of str
    own_sets : ndarray (N,) of str
        "test" for the source's own test images.
    split : Split, optional
        None: a tenth validates; a fifth tests, where there are no test images.
    counts : dict
        Images wanted at most; they are taken at even distances.
    selection : {"first", "shuffled"}
        Whether the last groups validate and test, by name, or some drawn with `seed`.

    Returns
    -------
    dict of str to ndarray of int

    Raises
    ------
    InputError
        If a split would be empty, or the split does not fit the source.
    """
    has_test = bool((own_sets == "test").any())
    split = split or Split(validation=DEFAULT_VALIDATION, test=None if has_test else DEFAULT_TEST)
    asks = split.test is not None or split.test_names is not None
    if has_test and asks:
        key = "test" if split.test is not None else "test_names"
        raise InputError(
            f"split.{key}: the source has {sum(own_sets == 'test')} test images itself"
        )
    if not has_test and not asks:
        raise InputError("split.test: missing; the source has no test images of its own")
    test = np.flatnonzero(own_sets == "test")
    pool = np.flatnonzero(own_sets != "test")
    groups = _groups(names, split.groups)
    if split.test_names is not None:
        test = _matching(pool, names, groups, split.test_names)
    elif split.test is not None:
        test = _taken(pool, groups, split.test, selection, rng_for(seed, "split", "test"))
    pool = np.setdiff1d(pool, test)
    rng = rng_for(seed, "split", "validation")
    validation = _taken(pool, groups, split.validation, selection, rng)
    train = np.setdiff1d(pool, validation)
    found = {"train": train, "validation": validation, "test": test}
    if empty := [name for name in SPLITS if not len(found[name])]:
        counted = [
            f"{len(of)} {what}{'s'[: len(of) > 1]}"
            for of, what in ((groups, "image"), (set(groups), "group"))
        ]
        raise InputError(
            f"{' in '.join(counted)}: nothing is left for {' and '.join(empty)}; add images, or "
            "set `split`"
        )
    return {name: _evenly(found[name], counts[name]) for name in SPLITS}


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
    """The group of every image: (N,) of str."""
    if pattern is None:
        return np.array([str(name) for name in names])
    found = []
    for name in names:
        match = re.search(pattern, str(name))
        if match is None:
            raise InputError(f"split.groups = {pattern!r}: not found in the name {name!r}")
        found.append(match.group(1 if match.re.groups else 0))
    return np.array(found)


def _taken(
    pool: np.ndarray,
    groups: np.ndarray,
    part: int | float,
    selection: Selection,
    rng: np.random.Generator,
) -> np.ndarray:
    """Whole groups of the pool, as many as come nearest to what is wanted, at least one."""
    names, sizes = np.unique(groups[pool], return_counts=True)
    order = np.arange(len(names))[::-1] if selection == "first" else rng.permutation(len(names))
    wanted = part if isinstance(part, int) else max(1.0, part * len(pool))
    totals = np.cumsum(sizes[order])
    if not len(totals):
        return pool[:0]
    chosen = names[order[: int(np.argmin(np.abs(totals - wanted))) + 1]]
    return pool[np.isin(groups[pool], chosen)]


def _evenly(images: np.ndarray, count: int) -> np.ndarray:
    count = min(count, len(images))
    return images[np.arange(count) * len(images) // count]
