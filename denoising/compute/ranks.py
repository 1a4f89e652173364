"""One training by several processes, each of which computes its share of every batch, on JAX.

Keras's data parallelism: every process, a rank, has all weights, and gradients, losses and the
statistics of batch normalisation are those of the whole batch. What is summed over the ranks is
summed in another order than by one process, so results agree to a tolerance and not byte for byte:
docs/cluster.md. Whoever starts the ranks, as `cluster` does, says in the environment which one a
process is and where they meet.
"""

import contextlib
import functools
import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from denoising.compute import agreement
from denoising.files import InputError

PLACE = "DENOISING_RANKS"  # own number, count and address of the first, such as 0/2@127.0.0.1:5000
TOGETHER = "ranks: "  # what they agree on among themselves begins with it
LOST = 200  # exit code of a rank that cannot go on without the others: another try may
_PATIENCE = 30.0  # seconds, in which a rank gives no sign or no batch comes to its end
_LONGEST = 5.0  # times the longest batch so far, if that is more
_COMPILED = 300.0  # seconds, until the first batch of a kind has come to its end


def own() -> int:
    """Number of this process among the ranks; 0 where there is no other."""
    return _place()[0]


def count() -> int:
    """How many ranks train together."""
    return _place()[1]


@functools.cache
def _place() -> tuple[int, int, str]:
    """Own number, how many there are, and where they meet."""
    numbers, _, address = os.environ.get(PLACE, "0/1").partition("@")
    number, _, of = numbers.partition("/")
    return int(number), int(of), address


@functools.cache
def join() -> None:
    """Meet the other ranks, before anything is computed."""
    if count() == 1:
        return
    import jax

    if os.environ.get("JAX_PLATFORMS") == "cpu":
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
    number, of, address = _place()
    with _lost_together():
        jax.distributed.initialize(
            address,
            of,
            number,
            coordinator_bind_address=address,  # else it listens on all addresses of its machine
            heartbeat_timeout_seconds=round(_PATIENCE),
        )


@contextlib.contextmanager
def distributed() -> Iterator[None]:
    """Have Keras give each rank its share, of whatever is made within; all ranks make the same."""
    if count() == 1:
        yield
        return
    from denoising.compute.backend import keras

    devices = keras.distribution.list_devices()
    distribution = keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
    keras.distribution.set_distribution(distribution)
    try:
        yield
    finally:
        keras.distribution.set_distribution(None)


def check_shares(what: str, examples: int, batch_size: int) -> None:
    """Refuse batches that cannot be shared.

    Raises
    ------
    InputError
        If a batch is not a multiple of the devices that they compute on.
    """
    devices = _devices()
    for size in {min(batch_size, examples), examples % batch_size}:
        if size % devices:
            raise InputError(
                f"ranks: {devices} devices cannot share a batch of {size}, which {examples} {what} "
                f"in batches of {batch_size} have: choose multiples of {devices}"
            )


def _devices() -> int:
    """That all ranks have together: mostly one each."""
    if count() == 1:
        return 1
    import jax

    return max(count(), jax.device_count())


def share(batch: Any) -> Any:
    """This rank's part of a batch: arrays (N, ...), or nested tuples of them."""
    from denoising.compute.backend import keras

    def part(array: np.ndarray) -> np.ndarray:
        each = len(array) // count()
        return array[own() * each : (own() + 1) * each]

    return keras.tree.map_structure(part, batch)


def check_sums(size: int) -> None:
    """Add numbers over the ranks of which the sum is known.

    Such sums were seen to be wrong without a word, if they were long (jax#40830).

    Parameters
    ----------
    size : int
        How many sums, such as a network has weights.

    Raises
    ------
    InputError
        If one is wrong.
    """
    if count() == 1:
        return
    expected = np.arange(size) % 1000  # so that float32 adds them without rounding
    found = _sums(expected + own())
    wrong = np.flatnonzero(found != count() * expected + sum(range(count())))
    if len(wrong):
        raise InputError(
            f"ranks: {len(wrong)} of {size} sums over {count()} ranks are wrong on rank {own()}: "
            "this version of JAX cannot be trusted with them"
        )


