"""Noise2Void and N2V2 on BSD68 at sigma 25, beside clean targets: python -m benchmarks.noise2void

Images, noise and network are those of studies/decision, whose images have to be there (`make study
NAME=decision`). Epochs are more than there, the same for all: a quarter of an hour on two cores
with bfloat16, an hour without. A row that benchmarks/noise2void.json has of the same code and data
is not learned again. The published number is that of the first paper that
`denoising/methods/noise2void.py` names. Writes benchmarks/noise2void.json and .md.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from denoising.files import read_json, write_json, write_text
from denoising.reporting.tables import pipes
from denoising.sections import read_kind
from stages.shared import params
from studies.decision import cells, images, measure
from studies.decision.cells import Chosen
from studies.decision.settings import FILE, Cell, Settings, validate

RESULTS = Path(__file__).with_suffix(".json")
SET = "bsd68"
EPOCHS = 6
SEED = 0
PLAIN = {"residual": False, "zero_output": False}  # what was hidden must not come back unchanged
RESIDUAL = {"residual": True, "zero_output": True}
SMOOTH = {"blurred_pooling": True, "top_skip": False}  # N2V2's network
N2V = {"name": "noise2void", "masked": 0.015}
# method, changes of the network, and what the method's paper has on BSD68, dB
ROWS: dict[str, tuple[dict[str, Any], dict[str, Any], float | None]] = {
    "Noise2Void, uniform": (N2V | {"replacement": "uniform"}, PLAIN, 27.71),
    "Noise2Void, uniform, residual U-Net": (N2V | {"replacement": "uniform"}, RESIDUAL, 27.71),
    "N2V2, median": (N2V | {"replacement": "median"}, PLAIN | SMOOTH, None),
    "clean targets": ({"name": "supervised", "loss": {"name": "mse"}}, PLAIN, None),
}


def main() -> None:
    """Measure, and write both files, anew after each row."""
    settings = validate(params.read(FILE))
    done = read_json(RESULTS, "rows")["rows"] if RESULTS.is_file() else []
    rows = {row["name"]: row for row in done}
    for name, (section, changes, published) in ROWS.items():
        key, measured = _prepared(settings, section, changes)
        if name not in rows or rows[name]["key"] != key:
            row = {"name": name, "published_psnr": published, "key": key, "errors": measured()}
            rows[name] = row
            present = [rows[one] for one in ROWS if one in rows]
            write_json(RESULTS, {"epochs": EPOCHS, "rows": present})
            write_text(RESULTS.with_suffix(".md"), _page(present))
        print(rows[name], flush=True)


def _prepared(
    settings: Settings, section: dict[str, Any], changes: dict[str, Any]
) -> tuple[str, Callable[[], dict[str, float]]]:
    """What a row depends on, as one name; and its errors on BSD68, which takes long."""
    of_set = settings.images[SET]
    networks = of_set.networks | {"unet": of_set.networks["unet"] | changes}
    work = of_set.work.model_copy(update={"epochs": EPOCHS})
    asked = settings.changed(SET, networks=networks, work=work)
    method = read_kind("methods", section, "method")
    one = Chosen(section["name"], section, "unet", method.assumes, False, of_set.noise)
    cell = Cell(have="pairs", images=SET)
    data = cells.data_of(asked, cell, one)
    test = images.of_set(asked, SET, "test")
    key = measure.key(asked, cell, one, data, test, SEED)
    return key, lambda: images.errors(cells.trained(asked, cell, one, data, SEED, print), test)


def _page(rows: list[dict[str, Any]]) -> str:
    table = [
        {
            "learned by": row["name"],
            "BSD68, dB": f"{row['errors']['psnr']:.2f}",
            "its paper, dB": f"{row['published_psnr']:.2f}" if row["published_psnr"] else "",
        }
        for row in rows
    ]
    return pipes(pd.DataFrame(table)) + "\n"


if __name__ == "__main__":
    main()
