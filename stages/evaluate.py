"""One trained run over all test images of the budget."""

from stages.evaluating import prediction
from stages.shared import command, layout, log, params


def settings(content: params.Content, name: str) -> prediction.Settings:
    """The sections of one evaluation."""
    return prediction.settings(content, name)


def main(content: params.Content, name: str) -> None:
    """Evaluate one run."""
    chosen = settings(content, name)
    made_of = prediction.provenance(chosen)
    done = prediction.predict(layout.model_file(name), chosen)
    prediction.measure(name, made_of, done.prediction, done, chosen)
    log.write_log(
        "evaluate",
        name,
        model_sha256=made_of["model_sha256"],
        precision=done.facts["inference_precision"],
        milliseconds_an_image=done.milliseconds,
    )


if __name__ == "__main__":
    command.run("evaluate", main, "run")
