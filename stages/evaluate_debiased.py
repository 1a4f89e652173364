"""A trained run once more, its predictions taken back through the mean of the noise that it learned from.

Squared error teaches a network the mean of its targets. Where noise moves that mean, as clipping does, the inverse of the
noise model's mean moves it back (Foi 2009). Nothing is trained.
"""

import numpy as np

from stages.shared import command, layout, prediction


def main(params, name):
    settings = params.debiased_settings(name)
    done = prediction.predict(layout.model_file(settings.run), settings)
    corrected = settings.noise.debias(done.prediction).astype(np.float32)
    prediction.measure(name, settings.run, corrected, done, settings)


if __name__ == "__main__":
    command.run("evaluate_debiased", main, "row")
