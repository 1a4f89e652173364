"""One trained run over all test images of the budget."""

from denoising.files import sha256
from stages.shared import command, layout, outputs, prediction


def main(params, name):
    settings = params.evaluate_settings(name)
    model_file = layout.model_file(name)
    done = prediction.predict(model_file, settings)
    prediction.measure(name, name, done.prediction, done, settings)
    outputs.write_log(
        "evaluate",
        name,
        model_sha256=sha256(model_file),
        precision=done.facts["inference_precision"],
        milliseconds_an_image=done.milliseconds,
    )


if __name__ == "__main__":
    command.run("evaluate", main, "run")
