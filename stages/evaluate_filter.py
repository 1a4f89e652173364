"""One classical filter, untrained, over all test images of the budget."""

import numpy as np

from denoising.data import datasets
from denoising.evaluation import evaluate as evaluation
from denoising.evaluation.filters import FILTERS
from stages.shared import command, layout, outputs


def main(params, name):
    settings = params.filter_settings(name)
    row = settings.filter
    clean, noisy = datasets.read(layout.dataset_file(row.data, "test"), "test")
    prediction = FILTERS[row.filter](noisy[0].astype(np.float32), **row.arguments)
    scores, per_image = evaluation.evaluate(prediction, clean, noisy[0], settings.evaluation)
    histogram = evaluation.histograms(
        settings.evaluation.histogram_step,
        test_images=datasets.to_unit(clean),
        noisy_images=noisy[0],
        predictions=prediction,
    )
    outputs.write_evaluation(name, scores, per_image, histogram)


if __name__ == "__main__":
    command.run("evaluate_filter", main, "filter")
