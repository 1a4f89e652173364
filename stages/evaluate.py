"""One trained run over all test images of the budget."""

from denoising.evaluation import sure
from stages.evaluating import prediction
from stages.shared import command, images, layout, log, params


def settings(content: params.Content, name: str) -> prediction.Settings:
    """The sections of one evaluation."""
    return prediction.settings(content, name)


def main(content: params.Content, name: str) -> None:
    """Evaluate one run."""
    chosen = settings(content, name)
    made_of = prediction.provenance(chosen)
    test = images.test_images(chosen.dataset, chosen.evaluation.examples)
    predictor = prediction.Predictor(layout.model_file(name), chosen, test)
    scores = prediction.measure(name, made_of, predictor, test, chosen)
    passes = 1 + sure.DRAWS if scores.get("estimate") else 1  # that the network made
    log.write_log(
        "evaluate",
        name,
        model_sha256=made_of["model_sha256"],
        precision=predictor.facts["inference_precision"],
        milliseconds_an_image=round(predictor.seconds / test.count / passes * 1000, 3),
    )


if __name__ == "__main__":
    command.run("evaluate", main, "run")
