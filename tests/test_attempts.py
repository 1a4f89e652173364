"""What becomes of an attempt's processes when the one that started them is gone."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.conftest import ROOT

STARTS = """
import subprocess, sys, time
from cluster import task
leader = subprocess.Popen(["/bin/sh", "-c", "sleep 300; exit 1"], process_group=0)
with task._mortal(leader):
    print(leader.pid, flush=True)
    time.sleep(float(sys.argv[1]))
"""


@pytest.mark.parametrize("ends_by_itself", [True, False])
def test_what_an_attempt_has_started_ends_with_it(ends_by_itself):
    seconds = "1" if ends_by_itself else "300"
    with subprocess.Popen(
        [sys.executable, "-c", STARTS, seconds],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        leader = psutil.Process(int(starter.stdout.readline()))
        until = time.monotonic() + 10
        while not leader.children():  # what the shell runs
            assert time.monotonic() < until
        group = [leader, *leader.children()]
        if not ends_by_itself:
            starter.send_signal(signal.SIGKILL)
        _, left = psutil.wait_procs(group, timeout=10)
    assert not left
