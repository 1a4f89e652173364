"""Rows for further seeds of runs, written into params.yaml: python -m tools.seeds

A run with `seeds: [0, 1, 2]` is trained with the first. For each of the others there is a row
beside it, such as cnn_seed1, the same but for the seed, so that every training is a stage of its
own. `make repro` writes what is missing, and takes out what is not asked for any more.
"""

import re
from pathlib import Path

import yaml

from denoising.files import InputError, write_text
from stages import schema
from stages.shared import command, layout, params

MARK = "  # for a seed of the row above, by make repro\n"  # before each row
_WRITTEN = re.compile(re.escape(MARK) + r"  \S+:\n(?: {4}.*\n)*")
_RUNS = re.compile(r"^runs:.*\n(?:(?:[ \t#].*|[ \t]*)\n)*", re.MULTILINE)


def update(path: Path) -> None:
    """Bring the rows of a params.yaml up to date. Without seeds of runs it stays as it is.

    Raises
    ------
    InputError
        If it is not valid, or would not be. It is not written then.
    """
    params.read(path)  # refuses what is no text
    text = path.read_text(encoding="utf-8")
    written = with_rows(text, path)
    if written != text:
        schema.validate(params.parse(written, path), path)
        write_text(path, written)
        command.say(f"{path}: brought up to date with the seeds of its runs")


def with_rows(text: str, path: Path = layout.PARAMS) -> str:
    """A params.yaml with the rows that its runs' seeds ask for, all else as it is."""
    text = _WRITTEN.sub("", text)
    runs = params.parse(text, path).get("runs")
    found = _RUNS.search(text)
    if not isinstance(runs, dict) or not found:
        return text
    section = found.group()
    for name, row in runs.items():
        if isinstance(row, dict) and row.get("seeds"):
            section = _with_rows_of(section, name, params.rows_of_seeds(name, row), path)
    return text[: found.start()] + section + text[found.end() :]


def _with_rows_of(section: str, name: str, rows: params.Content, path: Path) -> str:
    """The section of runs with the rows of one run, after its own."""
    own = re.search(rf"^  {re.escape(name)}:.*\n(?: {{4}}.*\n)*", section, re.MULTILINE)
    if not own:
        raise InputError(f"{path}: runs.{name}: should begin with two spaces")
    blocks = []
    for key, row in rows.items():
        lines = yaml.safe_dump({key: row}, sort_keys=False).splitlines()
        blocks.append(MARK + "".join(f"  {line}\n" for line in lines))
    return section[: own.end()] + "".join(blocks) + section[own.end() :]


if __name__ == "__main__":
    with command.errors_of_one_line("seeds"):
        update(layout.PARAMS)
