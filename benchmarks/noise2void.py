"""Noise2Void and N2V2 on BSD68 at sigma 25, beside clean targets: python -m benchmarks.noise2void

Images, noise and network are those of studies/decision, whose images have to be there (`make study
NAME=decision`). Epochs are more than there, the same for all: a quarter of an hour on two cores
with bfloat16, an hour without. Rows that are done are kept in .checkpoints. The published number is
that of the first paper that `denoising/methods/noise2void.py` names. Writes
benchmarks/noise2void.json and .md.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from denoising.files import write_json, write_text
from denoising.reporting.tables import pipes
from denoising.sections import read_kind
from stages.shared import layout, params
from studies import kept
from studies.decision import cells, images, measure
from studies.decision.cells import Chosen
from studies.decision.settings import FILE, Cell, Settings, validate

FOLDER = Path(__file__).parent
SET = "bsd68"
EPOCHS = 6
SEED = 0
PLAIN = {"residual": False, "zero_output": False}  # what was hidden must not come back unchanged
SMOOTH = {"blurred_pooling": True, "top_skip": False}  # N2V2's network
N2V = {"name": "noise2void", "masked": 0.015}
# method, changes of the network, and what the method's paper has on BSD68, dB
ROWS: dict[str, tuple[dict[str, Any], dict[str, Any], float | None]] = {
    "Noise2Void, uniform": (N2V | {"replacement": "uniform"}, PLAIN, 27.71),
    "N2V2, median": (N2V | {"replacement": "median"}, PLAIN | SMOOTH, None),
    "clean targets": ({"name": "supervised", "loss": {"name": "mse"}}, PLAIN, None),
}


def main() -> None:
    """Measure, and write both files."""
    settings = validate(params.read(FILE))
    rows = []
    for name, (section, changes, published) in ROWS.items():
        found = _measured(settings, section, changes)
        rows.append({"name": name, "published_psnr": published, **found})
        print(rows[-1], flush=True)
    write_json(FOLDER / "noise2void.json", {"epochs": EPOCHS, "rows": rows})
    write_text(FOLDER / "noise2void.md", _page(rows))


def _measured(
    settings: Settings, section: dict[str, Any], changes: dict[str, Any]
) -> dict[str, float]:
    """The errors on BSD68 of what a method learns."""
    of_set = settings.images[SET]
    networks = of_set.networks | {"unet": of_set.networks["unet"] | changes}
    work = of_set.work.model_copy(update={"epochs": EPOCHS})
    asked = settings.changed(SET, networks=networks, work=work)
    method = read_kind("methods", section, "method")
    one = Chosen(section["name"], section, "unet", method.assumes, False, of_set.noise)
    cell = Cell(have="pairs", images=SET)
    data = cells.data_of(asked, cell, one)
    test = images.of_set(asked, SET, "test")
    file = measure.key(asked, cell, one, data, test, SEED) + ".json"
    return kept.once(
        layout.CHECKPOINTS / "noise2void" / file,
        lambda: images.errors(cells.trained(asked, cell, one, data, SEED), test),
    )


def _page(rows: list[dict[str, Any]]) -> str:
    table = [
        {
            "learned by": row["name"],
            "BSD68, dB": f"{row['psnr']:.2f}",
            "its paper, dB": f"{row['published_psnr']:.2f}" if row["published_psnr"] else "",
        }
        for row in rows
    ]
    return pipes(pd.DataFrame(table)) + "\n"


if __name__ == "__main__":
    main()
