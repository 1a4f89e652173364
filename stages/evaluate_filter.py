"""One classical filter, untrained, over all test images of the budget."""

import dataclasses
from collections.abc import Callable

import numpy as np

from denoising.data import datasets
from denoising.evaluation import evaluate
from denoising.evaluation.filters import Filter
from denoising.sections import Section, validate
from stages.evaluating import outputs
from stages.shared import command, layout, params


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
    clean, noisy = datasets.read(layout.dataset_file(chosen.dataset, "test"), "test")
    prediction = chosen.filter(noisy[0].astype(np.float32))
    scores, per_image = evaluate.evaluate(prediction, clean, noisy[0], chosen.evaluation)
    histogram = evaluate.histograms(
        chosen.evaluation.histogram_step,
        test_images=datasets.to_unit(clean),
        noisy_images=noisy[0],
        predictions=prediction,
    )
    outputs.write_evaluation(name, scores, per_image, histogram, about={})


if __name__ == "__main__":
    command.run("evaluate_filter", main, "filter")
