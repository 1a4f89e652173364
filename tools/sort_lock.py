"""Put the stages of dvc.lock in the order of their names, if they are not: make repro does it."""

import sys
from pathlib import Path

from stages.shared import layout
from tools import lockfile


def main(paths: list[str]) -> None:
    """Sort these files."""
    for path in map(Path, paths or [str(layout.LOCK)]):
        text = path.read_text()
        ordered = lockfile.parse(text).text
        if ordered != text:
            # here, since it takes longer than the rest, and there is mostly nothing to write
            from denoising.files import write_text

            write_text(path, ordered)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"error: {error.filename}: {error.strerror}")
