"""What is stale, what can begin, and what has come back: DVC says the first, and keeps the last.

A stage is settled when DVC finds nothing to do, or when its results were taken. What brings images
from outside (it needs no other stage), and what reads results that lie in git instead of DVC's
cache (the report), runs here; all else is an attempt on a node.
"""

import contextlib
import dataclasses
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from dvc.dvcfile import PROJECT_FILE
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.stage.cache import RunCacheNotFoundError, _get_stage_hash
from dvc.utils.serialize import dump_yaml

from cluster.needed import can_be_cut, stores
from cluster.task import Outcome

WAITS, RUNS, DONE, FAILED, SKIPPED = "waits", "runs", "done", "failed", "skipped"
UP_TO_DATE, CACHED = "up to date", "from the run cache"


class Crew(Protocol):
    """Who does the work: Ray, or a test."""

    def start(self, stage: str, locks: dict[str, str], can_be_cut: bool) -> int:
        """Have a stage done with these dvc.lock. Returns the number of its shards."""

    def ended(self) -> Iterator[tuple[str, Outcome]]:
        """Wait, and give those that have ended."""


class Told(Protocol):
    """Who shows it."""

    def state(self, stage: str, state: str, about: str = "") -> None:
        """A stage is in another state."""

    def log(self, stage: str, lines: Sequence[str], failed: bool) -> None:
        """What a stage has said."""


@dataclasses.dataclass
class Coordinator:
    """One run of a pipeline.

    Attributes
    ----------
    repo : Repo
    remote : str
        Its name.
    crew : Crew
    told : Told
    only : str, optional
        A stage, all instances of which are wanted, and what they need; None: the whole pipeline.
    """

    repo: Repo
    remote: str
    crew: Crew
    told: Told
    only: str | None = None

    def __post_init__(self) -> None:
        logging.getLogger("dvc").setLevel(logging.ERROR)
        graph = get_active_graph(self.repo.index.graph)
        steps = plan_repro(graph, self.repo.stage.collect(self.only or PROJECT_FILE))
        self.stages = {stage.addressing: stage for stage in steps}
        self.needs = {
            stage.addressing: {one.addressing for one in graph.successors(stage)} for stage in steps
        }
        self.state = dict.fromkeys(self.stages, WAITS)
        self._made = {out.fs_path: out for stage in steps for out in stage.outs}
        self._sent: set[str] = set()

    def run(self) -> bool:
        """Settle every stage that can be. Returns whether all are."""
        with self.repo.lock:
            self.repo.stage_cache.pull(self.remote)
        while self._begin():
            for stage, outcome in self.crew.ended():
                self._end(stage, outcome)
        return all(state == DONE for state in self.state.values())

    def _begin(self) -> bool:
        """Start all that can. Returns whether something is under way."""
        for name in self.stages:  # in an order in which no stage comes before those that it needs
            if self.state[name] == WAITS:
                states = {self.state[need] for need in self.needs[name]}
                if states & {FAILED, SKIPPED}:
                    self._set(name, SKIPPED, "needs one that failed")
                elif states <= {DONE}:
                    try:
                        self._look(name)
                    except DvcException as error:
                        self._set(name, FAILED, str(error))
        return RUNS in self.state.values()

    def _look(self, name: str) -> None:
        """Nothing to do, known already, done here, or sent to a node."""
        stage = self.stages[name]
        with self.repo.lock:
            if not stage.changed():
                self._set(name, DONE, UP_TO_DATE)
                return
            stage.save_deps()
            if entry := self.repo.stage_cache._load(stage):
                with contextlib.suppress(RunCacheNotFoundError):  # a record without its files
                    self._take(stage, entry)
                    self._set(name, DONE, CACHED)
                    return
            if not self._is_local(stage):
                needed = self._send_needed(stage)
                shards = self.crew.start(name, self._locks(), can_be_cut(name, needed))
                self._set(name, RUNS, f"in {shards} shards" if shards > 1 else "")
                return
            self._set(name, RUNS, "here")
            stage.run()  # which lets go of the lock meanwhile
            stage.dump(update_pipeline=False)
        self._set(name, DONE, "here")

    def _end(self, name: str, outcome: Outcome) -> None:
        """Take the results of an attempt."""
        stage, record = self.stages[name], outcome.record
        self.told.log(name, outcome.lines, failed=record is None)
        if record is None:
            self._set(name, FAILED, outcome.problem or f"on {outcome.node}")
            return
        with self.repo.lock:
            stage.save_deps()
            if _get_stage_hash(stage) != record["key"]:
                self._set(name, FAILED, "the workspace was changed meanwhile: run it again")
                return
            path = self.repo.stage_cache._get_cache_path(record["key"], record["value"])
            self.repo.cache.legacy.makedirs(str(Path(path).parent))
            dump_yaml(path, record["entry"])
            try:
                self._take(stage, record["entry"])
            except RunCacheNotFoundError:
                self._set(name, FAILED, f"remote {self.remote} lacks its results: run it again")
                return
        beside = outcome.seconds - record["seconds"]
        about = f"{outcome.seconds:.1f} s, of which {beside:.1f} s beside the stage"
        if outcome.of_shards:
            about += f"; {outcome.of_shards:.1f} s in shards before"
        self._set(name, DONE, f"on {outcome.node}, {about}")

    def _take(self, stage: Any, entry: dict[str, Any]) -> None:
        """Results of the run cache: DVC's own way to end a stage, in which no command can run.

        Raises
        ------
        RunCacheNotFoundError
            If the remote lacks what the entry names.
        """
        cached = self.repo.stage_cache._create_stage(entry, wdir=stage.wdir)
        for objects in cached.get_used_objs().values():
            self.repo.cloud.pull(objects, remote=self.remote)
        if not cached.outs_cached():
            raise RunCacheNotFoundError(stage)
        stage._run_stage = lambda *_, **__: cached.checkout()
        stage.run()
        stage.dump(update_pipeline=False)

    def _send_needed(self, stage: Any) -> list[str]:
        """To the remote, what nodes are to take from there. Returns what the stage declares."""
        declared = {dep.fs_path: dep.def_path for dep in stage.deps if dep.fs_path in self._made}
        undeclared = {str(Path.cwd() / folder) for folder in stores(declared.values())}
        for path in (declared.keys() | undeclared) - self._sent:
            for objects in self._made[path].get_used_objs().values():
                self.repo.cloud.push(objects, remote=self.remote)
            self._sent.add(path)
        return list(declared.values())

    def _is_local(self, stage: Any) -> bool:
        """Does it bring images from outside, or read results that lie in git?"""
        made = [self._made[dep.fs_path] for dep in stage.deps if dep.fs_path in self._made]
        return not made or not all(out.use_cache for out in made)

    def _locks(self) -> dict[str, str]:
        """Text of each dvc.lock that stages have, by its path in the repository."""
        root = Path(self.repo.root_dir)
        files = {Path(stage.path).with_suffix(".lock") for stage in self.stages.values()}
        return {str(file.relative_to(root)): file.read_text() for file in files if file.is_file()}

    def _set(self, name: str, state: str, about: str = "") -> None:
        self.state[name] = state
        self.told.state(name, state, about)