def _sums(mine: np.ndarray) -> np.ndarray:
    """Numbers (N,), added over the ranks in float32."""
    import jax

    mesh = jax.make_mesh((count(),), ("rank",), devices=_one_device_of_each())
    by_rank, alike = (
        jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*names))
        for names in (("rank",), ())
    )
    parts = jax.make_array_from_process_local_data(by_rank, mine[np.newaxis].astype(np.float32))
    return np.asarray(jax.jit(lambda x: x.sum(axis=0), out_shardings=alike)(parts))


def _one_device_of_each() -> list[Any]:
    import jax

    first = {device.process_index: device for device in reversed(jax.devices())}
    return [first[rank] for rank in range(count())]


def check_alike(when: str, values: Sequence[np.ndarray], state: str = "") -> None:
    """Compare weights among the ranks, by another way than the one that summed them.

    Parameters
    ----------
    when : str
        Such as "after epoch 3".
    values : sequence of ndarray
    state : str
        What has to be the same as well.

    Raises
    ------
    InputError
        On every rank, if they are not the same on all, byte for byte.
    """
    if count() == 1:
        return
    digest = hashlib.sha256(b"".join(value.tobytes() for value in values)).hexdigest()[:16]
    found = agreement.agreed(f"{TOGETHER}weights {when}", lambda: f"{state} {digest}")
    differs = found.value != f"{state} {digest}"
    # whoever was asked first agrees with itself: all have to know
    if _sums(np.array([differs]))[0] or differs:
        raise InputError(
            f"ranks: weights {when} are {state} {digest} on rank {own()}, those of {found.by} are "
            f"{found.value}, and not all ranks have the same"
        )


@contextlib.contextmanager
def watched() -> Iterator[list[Any]]:
    """Training that ends with `LOST` if another rank dies or hangs. Gives callbacks for Keras."""
    if count() == 1:
        yield []
        return
    from denoising.compute.backend import keras

    watch = _Watch()

    class Beats(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            watch.beat(logs)

        on_test_batch_end = on_train_batch_end

        def on_epoch_begin(self, *_: Any, **__: Any) -> None:
            watch.wait_for("training")

        def on_test_begin(self, logs: Any = None) -> None:
            watch.wait_for("validation")

        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            watch.wait_for("the next epoch")

    with _lost_together():
        yield [Beats()]
    watch.end()


class _Watch:
    """Ends the process if no batch comes to its end."""

    def __init__(self) -> None:
        self._longest: dict[str, float] = {}  # seconds, by what was waited for
        self._what, self._last, self._limit = "the start", time.monotonic(), _COMPILED
        self._ended = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def wait_for(self, what: str) -> None:
        """What was waited for is there, and this comes next.

        The first time it may be compiled, and nothing is known of it.
        """
        now = time.monotonic()
        took = now - self._last if self._what in self._longest else 0.0
        self._longest[self._what] = max(took, self._longest.get(self._what, 0.0))
        is_known = what in self._longest
        self._limit = max(_PATIENCE, _LONGEST * self._longest[what]) if is_known else _COMPILED
        self._what, self._last = what, now

    def beat(self, logs: Any) -> None:
        """A batch has come to its end, once its results are there."""
        for value in (logs or {}).values():
            np.asarray(value)
        self.wait_for("another batch")

    def end(self) -> None:
        self._ended.set()

    def _look(self) -> None:
        while not self._ended.wait(1.0):
            if time.monotonic() - self._last > self._limit:
                _leave(f"no batch came to its end in {self._limit:.0f} s")


@contextlib.contextmanager
def _lost_together() -> Iterator[None]:
    """End the process where JAX says that another is gone."""
    import jax

    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        _leave(str(error).splitlines()[0])


def _leave(why: str) -> None:
    _end(f"rank {own()} of {count()} gives up: {why}", LOST)


def refuse(error: InputError) -> None:
    """End the process as bad input does, if it is one of several ranks."""
    if count() > 1:
        _end(f"error: {error}", 1)


def _end(line: str, code: int) -> None:
    # at once: by itself JAX would wait for the others first, for minutes
    print(line, file=sys.stderr, flush=True)
    os._exit(code)


def shared(make: Callable[[int], Any]) -> Callable[[int], Any]:
    """Batches by number, of which each rank makes its share."""
    return make if count() == 1 else lambda number: share(make(number))
