"""A denoiser, network or filter, over the test images of its dataset."""

from collections.abc import Callable, Iterator

import numpy as np

from denoising.data import image_sets
from denoising.evaluation import evaluate, sure, targets
from denoising.evaluation.kept import Examples
from denoising.evaluation.unreferenced import Unreferenced
from denoising.noise.base import Noise, inverse
from denoising.sections import read_kind
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
    """What is measured of a denoiser over the test images, against a truth if there is any.

    Second shots are none where the noise is known to move the mean.
    """
    examples = Examples(settings.examples, test.crop)
    second_shots = test.truth == "second shots"
    if test.truth == "none" or (second_shots and _moves_mean(test)):
        return _unreferenced(test, denoise, margin, settings, examples)
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
    noise = _noise(test)
    found = Unreferenced(settings.histogram_step, examples, noise, settings.bootstrap_resamples)
    rng = np.random.default_rng(0)
    for prediction, group in _with_margins(test, denoise, margin):
        errors = None
        if noise is not None and not found.problem:
            errors = sure.error_map(denoise, group.noisy, noise, rng, prediction, group.rows)
        found.add(prediction, group.noisy[:, group.rows], group.goes_on, errors)
    return found


def _moves_mean(test: images.TestImages) -> bool:
    noise = _noise(test)
    return noise is not None and not noise.keeps_mean


def _noise(test: images.TestImages) -> Noise | None:
    """What the dataset says of the noise of its images, which have it already."""
    path = layout.dataset_file(test.dataset, "test")
    _, about = image_sets.about(path)
    return read_kind("noise", about["noise"], str(path)) if "noise" in about else None
