"""Do photographs suffer less from clipped noisy targets than digits, and as much as predicted?

Squared error against clipped targets teaches g(y), the mean of the clipped pixel, in place of y.
If what else a network gets wrong is independent of that, its error on an image is that of the
network with clean targets plus the mean of (g(y) - y)^2 over the image's pixels, which needs no
network. After `make repro SOURCE=bsd`:

    cd own/bsd && PYTHONPATH=../.. python -m benchmarks.photographs

holds the published errors of results/bsd against this, seconds. Writes benchmarks/photographs.md.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from denoising.evaluation import metrics
from denoising.files import read_arrays, write_text
from denoising.noise.clipping import clipped_mean
from denoising.reporting.tables import pipes
from stages.shared import command, images, layout, params

PUBLISHED = layout.RESULTS / "bsd"
CLEAN, UNCLIPPED = "unet", "unet_n2n"  # inputs that are not clipped
CLEAN_CLIPPED, CLIPPED = "unet_clipped", "unet_n2n_clipped"
CORRECTED = "unet_n2n_clipped_inverse"


def main(content: params.Content) -> None:
    """Write the table."""
    test = images.image_set("bsd25_clipped", "test")
    sigma = content["datasets"]["bsd25_clipped"]["noise"]["sigma"]
    clean = [test.clean(index) for index in range(len(test))]
    bias = np.array([np.mean((clipped_mean(one, sigma) - one) ** 2) for one in clean])
    sets = np.array([test.name(index).partition("/")[0] for index in range(len(test))])
    errors = {
        name: read_arrays(path, "mse")[0]
        for name in (CLEAN, UNCLIPPED, CLEAN_CLIPPED, CLIPPED, CORRECTED)
        if (path := PUBLISHED / layout.per_image_file(name)).is_file()
    }
    base = CLEAN_CLIPPED if CLEAN_CLIPPED in errors else CLEAN
    rows = [_row(name, error, sets) for name, error in errors.items()]
    rows.append(_row(f"{CLIPPED}, predicted from {base}", errors[base] + bias, sets))
    rows.append(_row("bias alone", bias, sets))
    path = Path(__file__).with_suffix(".md")
    write_text(path, pipes(pd.DataFrame(rows)) + "\n")
    command.say(f"{path.name}: {len(rows)} rows")


def _row(name: str, errors: np.ndarray, sets: np.ndarray) -> dict[str, str]:
    """Mean PSNR on every test set, and the MSE over all images."""
    psnr = metrics.psnr(errors)
    found = {f"{part}, dB": f"{psnr[sets == part].mean():.2f}" for part in np.unique(sets)}
    return {"run": name} | found | {"MSE over images": f"{errors.mean():.6f}"}


if __name__ == "__main__":
    command.run("photographs", main)
