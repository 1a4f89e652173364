"""What the evaluating stages write, and the log of what differs from run to run."""

import platform
import resource
import subprocess

from denoising.files import write_arrays, write_json, write_text
from stages.shared import layout


def write_evaluation(name, scores, per_image, histogram):
    write_arrays(layout.per_image_file(name), **per_image)
    write_text(layout.histogram_file(name), histogram.to_csv(index=False, float_format="%.6g"))
    write_json(layout.metrics_file(name), scores)


def write_log(stage, name, **entries):
    """Write seconds, peak memory and the git revision where they make no output differ."""
    unit = (
        2**20 if platform.system() == "Darwin" else 2**10
    )  # ru_maxrss is in bytes there, in KiB elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
    entries |= {"peak_memory_mib": peak, "git_revision": git_revision()}
    write_json(layout.log_file(stage, name), entries)


def git_revision():
    """What `git describe` says of the working tree, or None."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # no git there, or no repository
        return None
