"""One cell of the table: the error on test images, for every seed.

What a seed gave is kept, so that a cell that was killed goes on with the next one.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

import denoising
from denoising.files import read_json, sha256, write_json
from denoising.training.checkpoints import code_of, digest
from denoising.training.examples import Arrays
from stages.shared import command, layout
from studies import images as shared
from studies import learning
from studies.decision import cells, images
from studies.decision.cells import Chosen
from studies.decision.settings import FILE, Settings, measured_file, validate
from studies.images import Split

HERE = Path(shared.__file__).parent
CHECKPOINTS = layout.CHECKPOINTS / "decision"
# what makes errors of predictions, beside what training is made of
CODE = ("evaluation/metrics.py", "inference/tiles.py", "noise")


def main(content: dict[str, Any], name: str) -> None:
    """Measure one cell."""
    settings = validate(content)
    cell, _ = settings.cell(name)
    one = cells.chosen(name)
    test = images.of_set(settings, cell.images, "test")
    found = []
    if not one.network:
        found.append(images.errors(cells.filtered(one), test))
    else:
        data = cells.data_of(settings, cell, one)
        for seed in settings.seeds:
            kept = CHECKPOINTS / name / f"{_key(settings, name, one, data, test, seed)}.json"
            if not kept.is_file():
                denoise = cells.trained(settings, cell, one, data, seed)
                write_json(kept, images.errors(denoise, test))
            found.append(read_json(kept))
            command.say(f"{name}: seed {seed}: {found[-1]['psnr']:.2f} dB")
    about = one._asdict()
    del about["noise"]
    write_json(measured_file(name), about | {"seeds": found})


def _key(settings: Settings, name: str, one: Chosen, data: Arrays, test: Split, seed: int) -> str:
    """Everything that the errors of one seed depend on, as one name."""
    from denoising.compute import backend

    cell, of_set = settings.cell(name)
    asked = {
        "cell": cell.model_dump(),
        "chosen": one._asdict(),
        "network": of_set.networks[one.network],
        "noise": of_set.noise,
        "optimizer": settings.optimizer.model_dump(),
        "precision": backend.resolve_precision(settings.precision),
        "seed": seed,
        "work": of_set.work.model_dump(),
    }
    library = Path(denoising.__file__).parent
    code = [*(library / part for part in CODE), *code_of(one.network, one.section["name"])]
    pixels = hashlib.sha256()
    for array in (*data.training, *data.validation, *test.clean, *test.noisy):
        pixels.update(np.ascontiguousarray(array).data)
    mine = (cells.__file__, images.__file__, shared.__file__, learning.__file__)
    own = {str(Path(file).relative_to(HERE)): sha256(file) for file in mine}
    return digest(
        asked, code, own | {"pixels": pixels.hexdigest()}, backend.description()["versions"]
    )


if __name__ == "__main__":
    command.run("studies.decision.measure", main, "cell", path=FILE, check=validate)
