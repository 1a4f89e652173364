"""The demo as its users start it: a process of its own, on a free port."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Server:
    """`python -m demo`, ready when made.

    Attributes
    ----------
    said : list of str
        Its lines before the address.
    url : str
    """

    def __init__(self, *arguments, folder=ROOT):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo", "--port", "0", *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # a job in the background of a script is born deaf to Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self.said, self.url = [], None
        for line in self.process.stdout:
            if match := re.match(r"open (http://\S+/)", line):
                self.url = match[1]
                return
            self.said.append(line.strip())
        raise AssertionError(f"the demo ended: {self.process.stderr.read()}")

    def stop(self, by=signal.SIGTERM):
        """Exit code, what it said last, and what it complained of."""
        self.process.send_signal(by)
        try:
            output, errors = self.process.communicate(timeout=20)
        finally:
            self.process.kill()  # nothing, where it has ended
        return self.process.returncode, output, errors
