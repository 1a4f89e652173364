"""One classical filter, untrained, over all test images of the budget."""

import dataclasses
from collections.abc import Callable

import numpy as np

from denoising.evaluation import evaluate
from denoising.evaluation.filters import Filter
from denoising.evaluation.kept import Examples
from denoising.evaluation.unreferenced import Unreferenced
from denoising.sections import Section, validate
from stages.evaluating import measuring, outputs
from stages.shared import command, images, params

MARGIN = 2 * images.ALIGNED  # rows that filters see above and below a band of a large image


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

    def filtered(noisy: np.ndarray) -> np.ndarray:
        return chosen.filter(noisy.astype(np.float32))

    look = _unreferenced if test.truth == "none" else measuring.measured
    found = look(test, filtered, MARGIN, chosen.evaluation)
    outputs.write_evaluation(name, found.scores(), found.per_image(), found.histogram(), about={})


def _unreferenced(
    test: images.TestImages,
    denoise: measuring.Denoise,
    margin: int,
    settings: evaluate.Evaluation,
) -> Unreferenced:
    """What can be said without a truth."""
    found = Unreferenced(settings.histogram_step, Examples(settings.examples, test.crop))
    for prediction, group in measuring.predictions(test, denoise, margin):
        found.add(prediction, group.noisy, group.goes_on)
    return found


if __name__ == "__main__":
    command.run("evaluate_filter", main, "filter")
