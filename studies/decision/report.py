"""The table: what you have, and what to do with it."""

from typing import Any

import numpy as np
from scipy import stats

from denoising.files import InputError, read_json, write_json, write_text
from stages.shared import command
from studies.decision.settings import (
    COSTS,
    FILE,
    FOLDER,
    HAVE,
    Settings,
    measured_file,
    validate,
)

TITLES = {"mnist": "MNIST", "bsd68": "BSD68", "polyu": "PolyU"}
CONFIDENCE = 0.95


def main(content: dict[str, Any]) -> None:
    """Write the table, and its numbers."""
    settings = validate(content)
    cells = {
        name: read_json(measured_file(name))
        for name in settings.cells
        if measured_file(name).is_file()
    }
    if not cells:
        raise InputError(f"{FOLDER}/measured: no cell is measured; run `make study NAME=decision`")
    costs = read_json(COSTS, "device_name", "cores", "precision", "cells")
    found = {name: numbers(one) | costs["cells"].get(name, {}) for name, one in cells.items()}
    write_json(FOLDER / "metrics.json", found)
    write_text(FOLDER / "report.md", table(settings, cells, costs))
    command.say(f"{FOLDER}/report.md: {len(cells)} of {len(settings.cells)} cells")


def numbers(cell: dict[str, Any]) -> dict[str, Any]:
    """Means over seeds, and 95 % intervals by Student's t; none of what is the same for all."""
    found: dict[str, Any] = {"method": cell["name"], "seeds": len(cell["seeds"])}
    for key in ("psnr", "mse"):
        values = np.array([seed[key] for seed in cell["seeds"]])
        found[key] = float(values.mean())
        if len(values) > 1:
            spread = float(stats.sem(values))
            quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
            found[f"{key}_low"] = found[key] - quantile * spread
            found[f"{key}_high"] = found[key] + quantile * spread
    return found


def table(settings: Settings, cells: dict[str, dict[str, Any]], costs: dict[str, Any]) -> str:
    """The table, and what its methods presume."""
    sets = list(settings.images)
    noise = [f"{TITLES.get(name, name)}, {_noise(settings.images[name].noise)}" for name in sets]
    lines = [["what you have", *noise], ["---"] * (1 + len(sets))]
    by_place = {f"{one.images}_{one.have}": name for name, one in settings.cells.items()}
    for have, words in HAVE.items():
        row = [words]
        for name in sets:
            place = f"{name}_{have}"
            cell = by_place.get(place, "")
            missing = settings.missing.get(place, "not measured yet")
            spent = costs["cells"].get(cell, {})
            row.append(_cell(cells[cell], spent) if cell in cells else missing)
        lines.append(row)
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    presumed = {_method(one): one["assumes"] for one in cells.values() if one["assumes"]}
    listed = [f"- {name}: {'; '.join(assumes)}." for name, assumes in sorted(presumed.items())]
    title = "# What you have, and what to do with it"
    about = (
        f"PSNR and MSE are means over test images, predictions cut to [0, 1]; in brackets a 95 % "
        f"interval over {len(settings.seeds)} seeds of the training. Minutes are of the training, "
        f"seconds of an image where nothing is trained, on {costs['cores']} cores of "
        f"{costs['device_name']} in {costs['precision']}. Networks learn by the method that "
        "`make advise` puts first; filters are chosen by their error on validation images, even "
        "where what they presume does not hold, as on clipped digits."
    )
    return "\n\n".join([title, text, about, "What each presumes:", "\n".join(listed)]) + "\n"


def _noise(section: dict[str, Any]) -> str:
    if section["name"] != "gaussian":
        return "the noise of five cameras"
    clipped = "clipped" if section["clip"] else "not clipped"
    return f"sigma {section['sigma']:.3g}, {clipped}"


def _method(cell: dict[str, Any]) -> str:
    network = f", {cell['network']}" if cell["network"] else ""
    return f"`{cell['name']}`{network}"


def _cell(cell: dict[str, Any], spent: dict[str, float]) -> str:
    found = numbers(cell)
    parts = [f"{_method(cell)}: {found['psnr']:.2f} dB"]
    if "psnr_low" in found:
        parts[0] += f" ({found['psnr_low']:.2f} .. {found['psnr_high']:.2f})"
    parts.append(f"MSE {found['mse']:.5f}")
    if "minutes" in spent:
        parts.append(f"{spent['minutes']:.1f} minutes")
    elif spent:
        parts.append(f"{spent['seconds_an_image']:.2g} s")
    return ", ".join(parts)


if __name__ == "__main__":
    command.run("studies.decision.report", main, path=FILE, check=validate)
