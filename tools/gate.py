"""Fail when a denoiser has become worse. Not a stage: a failing check in the pipeline would stand in the way of exploring.

Compares the metrics of the workspace with those of a git revision, the base, and with `reference.json`, which moves only by
`make reference`, so that many small steps in one direction are seen too. Needs neither data nor models.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

from denoising.files import InputError, read_json, write_bytes, write_text
from denoising.reporting.tables import pipes
from stages import schema as params
from stages.shared import command, layout
from tools import reference
from tools.regression import judge


def compare(settings, base):
    """Judge every run that the parameters name, beside the base and beside the reference.

    Returns
    -------
    list of tuple (Judgement, Judgement)

    Raises
    ------
    InputError
        If the base is not a revision or has no metrics, or there is no reference or tolerance.
    """
    if settings.budget not in settings.gate.tolerance:
        raise InputError(
            f"gate.tolerance: has no budget {settings.budget}; has {', '.join(settings.gate.tolerance)}"
        )
    now, then, content = _workspace(), _at(base), _params_at(base)
    known = read_json(reference.FILE, "runs", *reference.amounts({}))
    amounts = reference.amounts(settings.model_dump())
    judgements = []
    for run in (*settings.runs, *settings.debiased):
        path = str(layout.metrics_file(run))
        accepted = settings.gate.accepted.get(run)
        common = (
            settings.gate.tolerance[settings.budget],
            (accepted.value, accepted.reason) if accepted else None,
        )
        difference = _difference(reference.amounts(content), amounts)
        if path not in then and any(
            run in (content.get(table) or {}) for table in ("runs", "debiased")
        ):
            difference = "the base names it, but has no metrics of it"
        beside_base = judge(run, now.get(path), then.get(path), *common, difference)
        beside_reference = judge(
            run, now.get(path), known["runs"].get(run), *common, _difference(known, amounts)
        )
        judgements.append((beside_base, beside_reference))
    return judgements


def table(judgements):
    """Markdown: a row a run."""
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
                "verdict": _verdict(base, known),
            }
        )
    return pipes(pd.DataFrame(rows))


def _number(value):
    return "" if value is None else f"{value:.5f}"


def _verdict(base, known):
    text = f"{base.verdict}: {base.reason}" if base.reason else base.verdict
    if base.verdict != "broken" and _fails_beside_reference(known):
        text += f"; reference: {known.verdict}" + (
            f": {known.reason}" if known.reason else f" than {known.allowed:.5f}"
        )
    return f"**{text}**" if base.fails or _fails_beside_reference(known) else text


def _fails_beside_reference(known):
    # who changes what results are made of moves the reference with them, so that a reviewer sees it
    return known.fails or known.verdict == "not comparable"


def write_report(folder, base, text):
    """What a reviewer wants to see, as Markdown, with the figure that it shows."""
    changes = _run("dvc", "metrics", "diff", "--md", base) or "None.\n"
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


def main():
    parser = argparse.ArgumentParser(
        prog="python -m tools.gate", description=__doc__.splitlines()[0]
    )
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
        judgements = compare(params.load(), arguments.base)
        failed = [
            base.run for base, known in judgements if base.fails or _fails_beside_reference(known)
        ]
        text = table(judgements)
        if arguments.report:
            write_report(Path(arguments.report), arguments.base, text)
        print(text)
    if failed:
        sys.exit(f"error: {', '.join(failed)}: see the verdicts above")


def _difference(then, now):
    return "; ".join(
        f"{key} {then[key]}, now {value}" for key, value in now.items() if then[key] != value
    )


def _workspace():
    """Metrics by file; a file that is missing or damaged is left out."""
    content = json.loads(_run("dvc", "metrics", "show", "--json"))
    files = content.get("", {}).get("data", {})
    return {
        path: file["data"] for path, file in files.items() if isinstance(file.get("data"), dict)
    }


def _at(base):
    """Metrics by file at a revision."""
    try:
        _run("git", "rev-parse", "--verify", f"{base}^{{commit}}")
    except InputError:
        raise InputError(
            f"BASE = {base!r}: not a revision of this repository; fetch it, or name another, such as HEAD~1"
        ) from None
    content = json.loads(_run("dvc", "metrics", "diff", "--all", "--json", base))
    metrics = {
        path: {key: value["old"] for key, value in values.items()}
        for path, values in content.items()
    }
    metrics = {path: values for path, values in metrics.items() if values.get("mse") is not None}
    if not metrics:
        raise InputError(
            f"BASE = {base!r}: has no metrics; name a revision in which `make repro` was run and metrics/ committed"
        )
    return metrics


def _params_at(base):
    try:
        return YAML(typ="safe", pure=True).load(_run("git", "show", f"{base}:params.yaml")) or {}
    except InputError:
        return {}


def _run(*command):
    """Output of a program that says by its exit code whether it is any good."""
    if command[0] == "dvc":
        command = [sys.executable, "-m", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(" ".join(done.stderr.split()))
    return done.stdout


if __name__ == "__main__":
    main()
