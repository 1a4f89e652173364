"""One stage on several nodes at once: a training by ranks, which live and die together.

Sent to the nodes by value, as `cluster.task` is.
"""

import dataclasses
from typing import Any

from cluster import task
from cluster.agreement import Board
from cluster.task import Order, Outcome


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

    found = Outcome(node="", problem=f"{count} ranks: {1 + task.RETRIES} times one was lost")
    for _ in range(1 + task.RETRIES):
        group = placement_group([each] * count, strategy="SPREAD")
        try:
            ray.get(group.ready())
            meeting = ray.remote(Board).options(num_cpus=0, resources={head: 0.001}).remote({})
            refs = _started(snapshot, order, board, meeting, group, count, each)
            outcomes = _ended(refs)
        finally:
            remove_placement_group(group)  # and all that runs there
        failed = next((one for one in outcomes.values() if one and not one.record), None)
        if failed or len(outcomes) == count:
            return failed or outcomes[0]
    return found


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


def _ended(refs: list[Any]) -> dict[int, Outcome]:
    """Outcomes by rank, until all are there, or one is not what it should be.

    A rank that is lost has none: nor have those whose end nobody waits for then.
    """
    import ray

    found: dict[int, Outcome] = {}
    waiting = list(refs)
    while waiting:
        (one,), waiting = ray.wait(waiting)
        try:
            outcome: Outcome | None = ray.get(one)
        except ray.exceptions.RayError:  # its node, or its worker
            outcome = None
        if outcome is None or outcome.is_lost:
            return {}
        found[refs.index(one)] = outcome
        if outcome.record is None:
            break
    return found
