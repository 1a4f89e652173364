"""What a network learns from, epoch by epoch: whole images that are kept as arrays, or patches.

Both give Keras what the method makes of them, in an order and with noise that depend on the epoch
alone.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from denoising.data import patches
from denoising.data.image_sets import ImageSet
from denoising.methods.base import Given, Inputs, Method

Pair = tuple[np.ndarray, np.ndarray]
Learned = tuple[Inputs, np.ndarray]


class Examples(Protocol):
    """What `denoising.training.fit.fit` learns from."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Examples of an epoch, height, width, channels."""

    @property
    def images(self) -> int:
        """Images that are learned from."""

    def epoch(
        self, method: Method, given: Given, epoch: int, rng: np.random.Generator, batch_size: int
    ) -> dict[str, Any]:
        """Arguments of `keras.Model.fit` for an epoch, counted from 0.

        Parameters
        ----------
        rng : Generator
            Of this epoch.
        """

    def held_out(self, method: Method, given: Given, rng: np.random.Generator) -> Learned:
        """Inputs and targets that validate."""


class Arrays(NamedTuple):
    """Whole images of one size, in memory.

    Attributes
    ----------
    training, validation : tuple (clean, noisy)
        As `denoising.data.datasets.read` gives them. With noisy targets that are drawn once, no
        clean image is looked at.
    redrawn : callable, optional
        New noisy training images (2, N, H, W, C) of an epoch, counted from 0; None: those of the
        first epoch serve in all.
    """

    training: Pair
    validation: Pair
    redrawn: Callable[[int], np.ndarray] | None = None

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """See `Examples.shape`."""
        return self.training[0].shape

    @property
    def images(self) -> int:
        """See `Examples.images`."""
        return len(self.training[0])

    def epoch(
        self, method: Method, given: Given, epoch: int, rng: np.random.Generator, batch_size: int
    ) -> dict[str, Any]:
        """See `Examples.epoch`."""
        clean, noisy = self.training
        if self.redrawn and epoch:
            noisy = self.redrawn(epoch)
        order = rng.permutation(len(clean))
        looked_at = clean[order] if method.targets == "clean" else None
        versions = noisy[: method.versions, order]
        inputs, targets = method.examples(looked_at, versions, given, rng)
        return {"x": inputs, "y": targets, "batch_size": batch_size}

    def held_out(self, method: Method, given: Given, rng: np.random.Generator) -> Learned:
        """See `Examples.held_out`."""
        return method.examples(*self.validation, given, rng)


class PatchExamples(NamedTuple):
    """Patches of images of any size, cut while the network learns.

    Attributes
    ----------
    training, validation : ImageSet
    patches : Patches
    redraw : bool
        Is the noise of the training patches drawn anew in every epoch?
    seed, stream : int, str
        Of the patches that validate.
    """

    training: ImageSet
    validation: ImageSet
    patches: patches.Patches
    redraw: bool
    seed: int
    stream: str

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """See `Examples.shape`."""
        size = self.patches.size
        return self.patches.per_epoch, size, size, self.training.channels

    @property
    def images(self) -> int:
        """See `Examples.images`."""
        return len(self.training)

    def epoch(
        self, method: Method, given: Given, epoch: int, rng: np.random.Generator, batch_size: int
    ) -> dict[str, Any]:
        """See `Examples.epoch`."""
        from denoising.compute import backend

        where = patches.places(self.training, self.patches, self.patches.per_epoch, rng)
        anew = epoch if self.redraw else None
        own = int(rng.integers(2**63))  # batches are made in any order

        def batch(number: int) -> Learned:
            start = number * batch_size
            part = slice(start, min(start + batch_size, self.patches.per_epoch))
            cut = patches.cut(
                self.training,
                self.patches,
                where,
                part,
                method.versions,
                method.targets == "clean",
                anew,
            )
            batch_rng = np.random.default_rng([own, part.start])
            return method.examples(cut.clean, cut.noisy, given, batch_rng)

        return {"x": backend.batches(-(-self.patches.per_epoch // batch_size), batch)}

    def held_out(self, method: Method, given: Given, rng: np.random.Generator) -> Learned:
        """See `Examples.held_out`."""
        clean = method.targets == "clean"
        options = (self.seed, self.stream, method.versions, clean)
        cut = patches.validation(self.validation, self.patches, *options)
        return method.examples(cut.clean, cut.noisy, given, rng)
