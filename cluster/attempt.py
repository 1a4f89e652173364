"""One stage, on a node, in a workspace of its own: python -m cluster.attempt STAGE SHARDS

The working folder holds the code, parameters and dvc.lock of the coordinator. What the stage needs
comes from the remote "cluster"; what it makes goes there, and the record of it, as DVC's run cache
keeps it, last: whoever sees the record finds what it names.

Of a training by several ranks the first is such an attempt; the others train, and make nothing.
A stage that is cut into shards finds them in the remote. Where the environment names one of them
(see `stages.evaluating.shards`), this one is measured and sent there, and nothing else is made.

Exit codes: 0 done, 1 the stage failed (it would again), 75 the remote could not be reached, 76 the
stage was killed.
"""

import errno
import hashlib
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from dvc.exceptions import DvcException, ReproductionError
from dvc.repo import Repo
from dvc.stage.cache import _get_cache_hash, _get_stage_hash
from dvc.stage.serialize import to_single_stage_lockfile

from cluster import remotes
from cluster.checkpoints import fetch_checkpoint, kept_in_the_remote
from cluster.needed import stores
from cluster.remotes import NAME as REMOTE
from cluster.task import AWAY, KILLED, PACKAGES, RECORD, installed
from denoising.compute import ranks
from denoising.files import write_json
from stages.evaluating import shards as sharding

FAILED = 1
SHARDS = "shards"  # in the remote
PATIENCE = 600.0  # seconds that a remote may be away
Result = TypeVar("Result")


def main(name: str, shards: int) -> int:
    """Pull, run, push."""
    logging.getLogger("dvc").setLevel(logging.ERROR)  # progress is the coordinator's
    for logger in ("dvc", "dvc_data", "dvc_objects"):
        logging.getLogger(logger).addHandler(_full)
    try:
        with Repo() as repo:
            (stage,) = repo.stage.collect(name)
            patiently(lambda: pull(repo, stage))
            if sharding.OWN in os.environ:
                return measure(repo, stage)
            if ranks.own() > 0:
                return help_to_train(repo, stage)
            kept = remotes.Folder(repo, REMOTE, SHARDS, name.replace("@", "-"))
            if shards > 1:
                patiently(lambda: fetch_shards(repo, stage, shards))
            with kept_in_the_remote(repo, REMOTE, name, patiently):
                began = time.monotonic()
                # whatever this node has kept: others may have agreed on something else meanwhile
                repo.reproduce([name], single_item=True, force=True)
                seconds = time.monotonic() - began
            patiently(lambda: write_json(RECORD, push(repo, name) | {"seconds": seconds}))
            kept.clear()
    except ReproductionError as error:  # of a failure the stage has said why
        return KILLED if by_a_signal(str(error.__cause__)) else FAILED
    except Away as error:
        print(f"error: {error}", file=sys.stderr)
        return AWAY
    except OSError as error:
        path = error.filename2 or error.filename or name
        print(f"error: {path}: {error.strerror}", file=sys.stderr)
        return FAILED
    return 0


def measure(repo: Repo, stage: Any) -> int:
    """A shard of a stage, into the remote, unless it is there. Returns the exit code."""
    there, file = _shards(repo, stage), sharding.own_file()
    began = time.monotonic()
    if not patiently(lambda: there.has(file.name)):
        if code := run(stage):
            return code
        if file.exists():  # of more shards than images some have none
            patiently(lambda: there.send(file))
    write_json(RECORD, {"seconds": time.monotonic() - began})
    return 0


def help_to_train(repo: Repo, stage: Any) -> int:
    """A rank that is not the first: its work goes into the first one's. Returns the exit code."""
    began = time.monotonic()
    patiently(lambda: fetch_checkpoint(repo, REMOTE, stage.addressing))
    if code := run(stage):
        return code
    write_json(RECORD, {"seconds": time.monotonic() - began})
    return 0


def run(stage: Any) -> int:
    """The stage's command, without DVC. Returns the exit code of this process."""
    code = subprocess.run(stage.cmd, shell=True).returncode
    return 0 if code == 0 else FAILED if 0 < code <= 128 else KILLED


def fetch_shards(repo: Repo, stage: Any, count: int) -> None:
    """Those that belong to so many."""
    folder = Path(os.environ[sharding.FOLDER])
    _shards(repo, stage).fetch(folder, sharding.name("*", count))


def _shards(repo: Repo, stage: Any) -> remotes.Folder:
    """Those of one state of all that the stage depends on, and of one set of packages."""
    with repo.lock:
        stage.save_deps()
    name = stage.addressing.replace("@", "-")
    versions = " ".join(installed(package) for package in PACKAGES)
    state = f"{_get_stage_hash(stage)[:32]}-{hashlib.sha256(versions.encode()).hexdigest()[:8]}"
    return remotes.Folder(repo, REMOTE, SHARDS, name, state)


def by_a_signal(said: str) -> bool:
    """Does DVC say so of a command? A shell between both gives 128 and the signal's number."""
    code = re.search(r"exited with (-?\d+)", said)
    return code is not None and not 0 <= int(code[1]) <= 128


def pull(repo: Repo, stage: Any) -> None:
    """What the stage needs that other stages have made."""
    made = {out.fs_path for other in repo.index.stages for out in other.outs}
    needed = {dep.fs_path: dep.def_path for dep in stage.deps if dep.fs_path in made}
    if needed:
        repo.pull(list(needed))
    if further := stores(needed.values()):
        repo.pull([str(folder) for folder in further])


def push(repo: Repo, name: str) -> dict[str, Any]:
    """What the stage has made, then the record of it. Returns the record and where it belongs."""
    with repo.lock:
        (stage,) = repo.stage.collect(name)
        stage.save_deps()
        repo.stage_cache.save(stage)  # of the report too, which DVC leaves out
        entry = to_single_stage_lockfile(stage)
        key, value = _get_stage_hash(stage), _get_cache_hash(entry)
        for objects in repo.stage_cache.get_used_objs([(key, value)]).values():
            repo.cloud.push(objects)
        odb = repo.cloud.get_remote_odb(REMOTE, "push", hash_name="md5-dos2unix")
        source = repo.stage_cache._get_cache_path(key, value)
        target = odb.fs.join(odb.path, "runs", key[:2], key, value)
        odb.fs.makedirs(odb.fs.parent(target), exist_ok=True)
        odb.fs.put_file(source, target)
    return {"key": key, "value": value, "entry": entry}


class _FullDisks(logging.Handler):
    """DVC says in its log why a file could not be moved, and raises only how many."""

    error: OSError | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what says that a disk is full."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            self.error = error


_full = _FullDisks()


class Away(Exception):
    """The remote could not be reached for longer than `PATIENCE`."""


def patiently(work: Callable[[], Result]) -> Result:
    """Do what needs the remote, again and again while it is away."""
    until, pause = time.monotonic() + PATIENCE, 1.0
    while True:
        try:
            return work()
        except (DvcException, OSError) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise  # waiting frees nothing
            if _full.error:
                raise _full.error from None
            if time.monotonic() > until:
                raise Away(f"remote {REMOTE}: {error}") from error
            time.sleep(pause)
            pause = min(2 * pause, 30.0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
