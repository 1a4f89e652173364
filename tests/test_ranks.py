"""One training by several processes: what each has of a batch, and what is compared."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from cluster import agreement as answers
from denoising.compute import agreement, ranks
from denoising.files import InputError
from tests.conftest import ROOT


@pytest.fixture
def of_two(monkeypatch):
    """Makes this process one of two ranks, as far as it can be told."""

    def become(rank):
        monkeypatch.setenv(ranks.PLACE, f"{rank}/2@127.0.0.1:1")
        ranks._place.cache_clear()

    yield become
    monkeypatch.undo()
    ranks._place.cache_clear()


def test_shares_are_the_batch(of_two):
    batch = np.arange(8).reshape(4, 2), {"targets": np.arange(4)}
    found = []
    for rank in range(2):
        of_two(rank)
        found.append(ranks.share(batch))
    np.testing.assert_array_equal(np.concatenate([one[0] for one in found]), batch[0])
    np.testing.assert_array_equal(
        np.concatenate([one[1]["targets"] for one in found]), batch[1]["targets"]
    )


@pytest.mark.parametrize(("examples", "batch_size"), [(9, 4), (9, 3), (3, 4)])
def test_batches_that_cannot_be_shared_are_refused(of_two, examples, batch_size):
    of_two(0)
    with pytest.raises(InputError, match="ranks: 2 devices cannot share a batch of "):
        ranks.check_shares("images", examples, batch_size)
    ranks.check_shares("images", 10, 4)


def test_weights_that_differ_are_noticed_by_all_ranks(of_two, tmp_path, monkeypatch):
    board = answers.Board({})
    weights = [np.ones(3, np.float32), np.zeros((2, 2), np.float32)]
    other = [weights[0], np.full((2, 2), 1e-7, np.float32)]
    cases = [(weights, 0, True), (weights, 0, True), (weights, 1, False), (other, 0, False)]
    for number, (own, differing, is_alike) in enumerate(cases):
        of_two(min(number, 1))
        folder = tmp_path / f"rank{number}"
        monkeypatch.setenv(agreement.FOLDER, str(folder))
        # what ranks there are not would add
        monkeypatch.setattr(ranks, "_sums", lambda flags, others=differing: flags + others)
        with answers.answered(folder, lambda what, value: board.settle(what, value, "a"), {}):
            if is_alike:
                ranks.check_alike("after epoch 1", own)
                continue
            with pytest.raises(InputError, match=r"weights after epoch 1 are .* those of a are"):
                ranks.check_alike("after epoch 1", own)


SUMS = """
import jax, json
from denoising.compute import ranks
ranks.join()
ranks.check_sums(100_003)
compiled = jax.jit
jax.jit = lambda work, **options: compiled(lambda x: work(x).at[-1].add(1.0), **options)
try:
    ranks.check_sums(100_003)
except Exception as error:
    print(json.dumps(str(error)))
"""


@pytest.mark.cluster
def test_sums_that_are_wrong_are_noticed():
    """In two processes of JAX, one of whose sums are made wrong by hand."""
    pytest.importorskip("jax")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    place = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SUMS],
            env=os.environ | place | {ranks.PLACE: f"{rank}/2@{address}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for rank, process in enumerate(processes):
        output, _ = process.communicate(timeout=120)
        said = json.loads(output.splitlines()[-1])
        assert said.startswith(f"ranks: 1 of 100003 sums over 2 ranks are wrong on rank {rank}")
