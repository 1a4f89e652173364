"""One stage on several nodes at once: a training by ranks, which live and die together.

Sent to the nodes by value, as `cluster.task` is.
"""

import dataclasses
from typing import Any

from cluster import task
from cluster.agreement import Board
from cluster.task import Order, Outcome

PATIENCE = 60.0  # seconds, between looks whether there are places still
GRACE = 15.0  # seconds, for others to end when one has not done its work


def attempt(
    snapshot: bytes, order: Order, board: Any, count: int, each: dict[str, float], head: str
) -> Outcome:
    """Have all ranks at work, and all again from the last checkpoint if one is lost.

    Parameters
    ----------
    snapshot, order, board
        As `cluster.task.attempt` takes them.
    count : int
        How many ranks.
    each : dict
        What each is granted: CPU, GPU and memory.
    head : str
        A resource that Ray gives the head alone.

    Returns
    -------
    Outcome
        Of the first rank, or of one that failed.
    """
    import ray
    from ray.util import placement_group, remove_placement_group

    for _ in range(1 + task.RETRIES):
        group = placement_group([each] * count, strategy="SPREAD")
        try:
            while not ray.wait([group.ready()], timeout=PATIENCE)[0]:
                if (found := places(each)) < count:
                    return Outcome(node="", problem=f"{found} of {count} ranks find a place now")
            meeting = ray.remote(Board).options(num_cpus=0, resources={head: 0.001}).remote({})
            refs = _started(snapshot, order, board, meeting, group, count, each)
            outcomes = _ended(refs)
        finally:
            remove_placement_group(group)  # and all that runs there
        if failed := [one for one in outcomes if not one.record and not one.is_lost]:
            return failed[0]
        if not (lost := [one for one in outcomes if one.is_lost]):
            return outcomes[0]
    last = lost[0]
    where = f"node {last.node}: " if last.node else ""
    problem = f"{where}one of {count} ranks was lost {1 + task.RETRIES} times"
    return dataclasses.replace(last, problem=problem)


def places(each: dict[str, float]) -> int:
    """How many can be at work at once that are granted so much, if nothing else was."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return sum(min(int(node.get(key, 0) // need) for key, need in each.items()) for node in nodes)


def _started(
    snapshot: bytes,
    order: Order,
    board: Any,
    meeting: Any,
    group: Any,
    count: int,
    each: dict[str, float],
) -> list[Any]:
    """The attempts, each in its place."""
    import ray
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    remote = ray.remote(task.attempt_of_rank)
    options = {
        "num_cpus": each["CPU"],
        "num_gpus": each.get("GPU", 0),
        "memory": each.get("memory"),
        "max_retries": 0,
    }
    return [
        remote.options(
            name=f"{order.stage} rank {rank}",
            scheduling_strategy=PlacementGroupSchedulingStrategy(group, rank),
            **options,
        ).remote(snapshot, dataclasses.replace(order, rank=rank, ranks=count), board, meeting)
        for rank in range(count)
    ]


def _ended(refs: list[Any]) -> list[Outcome]:
    """Outcomes in the order of the ranks, of all; or of those that end if one does not go well.

    What the first was lost for may be what another refuses: it is waited for a little.
    """
    import ray

    found: dict[int, Outcome] = {}
    waiting, patience = list(refs), None
    while waiting:
        done, waiting = ray.wait(waiting, timeout=patience)
        if not done:
            break
        try:
            outcome: Outcome = ray.get(done[0])
        except ray.exceptions.RayError as error:  # its node, or its worker
            outcome = Outcome(node="", lines=(type(error).__name__,), is_lost=True)
        found[refs.index(done[0])] = outcome
        if outcome.record is None:
            patience = GRACE
    return [found[rank] for rank in sorted(found)]
