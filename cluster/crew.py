"""Ray: who gets which stage, and what becomes of it."""

import functools
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cluster import agreement, gang, task, watching
from cluster.record import Record
from cluster.task import Order, Outcome
from denoising.files import InputError
from stages.schema import Resources

LOCAL = "local"
TOKEN = ".ray/auth_token"
HEAD = "node:__internal_head__"  # a resource that Ray gives the head alone
EVERY = 2.0  # seconds, between looks at what nodes have agreed on

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


class Crew:
    """Nodes of a cluster, or this machine as one.

    Parameters
    ----------
    address : str
        "local", or what `ray.init` takes: "auto", or the address of a head.
    snapshot : bytes
        See `cluster.snapshot`.
    order : callable
        What a node is told, of what depends on the stage.
    asks : callable
        What a stage asks for.
    ranks : callable
        How many processes do it together.
    record : Record
        Of what nodes agree on.
    say : callable
        Takes a line for each agreement.

    Raises
    ------
    InputError
        If Ray is not installed, or the cluster cannot be reached.
    """

    def __init__(
        self,
        address: str,
        snapshot: bytes,
        order: Callable[..., Order],
        asks: Callable[[str], Resources],
        ranks: Callable[[str], int],
        record: Record,
        say: Callable[[str], object],
    ) -> None:
        self._ray = ray = imported(address)
        self._order, self._asks, self._ranks = order, asks, ranks
        self._record, self._say = record, say
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if address == LOCAL:
            options |= {"num_cpus": len(os.sched_getaffinity(0)), "include_dashboard": True}
        try:
            self._context = ray.init(address, **options)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(f"cluster {address}: {str(error).splitlines()[0]}") from None
        for module in (agreement, gang, task, watching):
            ray.cloudpickle.register_pickle_by_value(module)
        self._snapshot = ray.put(snapshot)
        # the one node without which there is no cluster: a strategy is only a wish
        board = ray.remote(agreement.Board).options(num_cpus=0, resources={HEAD: 0.001})
        self._board = board.remote(record.known)
        self._attempt, self._gang = ray.remote(task.attempt), ray.remote(gang.attempt)
        self._under_way: dict[Any, str] = {}
        self._shards: dict[str, list[Any]] = {}
        self._refused: list[tuple[str, Outcome]] = []

    @property
    def dashboard(self) -> str:
        """Address of Ray's dashboard; "" where it has none."""
        return getattr(self._context, "dashboard_url", "") or ""

    @property
    def cpus(self) -> int:
        """Of the largest node."""
        return int(max((node.get("CPU", 0) for node in self._nodes()), default=0))

    def _nodes(self) -> list[dict[str, float]]:
        """What each has."""
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]

    def start(self, stage: str, locks: dict[str, str], can_be_cut: bool) -> int:
        """See `cluster.coordinator.Crew`."""
        asked = self._asks(stage)
        cpus = self.cpus if asked.cpus == "all" else asked.cpus
        threads = asked.threads or cpus
        needs = {"CPU": cpus, "GPU": asked.gpus, "memory": asked.memory * 2**30}
        each = {key: value for key, value in needs.items() if value}
        ranks = self._ranks(stage)
        places = gang.places(each)
        if places < ranks:
            what = f"{cpus} cores, {asked.gpus} GPUs and {asked.memory:g} GiB"
            lack = "no node has" if ranks == 1 else f"{places} of {ranks} ranks find"
            problem = f"{lack} {what}: see resources.{stage.partition('@')[0]} in params.yaml"
            self._refused.append((stage, Outcome(node="", problem=problem)))
            return 1
        order = functools.partial(
            self._order,
            stage=stage,
            locks=locks,
            threads=0 if threads == "all" else threads,
            gpus=asked.gpus,
        )
        if ranks > 1:
            options = {"num_cpus": 0, "max_retries": 0, "resources": {HEAD: 0.001}}
            attempt = self._gang.options(name=stage, **options)
            last = attempt.remote(self._snapshot, order(), self._board, ranks, each, HEAD)
            self._under_way[last], self._shards[stage] = stage, []
            return 1
        options = {"num_cpus": cpus, "num_gpus": asked.gpus, "memory": needs["memory"] or None}
        attempt = self._attempt.options(name=stage, max_retries=task.RETRIES, **options)
        count = asked.shards if can_be_cut else 1
        numbers = range(count) if count > 1 else ()
        shards = [
            attempt.remote(self._snapshot, order(shard=number, shards=count), self._board)
            for number in numbers
        ]
        # Ray starts it when all shards have ended
        last = attempt.remote(self._snapshot, order(shards=count), self._board, *shards)
        self._under_way[last], self._shards[stage] = stage, shards
        return count

    def ended(self) -> Iterator[tuple[str, Outcome]]:
        """See `cluster.coordinator.Crew`."""
        while self._refused:
            yield self._refused.pop()
        if not self._under_way:
            return
        done: list[Any] = []
        while not done:
            done, _ = self._ray.wait(list(self._under_way), timeout=EVERY)
            for line in self._record.add(self._ray.get(self._board.known.remote())):
                self._say(f"agreed: {line}")
        for one in done:
            stage = self._under_way.pop(one)
            del self._shards[stage]
            try:
                yield stage, self._ray.get(one)
            except self._ray.exceptions.RayError as error:
                problem = f"{type(error).__name__} in {1 + task.RETRIES} attempts"
                yield stage, Outcome(node="", problem=problem)

    def stop(self) -> None:
        """End what is under way, and leave the cluster."""
        for one in (*self._under_way, *itertools.chain.from_iterable(self._shards.values())):
            self._ray.cancel(one, force=True)
        self._ray.shutdown()


def imported(address: str) -> Any:
    """Ray, with what it reads only as it is imported.

    A cluster of this machine stays on 127.0.0.1. A client shows the token of its cluster: by itself
    a head asks for a token where there is one, and a client does not show it.

    Raises
    ------
    InputError
        If it is not installed.
    """
    if address == LOCAL:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    if address.startswith("ray://") and (Path.home() / TOKEN).exists():
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        import ray
    except ImportError:
        raise InputError("Ray is not installed: pip install -r requirements-cluster.txt") from None
    return ray
