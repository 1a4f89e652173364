"""One cell of the table: the error on test images, for every seed.

What a seed gave is kept, so that a cell that was killed goes on with the next one.
"""

from pathlib import Path
from typing import Any

import denoising
from denoising.files import write_json
from denoising.training.checkpoints import code_of
from denoising.training.examples import Arrays
from stages.shared import command, layout
from studies import images as shared
from studies import kept, learning
from studies.decision import cells, images
from studies.decision.cells import Chosen
from studies.decision.settings import FILE, Cell, Settings, measured_file, validate
from studies.images import Split

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
            file = CHECKPOINTS / name / f"{key(settings, cell, one, data, test, seed)}.json"

            def errors(seed: int = seed) -> dict[str, float]:
                return images.errors(cells.trained(settings, cell, one, data, seed), test)

            found.append(kept.once(file, errors))
            command.say(f"{name}: seed {seed}: {found[-1]['psnr']:.2f} dB")
    about = one._asdict()
    del about["noise"]
    write_json(measured_file(name), about | {"seeds": found})


def key(settings: Settings, cell: Cell, one: Chosen, data: Arrays, test: Split, seed: int) -> str:
    """Everything that the errors of one seed depend on, as one name."""
    of_set = settings.images[cell.images]
    asked = {
        "cell": cell.model_dump(),
        "chosen": one._asdict(),
        "network": of_set.networks[one.network],
        "noise": of_set.noise,
        "optimizer": settings.optimizer.model_dump(),
        "precision": settings.precision,
        "seed": seed,
        "work": of_set.work.model_dump(),
    }
    library = Path(denoising.__file__).parent
    code = [*(library / part for part in CODE), *code_of(one.network, one.section["name"])]
    modules = (cells.__file__, images.__file__, shared.__file__, learning.__file__)
    pixels = (*data.training, *data.validation, *test.clean, *test.noisy)
    return kept.key(asked, code, modules, pixels)


if __name__ == "__main__":
    command.run("studies.decision.measure", main, "cell", path=FILE, check=validate)
