"""One classical filter, untrained, over all test images of the budget."""

import dataclasses
from collections.abc import Callable

import numpy as np

from denoising.evaluation import evaluate
from denoising.evaluation.filters import Filter
from denoising.sections import Section, validate
from stages.evaluating import outputs
from stages.shared import command, images, params


class Row(Section):
    """A row of `filters`, without its dataset."""

    filter: Filter


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which filter, on which dataset."""

    dataset: str
    filter: Callable[[np.ndarray], np.ndarray]
    evaluation: evaluate.Evaluation


def settings(content: params.Content, name: str) -> Settings:
    """The sections of one filter."""
    row = params.row(content, "filters", name)
    return Settings(
        dataset=row["dataset"],
        filter=validate(Row, {"filter": row["filter"]}, f"filters.{name}").filter,
        evaluation=validate(evaluate.Evaluation, content["evaluation"], "evaluation"),
    )


def main(content: params.Content, name: str) -> None:
    """Evaluate one filter."""
    chosen = settings(content, name)
    test = images.test_images(chosen.dataset, chosen.evaluation.examples)
    measured = evaluate.Measured(chosen.evaluation, test.crop, test.any_size, test.second_shots)
    for clean, noisy, part in test.groups():
        measured.add(chosen.filter(noisy.astype(np.float32)), clean, noisy, part)
    scores, per_image = measured.scores(), measured.per_image()
    outputs.write_evaluation(name, scores, per_image, measured.histogram(), about={})


if __name__ == "__main__":
    command.run("evaluate_filter", main, "filter")
