"""What Ray runs on a node: an attempt at a stage, in a fresh folder and with cores of its own.

Sent by value: a node needs the project's packages, not the project. The attempt itself is of the
code that travels.
"""

import contextlib
import dataclasses
import fcntl
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir

from cluster.agreement import FOLDER, Settle, answered

# what an attempt ends with, and where it leaves the record; the first is EX_TEMPFAIL of sysexits.h
AWAY, KILLED = 75, 76
RECORD = Path(".record.json")
SHARDS = ".shards"  # a folder of the workspace
TOGETHER = "ranks: "  # as in denoising.compute.ranks
PACKAGES = ("python", "dvc", "keras", "numpy", "scikit-image", "scipy", "tensorflow")
RETRIES = 3  # of what was killed; what fails is not tried again
TAIL = 400  # lines of a stage that are kept


@dataclasses.dataclass(frozen=True)
class Order:
    """What a node is told.

    Attributes
    ----------
    folder : str
        Of the pipeline, from the repository.
    stage : str
    locks : dict of str to str
        The coordinator's dvc.lock, by its path in the repository, and those of pipelines that the
        stage's own needs.
    threads : int
        Cores that the stage may use; 0: all of the node's, whoever else is at work there.
    gpus : int
        That it asks for; 0: it sees none.
    config : str
        DVC's, with the remote.
    versions : dict of str to str
        Of Python and of the packages that results depend on.
    shard : int, optional
        Which of the stage's `shards` to measure; None: make the stage's results.
    rank : int
        Which of the stage's `ranks` to be.
    """

    folder: str
    stage: str
    locks: dict[str, str]
    threads: int
    gpus: int
    config: str
    versions: dict[str, str]
    shards: int = 1
    shard: int | None = None
    ranks: int = 1
    rank: int = 0


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of an attempt.

    Attributes
    ----------
    node : str
    seconds : float
    record : dict or None
        Of the run cache; None: there is none.
    problem : str
        Why not, with the node and the remedy; "": the stage itself failed.
    lines : list of str
        The last that it said.
    of_shards : float
        Seconds of the attempts at its shards, which came before.
    is_lost : bool
        Was it a rank that was killed, or cannot go on without another?
    """

    node: str
    seconds: float = 0.0
    record: dict[str, Any] | None = None
    problem: str = ""
    lines: tuple[str, ...] = ()
    of_shards: float = 0.0
    is_lost: bool = False


def attempt(snapshot: bytes, order: Order, board: Any, *shards: Outcome) -> Outcome:
    """Run a stage in a workspace of its own, and leave no trace of it but DVC's cache.

    Parameters
    ----------
    snapshot : bytes
        See `cluster.snapshot`.
    order : Order
    board : ray.actor.ActorHandle
        Of a `cluster.agreement.Board`.
    shards : Outcome
        What became of the stage's shards.
    """
    for one in shards:
        if one.record is None:
            return one
    found = _attempted(snapshot, order, board)
    return dataclasses.replace(found, of_shards=sum(one.seconds for one in shards))


def attempt_of_rank(snapshot: bytes, order: Order, board: Any, meeting: Any) -> Outcome:
    """The same, as one of several ranks.

    Parameters
    ----------
    meeting : ray.actor.ActorHandle
        Of a `cluster.agreement.Board` of these ranks alone.
    """
    return _attempted(snapshot, order, board, meeting)


def _attempted(snapshot: bytes, order: Order, board: Any, meeting: Any = None) -> Outcome:
    """On a node that is as it should be."""
    node = socket.gethostname()
    for package, version in order.versions.items():
        if (here := installed(package)) != version:
            remedy = f"the coordinator has {version}; install the same lock file on all nodes"
            return Outcome(node, problem=f"node {node}: {package} {here}, {remedy}")
    kept = Path(user_cache_dir("denoising")) / "cluster"
    try:
        return _attempt(snapshot, order, board, meeting, kept, node)
    except OSError as error:
        return Outcome(node, problem=f"node {node}: {error.filename or kept}: {error.strerror}")


def _attempt(
    snapshot: bytes, order: Order, board: Any, meeting: Any, kept: Path, node: str
) -> Outcome:
    """In a workspace below `kept`, which nodes may share."""
    import ray

    started, base = time.monotonic(), kept / node
    base.mkdir(parents=True, exist_ok=True)
    _sweep(base)
    workspace = Path(tempfile.mkdtemp(prefix="attempt-", dir=base))
    held = (workspace / ".held").open("w")
    fcntl.flock(held, fcntl.LOCK_EX)

    def settle(what: str, value: Any) -> Any:
        of_all = meeting is None or not what.startswith(TOGETHER)
        return ray.get((board if of_all else meeting).settle.remote(what, value, node))

    try:
        _fill(workspace, snapshot, order, kept / "cache")
        with _cores(base / "cores", order.threads) as cores:
            place = _place(order, meeting) if meeting else ""
            for _ in range(1 if meeting else 1 + RETRIES):
                code, lines = _run(workspace, order, cores, settle, place)
                if code >= 0 and code != KILLED:
                    break
        done = workspace / order.folder / RECORD
        record = json.loads(done.read_text()) if code == 0 else None
        problem = ""
        if code == AWAY:
            problem = f"node {node}: {lines[-1]}"
        was_killed = code < 0 or code == KILLED
        is_lost = meeting is not None and was_killed
        if was_killed and not is_lost:
            problem = f"node {node}: killed {1 + RETRIES} times; is there memory enough?"
        seconds = time.monotonic() - started
        return Outcome(node, seconds, record, problem, lines, is_lost=is_lost)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
        held.close()


def _place(order: Order, meeting: Any) -> str:
    """Which rank it is, and where all meet: on the node of the first."""
    import ray

    if order.rank == 0:
        here = ray.util.get_node_ip_address()
        with socket.socket() as free:
            free.bind((here, 0))
            address = f"{here}:{free.getsockname()[1]}"
        ray.get(meeting.settle.remote(TOGETHER, address, ""))
    while TOGETHER not in (known := ray.get(meeting.known.remote())):
        time.sleep(0.1)
    return f"{order.rank}/{order.ranks}@{known[TOGETHER]['value']}"


def _sweep(base: Path) -> None:
    """Remove what attempts have left that were killed."""
    for left in base.glob("attempt-*"):
        with contextlib.suppress(OSError), (left / ".held").open() as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while it is at work
            shutil.rmtree(left, ignore_errors=True)


def installed(package: str) -> str:
    """Version of Python, or of a package that is installed here."""
    from importlib import metadata

    if package == "python":
        return ".".join(map(str, sys.version_info[:2]))
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "is missing"


def _fill(workspace: Path, snapshot: bytes, order: Order, cache: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(snapshot)) as tar:
        tar.extractall(workspace, filter="data")
    for path, text in order.locks.items():
        (workspace / path).write_text(text)
    config = f"{order.config}\n[cache]\n    dir = {cache}\n"
    (workspace / ".dvc/config.local").write_text(config)


@contextlib.contextmanager
def _cores(folder: Path, count: int) -> Iterator[set[int]]:
    """Cores that no other attempt of this node has: Ray counts them, but gives none a number.

    All that this process may use, where others have taken too many.
    """
    folder.mkdir(exist_ok=True)
    usable = sorted(os.sched_getaffinity(0))
    if count == 0:
        yield set(usable)
        return
    with contextlib.ExitStack() as stack:
        taken: set[int] = set()
        for core in usable:
            if len(taken) == count:
                break
            file = stack.enter_context(Path(folder, str(core)).open("w"))
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                taken.add(core)
        yield taken if len(taken) == count else set(usable)


def _run(
    workspace: Path, order: Order, cores: set[int], settle: Settle, place: str
) -> tuple[int, tuple[str, ...]]:
    """Exit code, and the last lines."""
    folder, shards = workspace / ".agreement", workspace / SHARDS
    shards.mkdir(exist_ok=True)
    kind = order.stage.partition("@")[0]
    device = {"value": "gpu" if order.gpus else "cpu", "by": f"resources.{kind}"}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(workspace)}
    environment["PYTHONUNBUFFERED"] = "1"
    environment.pop("OMP_NUM_THREADS", None)  # Ray's; here threads follow the cores
    environment |= {FOLDER: str(folder), "DENOISING_SHARDS": str(shards)}
    if order.shard is not None:
        environment["DENOISING_SHARD"] = f"{order.shard}/{order.shards}"
    if place:
        environment |= {"DENOISING_RANKS": place, "KERAS_BACKEND": "jax"}
        if not order.gpus:
            environment["JAX_PLATFORMS"] = "cpu"
    if not order.gpus:
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    process = subprocess.Popen(
        [sys.executable, "-m", "cluster.attempt", order.stage, str(order.shards)],
        cwd=workspace / order.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        process_group=0,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    lines: deque[str] = deque(maxlen=TAIL)
    with _mortal(process), answered(folder, settle, {"device": device}):
        for line in process.stdout or ():
            lines.append(line.rstrip().rpartition("\r")[2])
        return process.wait(), tuple(lines)


@contextlib.contextmanager
def _mortal(leader: subprocess.Popen[str]) -> Iterator[None]:
    """At the end all of its group are killed, also if the end is that this process is killed.

    A shell reads from a pipe of this process: if what it reads is the pipe's end, it kills. It is
    no child of this process, whose children Ray kills with it.
    """
    program = f"exec 3<&0; {{ read _ <&3 || kill -KILL -{leader.pid}; }} &"
    options: dict[str, Any] = {"stdin": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    guard = subprocess.Popen(["/bin/sh", "-c", program], start_new_session=True, **options)
    guard.wait()
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # all have ended
            os.killpg(leader.pid, signal.SIGKILL)
        leader.wait()
        guard.communicate(b"done\n")
