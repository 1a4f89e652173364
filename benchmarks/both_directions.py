"""What it brings that both of a pair change places: python -m benchmarks.both_directions

Noise2Noise on pairs of digits whose noise is drawn once, by U-Net, with the work of the default
budget: 4,500 pairs, 3 epochs, and a tenth of the pairs as often. Noise is not clipped, so that
nothing but the pairs matters. Takes some six minutes. Writes benchmarks/both_directions.json and
.md.
"""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import digits
from denoising.compute import backend, execution
from denoising.compute.plan import Plan
from denoising.data import datasets
from denoising.data.store import to_unit
from denoising.evaluation import metrics
from denoising.files import write_json, write_text
from denoising.inference import predict
from denoising.sections import read_kind
from denoising.training import fit
from denoising.training.checkpoints import Nowhere
from denoising.training.examples import Arrays
from stages import corrupt, train
from stages.shared import layout, params

FOLDER = Path(__file__).parent
NOISE = {"name": "gaussian", "sigma": 0.5, "clip": False}
SEEDS = 3
PAIRS = (4500, 450)


def main() -> None:
    """Measure, and write both files."""
    content = params.read(layout.PARAMS)
    chosen = corrupt.settings(content, "gauss50")
    noise = read_kind("noise", NOISE, "noise")
    clean = {split: pair[0] for split, pair in digits.arrays(chosen).items()}
    data = {
        split: (images, datasets.corrupt(images, noise, 0, "both_directions", split))
        for split, images in clean.items()
    }
    rows = []
    for pairs in PAIRS:
        for both in (False, True):
            found = [_error(content, data, noise, pairs, both, seed) for seed in range(SEEDS)]
            rows.append({"pairs": pairs, "both_directions": both, "mse": found})
            print(rows[-1], flush=True)
    write_json(FOLDER / "both_directions.json", {"rows": rows})
    write_text(FOLDER / "both_directions.md", _page(rows))


def _error(
    content: params.Content, data: dict[str, Any], noise: Any, pairs: int, both: bool, seed: int
) -> float:
    """MSE over the test images; fewer pairs are seen as much more often."""
    asked = train.settings(content, "unet")
    method = {"name": "noise2noise", "both_directions": both, "loss": {"name": "mse"}}
    plan = Plan(backend.resolve_precision(asked.precision))
    settings = fit.Settings(
        network="unet",
        section=asked.section,
        method=read_kind("methods", method, "method"),
        noise=noise,
        seed=seed,
        stream="both_directions",
        plan=plan,
        optimizer=asked.optimizer,
        work=asked.work.model_copy(update={"epochs": asked.work.epochs * PAIRS[0] // pairs}),
    )
    clean, noisy = data["train"]
    examples = Arrays((clean[:pairs], noisy[:, :pairs]), data["validation"])
    model = fit.fit(settings, examples, Nowhere(), str).model
    clean, noisy = data["test"]
    fast = execution.for_inference(model, plan)
    prediction = predict.denoise(fast, noisy[0], 256)
    return float(metrics.mse_per_image(prediction, to_unit(clean)).mean())


def _page(rows: list[dict[str, Any]]) -> str:
    lines = [
        "# Both directions of a pair",
        "",
        "Made by `python -m benchmarks.both_directions`: MSE of Noise2Noise with U-Net on digits,",
        f"noise of sigma {NOISE['sigma']} that is not clipped, mean and range over {SEEDS} seeds. "
        "The work is the",
        "same in every row.",
        "",
        "| pairs | both directions | MSE |",
        "|---|---|---|",
    ]
    for row in rows:
        found = np.array(row["mse"])
        said = "yes" if row["both_directions"] else "no"
        numbers = f"{found.mean():.5f} ({found.min():.5f} to {found.max():.5f})"
        lines.append(f"| {row['pairs']:,} | {said} | {numbers} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
