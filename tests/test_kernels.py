"""Which kernels TensorFlow is told to compute with."""

import os
import subprocess
import sys

import pytest

from denoising.compute import kernels
from tests.conftest import ROOT

ZERO_SHOT = """
from denoising.evaluation.filters import zero_shot
zero_shot.Training((8, 8, 1))
"""
TRAIN = """
from stages import train
from stages.shared import params
content = params.read()
content["budgets"][content["budget"]]["batch_size"] = 1
def ends(*_): raise SystemExit(print(os.environ[kernels.ONEDNN]))
train._resolved = ends
train._data = train.sha256 = lambda *_: (None, {})
train.main(content, "cnn")
"""
SINGLE = """
import os
from denoising.compute import kernels
kernels.cpu_info = lambda key: "avx2"
{}
print(os.environ[kernels.ONEDNN])
"""


@pytest.mark.parametrize(
    ("flags", "single_images", "expected"),
    [("avx2", False, "1"), ("avx2", True, "0"), ("avx2 avx512f", True, "1")],
)
def test_only_training_on_single_images_goes_without_onednn(
    monkeypatch, flags, single_images, expected
):
    monkeypatch.setattr(kernels, "cpu_info", {"flags": flags}.__getitem__)
    monkeypatch.setattr(kernels.platform, "machine", lambda: "x86_64")
    monkeypatch.delenv(kernels.ONEDNN, raising=False)
    kernels.choose(single_images)
    assert os.environ[kernels.ONEDNN] == expected
    assert kernels.are_onednn_for_avx2() == (flags == "avx2" and not single_images)


@pytest.mark.parametrize(
    ("limit", "for_avx2", "bfloat16"),
    [("", False, True), ("ALL", False, True), ("avx2", True, False), ("AVX512_CORE", False, False)],
)
def test_what_the_user_forbids_onednn_is_not_there(monkeypatch, limit, for_avx2, bfloat16):
    flags = {"flags": "avx2 avx512f avx512_bf16"}
    monkeypatch.setattr(kernels, "cpu_info", flags.__getitem__)
    monkeypatch.setattr(kernels.platform, "machine", lambda: "x86_64")
    monkeypatch.setenv(kernels.ONEDNN, "1")
    monkeypatch.setenv(kernels.MOST, limit)
    assert (kernels.are_onednn_for_avx2(), kernels.has_bfloat16()) == (for_avx2, bfloat16)


@pytest.mark.parametrize("said", ["0", "1"])
def test_what_the_user_says_stays(monkeypatch, said):
    monkeypatch.setenv(kernels.ONEDNN, said)
    kernels.choose()
    assert os.environ[kernels.ONEDNN] == said


@pytest.mark.skipif(kernels.platform.machine() != "x86_64", reason="oneDNN is of x86 alone here")
@pytest.mark.parametrize("work", [ZERO_SHOT, TRAIN], ids=["zs_n2n", "batch_size 1"])
def test_who_trains_on_single_images_chooses_before_tensorflow_is_imported(work):
    environment = {key: value for key, value in os.environ.items() if key != kernels.ONEDNN}
    command = [sys.executable, "-c", SINGLE.format(work)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment, cwd=ROOT
    )
    assert done.stdout.split()[-1] == "0"
