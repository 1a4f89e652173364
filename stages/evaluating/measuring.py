"""A denoiser, network or filter, over the test images of its dataset."""

from collections.abc import Callable, Iterator

import numpy as np

from denoising.evaluation import evaluate, sure, targets
from denoising.evaluation.kept import Examples
from denoising.evaluation.unreferenced import Unreferenced
from denoising.noise.base import inverse
from stages.shared import command, images, layout

Denoise = Callable[[np.ndarray], np.ndarray]


def corrected(denoise: Denoise, dataset: str) -> Denoise:
    """A denoiser, taken back through the mean of the noise of a dataset."""
    mean = targets.read(layout.targets_file(dataset)).mean
    return lambda noisy: inverse(denoise(noisy), mean).astype(np.float32)


def predictions(
    test: images.TestImages, denoise: Denoise, margin: int
) -> Iterator[tuple[np.ndarray, images.Group]]:
    """Prediction of each group of test images, and the group without the margins of its band."""
    for prediction, group in _with_margins(test, denoise, margin):
        yield prediction, group._replace(noisy=group.noisy[:, group.rows])


def _with_margins(
    test: images.TestImages, denoise: Denoise, margin: int
) -> Iterator[tuple[np.ndarray, images.Group]]:
    groups = test.groups(margin)
    for group in command.progress(groups, test.dataset) if test.any_size else groups:
        yield denoise(group.noisy)[:, group.rows], group


def measured(
    test: images.TestImages, denoise: Denoise, margin: int, settings: evaluate.Evaluation
) -> evaluate.Measured | Unreferenced:
    """What is measured of a denoiser over the test images, against a truth if there is any."""
    examples = Examples(settings.examples, test.crop)
    if test.truth == "none":
        return _unreferenced(test, denoise, margin, settings, examples)
    second_shots = test.truth == "second shots"
    found = evaluate.Measured(settings, examples, test.any_size, second_shots)
    for prediction, group in predictions(test, denoise, margin):
        found.add(prediction, group.truth, group.noisy, group.part, group.goes_on, group.third)
    return found


def _unreferenced(
    test: images.TestImages,
    denoise: Denoise,
    margin: int,
    settings: evaluate.Evaluation,
    examples: Examples,
) -> Unreferenced:
    """What can be said without a truth."""
    noise = images.set_noise(test.dataset, "test")
    found = Unreferenced(settings.histogram_step, examples, noise, settings.bootstrap_resamples)
    rng = np.random.default_rng(0)
    for prediction, group in _with_margins(test, denoise, margin):
        errors = None
        if not found.problem:
            errors = sure.error_map(denoise, group.noisy, noise, rng, prediction, group.rows)
        found.add(prediction, group.noisy[:, group.rows], group.goes_on, errors)
    return found
