"""One classical filter, untrained, over all test images of the budget."""

import dataclasses
from collections.abc import Callable

import numpy as np

from denoising.evaluation import evaluate, filters
from denoising.sections import validate
from stages.evaluating import measuring, outputs
from stages.shared import command, images, params

MARGIN = 2 * images.ALIGNED  # rows that filters see above and below a band of a large image


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which filter, on which dataset, and whether it is taken back through the noise's mean."""

    dataset: str
    filter: Callable[[np.ndarray], np.ndarray]
    corrected: bool
    evaluation: evaluate.Evaluation


def settings(content: params.Content, name: str) -> Settings:
    """The sections of one filter."""
    row = params.row(content, "filters", name)
    return Settings(
        dataset=row["dataset"],
        filter=filters.read(row["filter"], f"filters.{name}"),
        corrected=row.get("corrected", False),
        evaluation=validate(evaluate.Evaluation, content["evaluation"], "evaluation"),
    )


def main(content: params.Content, name: str) -> None:
    """Evaluate one filter."""
    chosen = settings(content, name)
    test = images.test_images(chosen.dataset, chosen.evaluation.examples)

    def filtered(noisy: np.ndarray) -> np.ndarray:
        return chosen.filter(noisy.astype(np.float32))

    denoise = measuring.corrected(filtered, chosen.dataset) if chosen.corrected else filtered
    found = measuring.measured(test, denoise, MARGIN, chosen.evaluation)
    outputs.write_evaluation(name, found.scores(), found.per_image(), found.histogram(), about={})


if __name__ == "__main__":
    command.run("evaluate_filter", main, "filter")
