"""One line for each stage that changes its state, and a bar for all."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from denoising.files import write_text

ENDS = ("done", "failed", "skipped")
SHOWN = 40  # lines of a stage that failed
LOGS = Path("logs")


class Lines:
    """To standard output, and the bar to standard error where that is a terminal."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._started = time.monotonic()

    def begin(self, count: int) -> None:
        """So many stages there are."""
        self._bar = tqdm(total=count, unit="stage", disable=None, leave=False)

    def state(self, stage: str, state: str, about: str = "") -> None:
        """See `cluster.coordinator.Told`."""
        seconds = time.monotonic() - self._started
        self.line(f"{seconds:7.1f} s  {state:<8}{stage:<40}{about}".rstrip())
        if self._bar is not None and state in ENDS:
            self._bar.update()

    def log(self, stage: str, lines: Sequence[str], failed: bool) -> None:
        """See `cluster.coordinator.Told`. All of it is kept in a file."""
        write_text(LOGS / f"cluster-{stage}.txt", "\n".join([*lines, ""]))
        if failed and lines:
            self.line("\n".join(f"    {stage}| {line}" for line in lines[-SHOWN:]))

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def line(self, text: str) -> None:
        """Above the bar."""
        tqdm.write(text, file=sys.stdout)
        sys.stdout.flush()
