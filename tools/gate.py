"""Fail when a denoiser has become worse.

Not a stage: a failing check in the pipeline would stand in the way of exploring. Compares the
metrics of the workspace with those of a git revision, the base, and with `reference.json`, which
moves only by `make reference`, so that many small steps in one direction are seen too. Needs
neither data nor models.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from denoising.files import InputError, read_json, write_bytes, write_text
from denoising.reporting.tables import pipes
from denoising.sections import shortened
from stages import schema
from stages.shared import command, layout, params
from tools import programs, reference
from tools.regression import Judgement, judge

Pair = tuple[Judgement, Judgement]


def compare(content: params.Content, base: str) -> list[Pair]:
    """Judge every run that the parameters name, beside the base and beside the reference.

    Parameters
    ----------
    content : dict
        Of params.yaml.
    base : str
        A git revision.

    Raises
    ------
    InputError
        If the base is not a revision or has no metrics, or there is no reference or tolerance.
    """
    settings = schema.validate(content)
    gate = settings.gate
    if settings.budget not in gate.tolerance:
        budgets = ", ".join(gate.tolerance)
        raise InputError(f"gate.tolerance: has no budget {settings.budget}; has {budgets}")
    revision = _commit(base)
    then, before = _metrics_at(base, revision), _params_at(revision)
    known = reference.read()
    amounts = reference.amounts(content)
    judgements = []
    for run in (*settings.runs, *settings.debiased):
        accepted = gate.accepted.get(run)
        now, unreadable = _workspace(run)
        common: dict[str, Any] = {
            "tolerance": gate.tolerance[settings.budget],
            "accepted": (accepted.value, accepted.reason) if accepted else None,
            "unreadable": unreadable,
        }
        difference = _difference(reference.amounts(before), amounts)
        if run not in then and any(run in _section(before, key) for key in ("runs", "debiased")):
            difference = "the base names it, but has no metrics of it"
        beside_base = judge(run, now, then.get(run), difference=difference, **common)
        beside_reference = judge(
            run, now, known["runs"].get(run), difference=_difference(known, amounts), **common
        )
        judgements.append((beside_base, beside_reference))
    return judgements


def table(judgements: Sequence[Pair]) -> str:
    """Markdown: one row per run."""
    rows = []
    for base, known in judgements:
        rows.append(
            {
                "run": base.run,
                "base": _number(base.base),
                "now": _number(base.now),
                "change": "" if base.change is None else f"{base.change:+.1%}",
                "95 % interval": " .. ".join(map(_number, base.interval or ())),
                "allowed": _number(base.allowed),
                "reference": _number(known.base),
                "verdict": _verdict(base, known).replace("|", "/"),
            }
        )
    return pipes(pd.DataFrame(rows))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5f}"


def _verdict(base: Judgement, known: Judgement) -> str:
    text = f"{base.verdict}: {base.reason}" if base.reason else base.verdict
    if base.verdict != "broken" and _fails_beside_reference(known):
        text += f"; reference: {known.verdict}"
        text += f": {known.reason}" if known.reason else f" than {_number(known.allowed)}"
    return f"**{text}**" if base.fails or _fails_beside_reference(known) else text


def _fails_beside_reference(known: Judgement) -> bool:
    # who changes what results are made of moves the reference with them, so that a reviewer sees it
    return known.fails or known.verdict == "not comparable"


def write_report(folder: Path, base: str, text: str) -> None:
    """What a reviewer wants to see, as Markdown, with the figure that it shows."""
    changes = programs.output("dvc", "metrics", "diff", "--md", base) or "None.\n"
    figure = Path("plots/histograms.png")
    parts = [
        f"# Beside {base}",
        text,
        f"\n{layout.TABLES.read_text()}".replace("\n#", "\n##").strip(),
        f"![Pixel-value histograms]({figure.name})",
        "## All metrics that changed",
        changes,
    ]
    write_text(folder / "report.md", "\n\n".join(parts))
    write_bytes(folder / figure.name, figure.read_bytes())


def main() -> None:
    """Print the table, and fail if a verdict does."""
    summary = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tools.gate", description=summary)
    parser.add_argument(
        "base",
        metavar="BASE",
        nargs="?",
        help="git revision to compare with, such as main or HEAD~1",
    )
    parser.add_argument(
        "--report",
        metavar="FOLDER",
        help="write report.md there: this table, all results, what changed",
    )
    arguments = parser.parse_args()
    with command.errors_of_one_line("gate"):
        if not arguments.base:
            raise InputError("BASE is missing: name a git revision, such as `make gate BASE=main`")
        judgements = compare(params.read(), arguments.base)
        failed = [
            base.run for base, known in judgements if base.fails or _fails_beside_reference(known)
        ]
        text = table(judgements)
        if arguments.report:
            write_report(Path(arguments.report), arguments.base, text)
        print(text)
    if failed:
        sys.exit(f"error: {', '.join(failed)}: see the verdicts above")


def _difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{key} {then[key]}, now {value}" for key, value in now.items() if then[key] != value
    )


def _workspace(run: str) -> tuple[dict[str, Any] | None, str]:
    """A run's metrics, or why its file cannot be read."""
    path = layout.metrics_file(run)
    if not path.exists():
        return None, ""
    try:
        return read_json(path), ""
    except InputError as error:
        return None, str(error)
    except OSError as error:
        return None, f"{path}: {error.strerror}"


def _commit(base: str) -> str:
    """The id of a revision's commit."""
    try:
        return programs.output("git", "rev-parse", "--verify", f"{base}^{{commit}}").strip()
    except InputError:
        raise InputError(
            f"BASE = {shortened(base)}: not a revision of this repository; fetch it, or name "
            "another, such as HEAD~1"
        ) from None


def _metrics_at(base: str, revision: str) -> dict[str, dict[str, Any]]:
    """Metrics by name at a revision; what cannot be read there is left out."""
    folder = layout.metrics_file("").parent
    listed = programs.output("git", "ls-tree", "-z", "--name-only", revision, f"{folder}/")
    metrics = {}
    for path in map(Path, filter(None, listed.split("\0"))):
        try:
            scores = json.loads(programs.output("git", "show", f"{revision}:./{path}"))
        except (ValueError, RecursionError):
            continue
        if isinstance(scores, dict) and scores.get("mse") is not None:
            metrics[path.stem] = scores
    if not metrics:
        raise InputError(
            f"BASE = {shortened(base)}: has no metrics; name a revision in which `make repro` "
            f"was run and {folder}/ committed"
        )
    return metrics


def _params_at(revision: str) -> params.Content:
    """What params.yaml held at a revision, in whatever format; nothing if it cannot be read."""
    try:
        text = programs.output("git", "show", f"{revision}:./{layout.PARAMS}")
        return params.parse(text, layout.PARAMS)
    except InputError:
        return {}


def _section(content: params.Content, key: str) -> Mapping[str, Any]:
    section = content.get(key)
    return section if isinstance(section, Mapping) else {}


if __name__ == "__main__":
    main()
