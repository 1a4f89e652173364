"""A denoiser, network or filter, over the test images of its dataset."""

from collections.abc import Callable, Iterator

import numpy as np

from denoising.evaluation import evaluate
from denoising.evaluation.kept import Examples
from denoising.files import InputError
from stages.shared import command, images

Denoise = Callable[[np.ndarray], np.ndarray]


def predictions(
    test: images.TestImages, denoise: Denoise, margin: int
) -> Iterator[tuple[np.ndarray, images.Group]]:
    """Prediction of each group of test images, and the group without the margins of its band."""
    groups = test.groups(margin)
    for group in command.progress(groups, test.dataset) if test.any_size else groups:
        rows = group.rows
        yield denoise(group.noisy)[:, rows], group._replace(noisy=group.noisy[:, rows])


def measured(
    test: images.TestImages, denoise: Denoise, margin: int, settings: evaluate.Evaluation
) -> evaluate.Measured:
    """What is measured of a denoiser over the test images.

    Raises
    ------
    InputError
        If there is nothing to hold its predictions against.
    """
    if test.truth == "none":
        raise InputError(f"datasets.{test.dataset}: has no truth to measure a network with")
    examples = Examples(settings.examples, test.crop)
    second_shots = test.truth == "second shots"
    found = evaluate.Measured(settings, examples, test.any_size, second_shots)
    for prediction, group in predictions(test, denoise, margin):
        found.add(prediction, group.truth, group.noisy, group.part, group.goes_on)
    return found
