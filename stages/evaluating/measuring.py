"""A denoiser, network or filter, over the test images of its dataset."""

import functools
from collections.abc import Callable, Iterator

import numpy as np

from denoising.data.streams import rng_for
from denoising.evaluation import evaluate, sure, targets
from denoising.evaluation.kept import Examples
from denoising.evaluation.unreferenced import Unreferenced
from denoising.noise.base import inverse
from stages.evaluating import shards
from stages.shared import command, images, layout

Denoise = Callable[[np.ndarray], np.ndarray]
Nats = Callable[[images.Group], float]


def corrected(denoise: Denoise, dataset: str) -> Denoise:
    """A denoiser, taken back through the mean of the noise of a dataset."""
    mean = targets.read(layout.targets_file(dataset)).mean
    return lambda noisy: inverse(denoise(noisy), mean).astype(np.float32)


def _predictions(
    test: images.TestImages, denoise: Denoise, margin: int, chosen: range
) -> Iterator[tuple[np.ndarray, images.Group]]:
    """Prediction of each group of test images, and the group, which may have margins still."""
    groups = test.groups(margin, chosen)
    for group in command.progress(groups, test.dataset) if test.any_size else groups:
        yield denoise(group.noisy)[:, group.rows], group


class _Against:
    """Measures against a truth."""

    def __init__(
        self,
        test: images.TestImages,
        denoise: Denoise,
        margin: int,
        settings: evaluate.Evaluation,
        examples: Examples,
    ) -> None:
        self._predictions = functools.partial(_predictions, test, denoise, margin)
        second_shots = test.truth == "second shots"
        self.found = evaluate.Measured(settings, examples, test.any_size, second_shots)

    def measure(self, chosen: range) -> None:
        for prediction, group in self._predictions(chosen):
            noisy = group.noisy[:, group.rows]
            self.found.add(prediction, group.truth, noisy, group.part, group.goes_on, group.third)

    def identify(self, group: images.Group) -> None:
        self.found.identify(group.truth, group.noisy)


class _Without:
    """What can be said without a truth."""

    def __init__(
        self,
        test: images.TestImages,
        denoise: Denoise,
        margin: int,
        settings: evaluate.Evaluation,
        examples: Examples,
        nats: Nats | None,
    ) -> None:
        self._predictions = functools.partial(_predictions, test, denoise, margin)
        self._denoise, self._nats = denoise, nats
        self._noise = images.set_noise(test.dataset, "test")
        resamples = settings.bootstrap_resamples
        self.found = Unreferenced(settings.histogram_step, examples, self._noise, resamples)

    def measure(self, chosen: range) -> None:
        for prediction, group in self._predictions(chosen):
            noisy, errors = group.noisy[:, group.rows], None
            if not self.found.problem:
                rng = rng_for(0, "sure", *group.place)
                errors = sure.error_map(
                    self._denoise, group.noisy, self._noise, rng, prediction, group.rows
                )
            nats = self._nats(group) if self._nats else np.nan
            self.found.add(prediction, noisy, group.goes_on, errors, nats)

    def identify(self, group: images.Group) -> None:
        self.found.identify(group.noisy)


def measured(
    test: images.TestImages,
    denoise: Denoise,
    margin: int,
    settings: evaluate.Evaluation,
    nats: Nats | None = None,
    how: str = "",
) -> evaluate.Measured | Unreferenced:
    """What is measured of a denoiser over the test images, against a truth if there is any.

    Parameters
    ----------
    nats : callable, optional
        Negative log-likelihood of a group of images, the sum over their pixels.
    how : str
        What a machine has decided by itself: only what was measured so is put together.

    Raises
    ------
    SystemExit
        If this process measures a shard: what is made of all is another's.
    """
    own = shards.own(test.count) if test.any_size else None
    # of the images before them others keep what is wanted
    examples = Examples(max(0, settings.examples - (own.start if own else 0)), test.crop)
    about: _Against | _Without
    if test.truth == "none":
        about = _Without(test, denoise, margin, settings, examples, nats)
    else:
        about = _Against(test, denoise, margin, settings, examples)
    if not test.any_size:
        about.measure(range(test.count))
    elif own is not None:
        if own:
            about.measure(own)
            shards.write(about.found.state(), how)
        raise SystemExit(0)
    else:
        for chosen, state in shards.each(test.count, how):
            if state is None:
                about.measure(chosen)
                continue
            about.found.join(state)
            last = chosen[-1] + 1
            command.say(
                f"{test.dataset}: images {chosen[0] + 1} .. {last} were measured as a shard"
            )
            for group in test.groups(0, chosen):
                about.identify(group)
    return about.found
