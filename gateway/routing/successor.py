"""Who took over from a body whose code was closed."""

from gateway.core.directory import Body, BodyStatus, Snapshot
from gateway.core.ids import OrganId
from gateway.core.limits import SUCCESSOR_STEPS_MAX


def active_successor(body: Body, snapshot: Snapshot) -> OrganId | None:
    """The first active body down the chain of successors; None when the chain ends, is locked, or is longer than the bound.

    The bound also ends a circle, should an edition ever hold one.
    """
    current = body
    for _ in range(SUCCESSOR_STEPS_MAX):
        successor = snapshot.body(current.successor) if current.successor else None
        if successor is None or successor.status is BodyStatus.LOCKED:
            return None
        if successor.status is BodyStatus.ACTIVE:
            return successor.organ_id
        current = successor
    return None
