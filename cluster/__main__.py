"""What `dvc repro` does, with stages side by side: python -m cluster local

ADDRESS is "local" (all cores of this machine), "auto" (the cluster that this machine belongs to),
or the address of its head, such as 10.0.0.1:6379, or ray://10.0.0.1:10001 from outside. What nodes
need and what they make travels through the repository's default DVC remote; without one, `local`
takes the folder .dvc/remote.
"""

import argparse
import functools
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.snapshot import STUDIES
from denoising import sections
from denoising.files import InputError
from stages import schema
from stages.evaluating import shards
from stages.shared import command, params

_WORDS = {"cpus": ("all",)}  # what can be asked for beside a number, by option


def main() -> None:
    """Run what is stale. Exit codes: 0 done, 1 a stage failed, 2 wrong usage, 130 interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m cluster",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("address", metavar="ADDRESS")
    parser.add_argument(
        "--cpus",
        metavar="STAGE=N",
        action="append",
        default=[],
        help='cores of each instance of a stage, or "all", instead of what params.yaml says',
    )
    parser.add_argument(
        "--shards",
        metavar="STAGE=N",
        action="append",
        default=[],
        help="tasks that each instance of an evaluating stage is cut into, likewise",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(),
        help="of the pipeline, such as own/mine; its params.yaml and dvc.yaml are there",
    )
    parser.add_argument(
        "--only", choices=schema.STAGES, help="instances of this stage, and what they need"
    )
    arguments = parser.parse_args()
    with command.errors_of_one_line("cluster"):
        os.chdir(arguments.folder)
        if arguments.folder.parts[:1] == (STUDIES,):  # their parameters are their own
            given, runs, stages = {}, {}, tuple(params.read("dvc.yaml")["stages"])
        else:
            settings = schema.load()
            given, runs, stages = settings.resources, settings.runs, schema.STAGES
        asked = resources(given, stages, cpus=arguments.cpus, shards=arguments.shards)
        ranks = {f"train@{name}": row.ranks for name, row in runs.items()}
        sys.exit(0 if run(arguments.address, asked, ranks, arguments.only) else 1)


def resources(
    given: Mapping[Any, schema.Resources], stages: tuple[str, ...], **overrides: list[str]
) -> dict[str, Any]:
    """By stage, those of the command line first.

    Parameters
    ----------
    given : mapping
        Those of params.yaml.
    stages : tuple of str
        Of the pipeline.
    overrides : list of str
        Such as "train=4", by what is asked for.

    Raises
    ------
    InputError
        If an override is not of the form STAGE=N, or N is not what can be asked for.
    """
    found: dict[str, Any] = {str(stage): row for stage, row in given.items()}
    for what, override in ((what, one) for what, each in overrides.items() for one in each):
        values = _WORDS.get(what, ())
        named = shards.CUT if what == "shards" else stages
        stage, _, value = override.partition("=")
        if stage not in named or not (value.isdecimal() or value in values):
            number = " or ".join(["a number", *values])
            raise InputError(
                f"--{what} {override}: should be STAGE=N, N {number}, STAGE one of "
                f"{', '.join(named)}"
            )
        before = found.get(stage, schema.Resources()).model_dump(exclude_none=True)
        asked = before | {what: int(value) if value.isdecimal() else value}
        found[stage] = sections.validate(schema.Resources, asked, f"--{what} {stage}")
    return found


def run(address: str, asked: dict[str, Any], ranks: dict[str, int], only: str | None) -> bool:
    """Settle the pipeline of the working folder, or a stage of it. Returns whether all is done."""
    from dvc.repo import Repo

    from cluster import remotes, snapshot
    from cluster.coordinator import Coordinator
    from cluster.crew import LOCAL, Crew, imported
    from cluster.progress import Lines
    from cluster.record import Record
    from cluster.task import PACKAGES, Order, installed

    imported(address)
    config, remote = remotes.chosen(may_be_own=address == LOCAL)
    needed = PACKAGES + (("jax",) if max(ranks.values(), default=1) > 1 else ())
    versions = {package: installed(package) for package in needed}
    with Repo(config=config) as repo:
        told = remotes.for_nodes(repo, remote)
        root = Path(repo.root_dir)
        folder = str(Path.cwd().relative_to(root))
        record, shown = Record(address), Lines()
        crew = Crew(
            address,
            snapshot.pack(root, folder),
            functools.partial(Order, folder=folder, config=told, versions=versions),
            lambda stage: asked.get(stage.partition("@")[0], schema.Resources()),
            lambda stage: ranks.get(stage, 1),
            record,
            shown.line,
        )
        try:
            if crew.dashboard:
                command.say(f"Ray's dashboard: http://{crew.dashboard}")
            coordinator = Coordinator(repo, remote, crew, shown, only)
            shown.begin(len(coordinator.stages))
            try:
                is_settled = coordinator.run()
                if is_settled:
                    record.complete()
                return is_settled
            finally:
                shown.end()
        finally:
            crew.stop()


if __name__ == "__main__":
    main()
