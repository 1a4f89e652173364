"""List what rows and datasets that params.yaml no longer names left behind: make prune.

DELETE=yes removes it. Goes by dvc.lock, which keeps the entries of stages that are gone, with the
paths of their outputs. What lies in DVC's cache stays there; `dvc gc --workspace` clears it.
"""

import argparse
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from denoising.files import write_text
from stages import schema
from stages.shared import command, layout, params
from tools import lockfile, programs


def left_behind(stages: Mapping[str, Any]) -> tuple[list[str], list[Path]]:
    """What of dvc.lock has no stage any more.

    Parameters
    ----------
    stages : mapping
        The stages of dvc.lock.

    Returns
    -------
    gone : list of str
        Names of the entries.
    paths : list of Path
        Files and folders that are there, and that only these have made.
    """
    present = set(programs.output("dvc", "stage", "list", "--name-only").split())
    gone = [name for name in stages if name not in present]
    paths = {name: {out["path"] for out in entry.get("outs", [])} for name, entry in stages.items()}
    kept = set().union(*(paths[name] for name in paths if name not in gone))
    found = set()
    for name in gone:
        found |= {Path(path) for path in paths[name] - kept}
        stage, _, row = name.partition("@")
        found |= {layout.log_file(stage, row), layout.lock_file(stage, row)}
        if stage == "train":
            found.add(layout.CHECKPOINTS / row)
    return gone, sorted(path for path in found if path.exists())


def main() -> None:
    """List, and remove if asked."""
    summary = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tools.prune", description=summary)
    parser.add_argument("--delete", action="store_true", help="remove what is listed")
    arguments = parser.parse_args()
    with command.errors_of_one_line("prune"):
        schema.load()  # with a broken file every run would look gone
        gone, paths = left_behind(params.read(layout.LOCK).get("stages") or {})
        for line in (*(f"{layout.LOCK}: {name}" for name in gone), *map(str, paths)):
            print(line)
        if not gone:
            print("nothing is left behind")
        elif not arguments.delete:
            print("nothing was removed; to do so: make prune DELETE=yes")
        else:
            for path in paths:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            lock = lockfile.parse(layout.LOCK.read_text())
            kept = {name: entry for name, entry in lock.entries.items() if name not in gone}
            write_text(layout.LOCK, lock._replace(entries=kept).text)
            print("removed")


if __name__ == "__main__":
    main()
