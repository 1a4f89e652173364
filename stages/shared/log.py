"""The log of what differs from time to time, and so is no output of DVC's."""

import platform
import resource
import subprocess
from typing import Any

from denoising.files import write_json
from stages.shared import layout


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
