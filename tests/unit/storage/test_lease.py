"""What the books of claims promise beside the contract of leases: they never wait for a disk, and never grow for ever."""

import asyncio
import hashlib
from threading import Event, Thread

import pytest

from gateway.core.ids import Digest
from gateway.core.ports import NO_UNIT
from gateway.storage import lease as leases
from gateway.storage.lease import Claims, Lease, is_decided


def digest(number: int) -> Digest:
    return Digest(hashlib.sha256(b"%d" % number).hexdigest())


def ended_in_doubt(claims: Claims, *digests: Digest) -> None:
    lease = Lease(None, claims)  # type: ignore[arg-type]  # nothing is written
    for one in digests:
        claims.take(lease, one)
    claims.give_back(lease, decided=False)


def test_a_slow_removal_keeps_nobody_from_giving_back() -> None:
    """The event loop gives back; a disk that takes its time may hold a thread, never the loop."""
    claims, begun, go_on = Claims(), Event(), Event()

    def slow(_: Digest) -> int:
        begun.set()
        assert go_on.wait(10)
        return 1

    lease = Lease(None, claims)  # type: ignore[arg-type]  # nothing is written
    claims.take(lease, digest(1))
    claims.suspect({digest(2)})
    removing = Thread(target=claims.remove, args=(digest(2), slow))
    removing.start()
    assert begun.wait(10)
    giving_back = Thread(target=claims.give_back, args=(lease,), kwargs={"decided": True}, daemon=True)
    giving_back.start()
    giving_back.join(5)
    waited = giving_back.is_alive()
    go_on.set()
    removing.join()
    assert not waited


def test_more_doubts_than_can_be_told_apart_are_doubts_of_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "DOUBTED_MAX", 3)
    claims, innocent = Claims(), digest(99)
    for number in range(3):
        ended_in_doubt(claims, digest(number))
    assert claims.suspect({innocent, digest(0)}) == {innocent}
    ended_in_doubt(claims, digest(3))
    assert not claims.suspect({innocent})
    claims.swept()
    assert not claims.suspect({innocent}), "a whole sweep goes by first"
    claims.swept()
    assert claims.suspect({innocent, digest(0)}) == {innocent, digest(0)}


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_error_that_says_no_unit_was_handed_in_leaves_no_doubt(*, wrapped: bool) -> None:
    given_up = asyncio.CancelledError()
    assert not is_decided(given_up)
    given_up.add_note(NO_UNIT)
    error: BaseException = given_up
    if wrapped:
        error = ConnectionResetError("the caller has gone")
        error.__cause__ = given_up
    assert is_decided(error)
