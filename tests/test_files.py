import contextlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from denoising import files
from denoising.files import InputError


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.json"
    files.write_json(path, {"mse": 1})
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(path, {"mse": float("nan")})
    with contextlib.suppress(RuntimeError), files.atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == '{\n  "mse": 1\n}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_writer_leaves_no_half_file_and_the_next_one_cleans_up(tmp_path):
    path = tmp_path / "result.txt"
    files.write_text(path, "old")
    code = (
        "import sys, time; from denoising import files\n"
        "with files.atomic(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half'); print('writing', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "writing\n"
        writer.send_signal(signal.SIGKILL)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    files.write_text(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_equal_arrays_give_equal_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        files.write_arrays(tmp_path / name, x=np.arange(5), y=np.eye(3, dtype=np.float16))
        time.sleep(0.01)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_damaged_arrays_are_one_line_that_names_the_file(tmp_path):
    path = tmp_path / "arrays.npz"
    files.write_arrays(path, x=np.arange(1000))
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for content in (whole[: len(whole) // 2], bytes(flipped), b"", b"something else"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"arrays\.npz: damaged") as error:
            files.read_arrays(path, "x")
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="no such file"):
        files.read_arrays(tmp_path / "other.npz", "x")
    files.write_arrays(path, x=np.arange(3))
    with pytest.raises(InputError, match="expected the arrays x, y"):
        files.read_arrays(path, "x", "y")


def test_a_lock_is_waited_for_and_dies_with_its_process(tmp_path):
    path = tmp_path / "lock"
    code = (
        "import sys, time; from denoising import files\n"
        "with files.lock(sys.argv[1], print): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        holders = []

        def waiting(pid):
            holders.append(pid)
            holder.kill()  # else this test would wait for a minute

        with files.lock(path, waiting):
            assert holders == [str(holder.pid)]
