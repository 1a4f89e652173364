"""List what runs, filters and datasets left behind that params.yaml no longer names: make prune. DELETE=yes removes it.

Goes by dvc.lock, which keeps the entries of stages that are gone, with the paths of their outputs. What lies in DVC's cache
stays there; `dvc gc --workspace` clears it.
"""

import argparse
import io
import shutil
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from denoising.files import InputError, write_text
from stages import schema as params
from stages.shared import command, layout


def left_behind(lock):
    """Names of lock entries that no stage has, and the files and folders that only these have.

    Parameters
    ----------
    lock : dict
        Content of dvc.lock.
    """
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "stage", "list", "--name-only"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InputError(f"dvc stage list: {' '.join(done.stderr.split())}")
    present = set(done.stdout.split())
    gone = [name for name in lock["stages"] if name not in present]
    paths = {
        name: {out["path"] for out in entry.get("outs", [])}
        for name, entry in lock["stages"].items()
    }
    kept = set().union(*(paths[name] for name in paths if name not in gone))
    found = set()
    for name in gone:
        found |= {Path(path) for path in paths[name] - kept}
        stage, _, row = name.partition("@")
        found |= {layout.log_file(stage, row), layout.lock_file(stage, row)}
        found |= {file for file in layout.CHECKPOINTS.glob("*") if file.name.startswith(f"{row}-")}
    return gone, sorted(path for path in found if path.exists())


def main():
    parser = argparse.ArgumentParser(
        prog="python -m tools.prune", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--delete", action="store_true", help="remove what is listed")
    arguments = parser.parse_args()
    with command.errors_of_one_line("prune"):
        params.load()  # with a broken file every run would look gone
        yaml = YAML()
        lock = yaml.load(layout.LOCK)
        gone, paths = left_behind(lock)
        for line in (*(f"{layout.LOCK}: {name}" for name in gone), *map(str, paths)):
            print(line)
        if not gone:
            print("nothing is left behind")
        elif not arguments.delete:
            print("nothing was removed; to do so: make prune DELETE=yes")
        else:
            for path in paths:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            for name in gone:
                del lock["stages"][name]
            text = io.StringIO()
            yaml.dump(lock, text)
            write_text(layout.LOCK, text.getvalue())
            print("removed")


if __name__ == "__main__":
    main()
