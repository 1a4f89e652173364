"""Commands as their users start them: processes of their own. The demo listens on a free port."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SLOW = ("tensorflow", "keras", "skimage")  # packages that take long to import

# the library sets this for itself, if it is imported here, and processes inherit it
INHERITED = "TF_CPP_MIN_LOG_LEVEL"


def environment(*folders):
    """That of a user's process, in which Python finds this repository after some folders."""
    path = os.pathsep.join(map(str, (*folders, ROOT)))
    kept = {name: value for name, value in os.environ.items() if name != INHERITED}
    return kept | {"PYTHONPATH": path}


def forbid(folder, packages=SLOW):
    """Put packages into a folder of the path whose import ends the process, with exit code 99."""
    for name in packages:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("import os\nos._exit(99)\n")
    return folder


def run(module, *arguments, cwd=ROOT, before=()):
    """Exit code, stdout and stderr of `python -m MODULE ARGUMENTS`; `before`: see `environment`."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=cwd,
        env=environment(*before),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


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
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # a background job of a script ignores Ctrl-C, and so would its children
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
        """Exit code, the rest of its stdout, and its stderr."""
        self.process.send_signal(by)
        try:
            output, errors = self.process.communicate(timeout=20)
        finally:
            self.process.kill()  # does nothing if it has ended
        return self.process.returncode, output, errors
