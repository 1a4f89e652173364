"""Are dvc.lock and the committed results what this code and these parameters give?

Needs neither data nor models.
"""

import re
from pathlib import Path

from denoising.files import InputError
from stages import schema
from stages.shared import command, layout, params
from tools import programs


def main(content: params.Content) -> None:
    """Say so, or raise InputError with all that is not fresh."""
    chosen = schema.validate(content)
    wanted = [
        *map(layout.metrics_file, (*chosen.runs, *chosen.debiased, *chosen.filters)),
        layout.TABLES,
        *(Path(f"plots/{name}.png") for name in layout.FIGURES),
    ]
    problems = [f"{path} is missing" for path in wanted if not path.is_file()]
    # each of the three alone can miss a stale tree: exit code, planned stages, metric files
    dry = programs.call("dvc", "repro", "--dry", "--allow-missing")
    planned = re.findall(
        r"(?:Running stage|failed to reproduce) '([^']+)'", dry.stdout + dry.stderr
    )
    problems += [f"{stage} would run" for stage in planned]
    if dry.returncode and not planned:
        problems.append(" ".join(dry.stderr.split()))
    if problems:
        raise InputError(
            f"dvc.lock is not fresh: {'; '.join(problems)}. Run `make repro` and commit what it "
            "changes."
        )
    command.say("dvc.lock is fresh: nothing would run, every metric and figure is there")


if __name__ == "__main__":
    command.run("fresh", main)
