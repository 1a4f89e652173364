"""What is done in a cell of the table, chosen without test images.

Of what trains, it is what the advice puts first for what there is, and the noise as that tells it.
Of filters, validation images choose.
"""

from typing import Any

from denoising.advice.advise import advise
from denoising.advice.candidates import Candidate
from denoising.advice.look import look
from denoising.evaluation import filters
from denoising.files import write_json
from stages.shared import command
from studies.decision import images
from studies.decision.settings import FILE, Cell, Settings, chosen_file, validate


def main(content: dict[str, Any], name: str) -> None:
    """Choose for one cell."""
    settings = validate(content)
    cell, _ = settings.cell(name)
    choose = _filter if cell.have in settings.filters else _advised
    one, noise = choose(settings, cell)
    found = one._asdict() | {"assumes": list(one.assumes), "noise": noise}
    write_json(chosen_file(name), found)
    command.say(f"{name}: {one.name}")


def _advised(settings: Settings, cell: Cell) -> tuple[Candidate, dict[str, Any]]:
    train = images.of_set(settings, cell.images, "train")
    kind: Any = cell.have
    second = images.second_shots(settings, cell.images, train) if kind == "shots" else None
    shortest = min(min(one.shape[:2]) for one in train.noisy)
    advice = advise(look(kind, shortest, train.noisy, second))
    return advice.best.candidate, advice.noise


def _filter(settings: Settings, cell: Cell) -> tuple[Candidate, dict[str, Any]]:
    held_out = images.of_set(settings, cell.images, "validation")
    found = []
    for place, section in enumerate(settings.filters[cell.have]):  # type: ignore[index]
        by = filters.read(section, f"filters.{cell.have}[{place}]")
        psnr = images.errors(images.whole(by), held_out)["psnr"]
        command.say(f"{_name(section)}: {psnr:.2f} dB on validation images")
        found.append((psnr, Candidate(_name(section), section, "", by.assumes)))
    return max(found, key=lambda one: one[0])[1], {"name": "real"}


def _name(section: dict[str, Any]) -> str:
    return " ".join(str(section[key]) for key in ("name", "filter") if key in section)


if __name__ == "__main__":
    command.run("studies.decision.choose", main, "cell", path=FILE, check=validate)
