"""One trained run over all test images of the budget."""

import time

from denoising import backend, datasets, evaluation, execution, inference, saving, tuning
from denoising.files import read_json, sha256
from stages import command, layout, outputs


def main(params, name):
    settings = params.evaluate_settings(name)
    precision = backend.resolve_precision(settings.precision)
    batch_size = settings.evaluation.batch_size
    backend.prepare(0)
    trained = saving.load(layout.model_file(name))
    clean, noisy = datasets.read(layout.dataset_file(settings.data, "test"), "test")
    by_fft = tuning.choose(
        settings.convolution, trained, clean.shape[1:], batch_size, precision, "inference", log=command.say
    )
    model = execution.for_inference(trained, precision, by_fft)
    targets = datasets.pairs(*datasets.read(layout.dataset_file(settings.data, "train"), "train"), settings.target)[1]
    inference.denoise(model, noisy[0][:batch_size], batch_size)  # compiles, so that the seconds below are those of work

    started = time.perf_counter()
    prediction = inference.denoise(model, noisy[0], batch_size)
    seconds = time.perf_counter() - started
    scores, per_image = evaluation.evaluate(prediction, clean, noisy[0], settings.evaluation)
    scores |= {"collapsed": evaluation.collapsed(scores), "parameters": trained.count_params()}
    scores |= _trained_with(read_json(layout.provenance_file(name), "environment", "settings", "convolutions_by_fft"))
    scores |= {"inference_precision": precision, "inference_convolutions_by_fft": len(by_fft)}
    if scores["collapsed"]:
        yardsticks = f"noisy input {scores['noisy_mse']:.5f}, constant image {scores['constant_mse']:.5f}"
        command.say(f"\n*** {name} COLLAPSED: MSE {scores['mse']:.5f}, {yardsticks} ***\n")
    histogram = evaluation.histograms(
        settings.evaluation.histogram_step,
        training_targets=targets,
        test_images=datasets.to_unit(clean),
        noisy_images=noisy[0],
        predictions=prediction,
    )
    outputs.write_evaluation(name, scores, per_image, histogram)
    model_sha256 = sha256(layout.model_file(name))
    milliseconds = round(seconds / len(clean) * 1000, 3)
    outputs.write_log("evaluate", name, model_sha256=model_sha256, precision=precision, milliseconds_an_image=milliseconds)


def _trained_with(provenance):
    """What a reader of the metrics wants to know of the training's machine."""
    environment = provenance["environment"]
    backend = environment["backend"]
    return {
        "precision": provenance["settings"]["precision"],
        "convolutions_by_fft": len(provenance["convolutions_by_fft"]),
        "device": environment["device_name"],
        "backend": f"{backend} {environment['versions'][backend]}",
    }


if __name__ == "__main__":
    command.run("evaluate", main, "run")
