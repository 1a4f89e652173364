"""Run the pipeline on your own images, or on a public set: make repro SOURCE=path/to/folder

Each source has a folder of its own below own/, with the pipeline's outputs and a params.yaml that
is made once, from a preset, and then yours to edit.
"""

import argparse
import os
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from denoising.evaluation import metrics
from denoising.files import InputError, read_json, write_text
from denoising.sections import kinds, shortened
from stages import schema
from stages.shared import command, layout, params
from tools import folders, lockfile, seeds

OWN, PRESETS = Path("own"), Path("presets")
IMAGES = PRESETS / "images.yaml"  # what all presets stand on


def main(source: str, budget: str | None, cluster: Sequence[str] = ()) -> None:
    """Make the source's folder if it has none, and run what is not up to date in it.

    Parameters
    ----------
    cluster : sequence of str
        Arguments of `cluster`, which has stages side by side; (): one after another.

    Raises
    ------
    InputError
        If there is no such source, or something in its params.yaml is wrong.
    """
    folder, content = prepare(source, budget)
    command.say(f"{folder}: the pipeline at budget {content['budget']}")
    code = folders.side_by_side(folder, *cluster) if cluster else _repro(folder, content["runs"])
    lock = folder / layout.LOCK
    if lock.is_file():
        write_text(lock, lockfile.parse(lock.read_text()).text)
    if code:
        raise InputError(
            f"{folder}: a stage failed, see above; the same command goes on from there"
        )
    print((folder / layout.TABLES).read_text(), end="")
    print(f"tables and figures: {folder / 'plots'}")


def prepare(source: str, budget: str | None) -> tuple[Path, params.Content]:
    """The folder of a source, made if it is not there, and the content of its params.yaml.

    Raises
    ------
    InputError
        If there is no such source, or something in its params.yaml is wrong.
    """
    folder, section = _folder_of(source)
    if not (folder / layout.PARAMS).exists():
        write_text(folder / layout.PARAMS, _new_params(source, section))
        command.say(f"{folder / layout.PARAMS}: made; edit it as you like, it is never overwritten")
    _set_budget(folder / layout.PARAMS, budget)
    seeds.update(folder / layout.PARAMS)
    content = params.read(folder / layout.PARAMS)
    schema.validate(content, folder / layout.PARAMS)
    _check_same(source, section, folder, content)
    folders.write_pipeline(folder, content)
    # a dependency of the report, which nothing makes where nothing is trained
    (folder / layout.curve_file("none").parent).mkdir(parents=True, exist_ok=True)
    return folder, content


def _check_same(
    source: str, section: dict[str, Any], folder: Path, content: params.Content
) -> None:
    """Refuse a folder below own/ that is of other images of the same name."""
    others = folders.paths(content)
    if "path" not in section or not others:
        return
    known = {(folder / Path(other).expanduser()).resolve() for other in others}
    if Path(source).expanduser().resolve() not in known:
        raise InputError(
            f"SOURCE={source}: {folder} is of {folder / others[0]}; rename one of both, or edit "
            f"`path` in {folder / layout.PARAMS}"
        )


def _repro(folder: Path, runs: Iterable[str]) -> int:
    """Run what is not up to date; the exit code.

    Of runs that were never measured, each is measured as soon as it is trained, and its error told:
    DVC by itself would train all of them first.
    """
    began = time.monotonic()
    for run in runs:
        file = folder / layout.metrics_file(run)
        if file.exists():
            continue
        if code := folders.repro(folder, f"evaluate@{run}"):
            return code
        minutes = (time.monotonic() - began) / 60
        command.say(f"{run}: {_told(read_json(file))}, after {minutes:.0f} minutes")
    return folders.repro(folder)


def _told(scores: dict[str, Any]) -> str:
    """The error of a run, or what can be said where there is no truth."""
    if scores.get("truth") != "none":
        return f"PSNR {scores['psnr']:.2f} dB; of the noisy images {scores['noisy_psnr']:.2f} dB"
    if (psnr := scores.get("estimated_psnr")) is None:
        return str(scores.get("why") or "no estimate of its error")
    noisy = float(metrics.psnr(scores["estimated_noisy_mse"]))
    return f"PSNR {psnr:.2f} dB, estimated without a truth; of the noisy images {noisy:.2f} dB"


def _folder_of(source: str) -> tuple[Path, dict[str, Any]]:
    """The folder below own/ of a source, and the source's section."""
    if source in set(kinds("sources")) - {"folder"}:
        return OWN / source, {"name": source}
    path = Path(source).expanduser()
    if not source or not path.is_dir():  # an empty path would be this folder
        names = ", ".join(sorted(set(kinds("sources")) - {"folder"}))
        raise InputError(f"SOURCE={source}: no such folder, and none of {names}")
    name = re.sub("[^a-z0-9]+", "_", path.resolve().name.lower()).strip("_")[:48] or "images"
    return OWN / name, {"name": "folder", "path": os.path.relpath(path, OWN / name)}


def _new_params(source: str, section: dict[str, Any]) -> str:
    """The params.yaml of a source: the repository's, with the sections of presets in it."""
    name = section["name"]
    if name == "folder":
        from denoising.sources.shared.listing import kind_of

        name = kind_of(Path(source).expanduser())
    if name not in (known := presets()):
        made = ", ".join(known)
        raise InputError(
            f"SOURCE={source}: {name} has no preset; there are {made}. Add rows to params.yaml "
            "instead"
        )
    return compose(name).replace("FOLDER", f'"{section.get("path", "")}"')


def presets() -> list[str]:
    """Names of the presets: of kinds of folders, and of public sets."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml") if path != IMAGES)


def compose(preset: str) -> str:
    """The params.yaml of a preset, comments and all.

    Its sections stand in place of those for images of any size, and these in place of those for
    digits.
    """
    own = PRESETS / f"{preset}.yaml"
    layers = [path.read_text() for path in (layout.PARAMS, IMAGES, own)]
    sections: dict[str, str] = {}
    for text in layers:
        sections |= _sections(text)
    head = layers[-1].split("\n\n")[0]
    return "\n".join([head, "", *sections.values()])


def _sections(text: str) -> dict[str, str]:
    """The lines of each top-level key."""
    found: dict[str, list[str]] = {}
    key = ""
    for line in text.splitlines():
        if match := re.match(r"([a-z_]+):", line):
            key = match.group(1)
        if key:
            found.setdefault(key, []).append(line)
    return {key: "\n".join(lines).rstrip() + "\n" for key, lines in found.items()}


def _set_budget(path: Path, budget: str | None) -> None:
    if budget is None:
        return
    text = path.read_text()
    known = params.parse(text, path).get("budgets") or {}
    if budget not in known:
        allowed = ", ".join(known)
        raise InputError(f"BUDGET={shortened(budget)}: should be one of {allowed}")
    changed = re.sub(r"(?m)^budget: *[^\s#]+", f"budget: {budget}", text, count=1)
    if changed != text:
        write_text(path, changed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tools.own", description=__doc__.splitlines()[0]
    )
    parser.add_argument("source", help="a folder of images, or the name of a public set")
    parser.add_argument("--budget", help="how much work, one of those in its params.yaml")
    folders.add_cluster(parser)
    arguments = parser.parse_args()
    with command.errors_of_one_line("own"):
        main(arguments.source, arguments.budget, arguments.cluster)
