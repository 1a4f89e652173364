"""A trained run once more, its predictions taken back through the mean of its noise.

Squared error teaches a network the mean of its targets. Where noise moves that mean, as clipping
does, the inverse of the noise model's mean moves it back (Foi 2009). Nothing is trained.
"""

from stages.evaluating import measuring, prediction
from stages.shared import command, images, layout, params


def settings(content: params.Content, name: str) -> prediction.Settings:
    """The sections of one corrected row."""
    return prediction.settings(content, params.row(content, "debiased", name)["run"])


def main(content: params.Content, name: str) -> None:
    """Evaluate one run's corrected predictions."""
    chosen = settings(content, name)
    made_of = prediction.provenance(chosen)
    test = images.test_images(chosen.dataset, chosen.evaluation.examples)
    predictor = prediction.Predictor(layout.model_file(chosen.run), chosen, test)
    corrected = measuring.corrected(predictor, chosen.dataset)
    prediction.measure(name, made_of, predictor, test, chosen, corrected)


if __name__ == "__main__":
    command.run("evaluate_debiased", main, "row")
