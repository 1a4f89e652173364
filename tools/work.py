"""What the trainings of published results cost."""

import math
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from denoising.files import read_json
from denoising.reporting import tables
from stages.shared import layout

FILE = Path("plots/work.md")


def table(root: Path, runs: Iterable[str]) -> str:
    """Minutes, examples and memory of every run, as Markdown.

    Parameters
    ----------
    root : Path
        A folder of published results.
    runs : iterable of str
        Those without a log there are left out.

    Raises
    ------
    InputError
        If a log or a provenance file lacks something.
    """
    rows = []
    for name in runs:
        log = root / layout.log_file("train", name)
        if not log.is_file():
            continue
        cost = read_json(log, "seconds", "peak_memory_mib")
        made = read_json(root / layout.provenance_file(name), "settings", "train_images")
        settings = made["settings"]
        cut = settings.get("patches")
        examples = cut["per_epoch"] if cut else made["train_images"]  # in an epoch
        epochs, steps = settings["epochs"], math.ceil(examples / settings["batch_size"])
        rows.append(
            {
                "run": name,
                "minutes": f"{cost['seconds'] / 60:.0f}",
                "examples": f"{epochs * examples:,}",
                "of pixels": f"{cut['size']} x {cut['size']}" if cut else "whole images",
                "steps": f"{epochs * steps:,}",
                "peak memory MiB": f"{cost['peak_memory_mib']:,}",
            }
        )
    return tables.pipes(pd.DataFrame(rows)) + "\n" if rows else ""
