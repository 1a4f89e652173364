"""A denoiser, network or filter, over the test images of its dataset."""

from collections.abc import Callable

import numpy as np

from denoising.data.streams import rng_for
from denoising.evaluation import evaluate, sure, targets
from denoising.evaluation.kept import Arrays, Examples
from denoising.evaluation.unreferenced import Unreferenced
from denoising.noise.base import Noise, inverse
from stages.evaluating import shards
from stages.shared import command, images, layout

Denoise = Callable[[np.ndarray], np.ndarray]
Nats = Callable[[images.Group], float]


def corrected(denoise: Denoise, dataset: str) -> Denoise:
    """A denoiser, taken back through the mean of the noise of a dataset."""
    mean = targets.read(layout.targets_file(dataset)).mean
    return lambda noisy: inverse(denoise(noisy), mean).astype(np.float32)


Found = evaluate.Measured | Unreferenced


def measured(
    test: images.TestImages,
    denoise: Denoise,
    margin: int,
    settings: evaluate.Evaluation,
    nats: Nats | None = None,
    how: str = "",
) -> Found:
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
    noise = images.set_noise(test.dataset, "test") if test.truth == "none" else None
    found = _nothing_yet(test, settings, examples, noise)

    def measure(chosen: range | None) -> None:
        groups = test.groups(margin, chosen)
        for group in command.progress(groups, test.dataset) if test.any_size else groups:
            prediction = denoise(group.noisy)[:, group.rows]
            noisy = group.noisy[:, group.rows]
            if isinstance(found, evaluate.Measured):
                found.add(prediction, group.truth, noisy, group.part, group.goes_on, group.third)
                continue
            errors = None
            if noise is not None and not found.problem:
                rng = rng_for(0, "sure", *group.place)
                errors = sure.error_map(denoise, group.noisy, noise, rng, prediction, group.rows)
            surprise = nats(group) if nats else np.nan
            found.add(prediction, noisy, group.goes_on, errors, surprise)

    if not test.any_size:
        measure(None)
    elif own is not None:
        if own:
            measure(own)
            shards.write(found.state(), how)
        raise SystemExit(0)
    else:
        for chosen, state in shards.each(test.count, how):
            if state is None:
                measure(chosen)
            else:
                _take(found, test, chosen, state)
    return found


def _nothing_yet(
    test: images.TestImages,
    settings: evaluate.Evaluation,
    examples: Examples,
    noise: Noise | None,
) -> Found:
    if test.truth == "none":
        resamples = settings.bootstrap_resamples
        return Unreferenced(settings.histogram_step, examples, noise, resamples)
    second_shots = test.truth == "second shots"
    return evaluate.Measured(settings, examples, test.any_size, second_shots)


def _take(found: Found, test: images.TestImages, chosen: range, state: Arrays) -> None:
    """Go on with what was measured of some images as a shard."""
    found.join(state)
    for group in test.groups(0, chosen):
        found.identify(*(one for one in (group.truth, group.noisy) if one is not None))
    which = f"images {chosen[0] + 1} .. {chosen[-1] + 1}"
    command.say(f"{test.dataset}: {which} were measured as a shard")
