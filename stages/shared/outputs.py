"""What the evaluating stages write, and the log of what differs from time to time."""

import json
import platform
import resource
import subprocess
from typing import Any

import numpy as np
import pandas as pd

from denoising.files import write_arrays, write_json, write_text
from stages.shared import layout


def write_evaluation(
    name: str,
    scores: dict[str, Any],
    per_image: dict[str, np.ndarray],
    histogram: pd.DataFrame,
    about: dict[str, Any],
) -> None:
    """Write the results of a row.

    Parameters
    ----------
    name : str
    scores, per_image
        As `denoising.evaluation.evaluate.evaluate` gives them.
    histogram : DataFrame
    about : dict
        What the report needs to know of the row's method; empty where nothing was trained.
    """
    kept = per_image | {"about": np.array(json.dumps(about, sort_keys=True))}
    write_arrays(layout.per_image_file(name), **kept)
    table = histogram.to_csv(index=False, float_format="%.6g")
    write_text(layout.histogram_file(name), table)
    write_json(layout.metrics_file(name), scores)


def write_log(stage: str, name: str, **entries: Any) -> None:
    """Write seconds, peak memory and the git revision where they make no output differ."""
    # ru_maxrss is in bytes on macOS, in KiB elsewhere
    unit = 2**20 if platform.system() == "Darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
    entries |= {"peak_memory_mib": peak, "git_revision": git_revision()}
    write_json(layout.log_file(stage, name), entries)


def git_revision() -> str | None:
    """What `git describe` says of the working tree, or None."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # no git there, or no repository
        return None
