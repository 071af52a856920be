"""Every invariant can fail: a world in which all is well, one thing in it made wrong, and the invariant that says so."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.ids import DocumentKey, EntryKey, GatewayId
from gateway.core.states import AmendmentState, BusinessStatus, DeliveryState, DocumentState, TransferState
from gateway.core.work import Claim, WorkItem, WorkKind
from tests.kit.seeded import invariants, small_log
from tests.kit.seeded.invariants import INVARIANTS, problems
from tests.kit.seeded.materials import START, Materials, keyed, wards
from tests.kit.seeded.plan import HOUR, NAMES, Fault, Plan, What
from tests.kit.seeded.watch import Answers, Watch
from tests.kit.seeded.world import Outcome, run_world
from tests.scenario.test_stories import letter, plan

A, B = NAMES[:2]
Plant = Callable[[Outcome], Outcome]


@pytest.fixture(scope="module")
def well(world_materials: Materials) -> Outcome:
    """A world in which nothing is wrong: two letters, one refused recipient, a word that travelled back."""
    locked = Fault(at=0.0, what=What.LOCK, gateway=B, seconds=600.0)  # known at B before the letter, and at A after it
    first, second = letter(1, keyed(B)[0], keyed(A)[1], wards(B)[0], at=300.0), letter(2, keyed(B)[0], at=330.0)
    second = replace(second, recalled=900.0)
    made: Plan = plan(first, second, faults=(locked,), gossip=1.0, words=2, hurry=60.0, until=HOUR, seed=12)
    outcome = run_world(made, world_materials, deep=True)
    assert problems(outcome) == ()
    assert any(row.business_status for row in outcome.kept[0].deliveries)
    assert any(row.state is DeliveryState.REFUSED for row in outcome.kept[0].deliveries)
    assert [len(each.amendments) for each in outcome.kept] == [1, 1]
    return outcome


def kept(world: Outcome, own: GatewayId, **changes: Any) -> Outcome:
    """One gateway kept something else."""
    rows = tuple(replace(one, **changes) if one.own == own else one for one in world.kept)
    return replace(world, kept=rows)


def of(world: Outcome, own: GatewayId) -> Any:
    return next(one for one in world.kept if one.own == own)


def changed(rows: tuple[Any, ...], which: Callable[[Any], bool], **changes: Any) -> tuple[Any, ...]:
    """The first row of that kind, changed."""
    at = next(index for index, row in enumerate(rows) if which(row))
    return (*rows[:at], replace(rows[at], **changes), *rows[at + 1 :])


def row_changed(own: GatewayId, table: str, which: Callable[[Any], bool] = lambda row: True, **changes: Any) -> Plant:
    return lambda world: kept(world, own, **{table: changed(getattr(of(world, own), table), which, **changes)})


def rows_cut(own: GatewayId, table: str, part: slice) -> Plant:
    return lambda world: kept(world, own, **{table: getattr(of(world, own), table)[part]})


def kept_as(own: GatewayId, **changes: Any) -> Plant:
    return lambda world: kept(world, own, **changes)


def ledger(**changes: Any) -> Plant:
    return lambda world: replace(world, ledger=replace(world.ledger, **changes))


def delivered(row: Any) -> bool:
    return row.state in {DeliveryState.DELIVERED, TransferState.RECEIPTED}


def refused(row: Any) -> bool:
    return row.state is DeliveryState.REFUSED


def at_b(row: Any) -> bool:
    return row.recipient == keyed(B)[0]


def to_b(row: Any) -> bool:
    return row.slip.destination == B


def no_blob(world: Outcome) -> Outcome:
    blobs = dict(of(world, B).blobs)
    del blobs[of(world, B).entries[0].attachments[0].blob.digest]
    return kept(world, B, blobs=blobs)


def other_bytes(world: Outcome) -> Outcome:
    digest = of(world, A).documents[0].envelope.digest
    return kept(world, A, blobs={**of(world, A).blobs, digest: bytes(of(world, A).documents[0].envelope.size)})


def left_over(world: Outcome) -> Outcome:
    data = b"refused"
    return kept(world, A, blobs={**of(world, A).blobs, hashlib.sha256(data).hexdigest(): data})


def not_named(world: Outcome) -> Outcome:
    return kept(world, B, named=of(world, B).named - {of(world, B).entries[0].envelope.digest})


def original_gone(world: Outcome) -> Outcome:
    """The file as it was handed in, which was sealed here."""
    (digest, *_) = of(world, A).named - {
        blob.digest for row in of(world, A).documents for blob in (*(f.blob for f in row.attachments), row.envelope)
    }
    return kept(world, A, blobs={name: data for name, data in of(world, A).blobs.items() if name != digest})


def receipt_spoilt(world: Outcome) -> Outcome:
    (answer, *_) = [row.answer for row in of(world, A).transfers if to_b(row)]
    return row_changed(A, "transfers", to_b, answer=answer[:-4] + b"AAAA")(world)


def receipt_of_another(world: Outcome) -> Outcome:
    first, second, *_ = [row.answer for row in of(world, A).transfers if to_b(row)]
    assert first != second
    return row_changed(A, "transfers", lambda row: to_b(row) and row.answer == first, answer=second)(world)


def entry_twice(world: Outcome) -> Outcome:
    rows = of(world, B).entries
    return kept(world, B, entries=(*rows, replace(rows[0], key=EntryKey("other"), cursor=99)))


def entry_of_nobody(world: Outcome) -> Outcome:
    return row_changed(B, "entries", document_id="Z79,2026/11/20,9/CV")(world)


def subject_changed(world: Outcome) -> Outcome:
    entry = of(world, B).entries[0]
    return row_changed(B, "entries", message=replace(entry.message, subject="Về việc khác"))(world)


def file_swapped(world: Outcome) -> Outcome:
    first, second = [row.attachments for row in of(world, B).entries[:2]]
    assert first != second
    return row_changed(B, "entries", attachments=second)(world)


def metadata_changed(world: Outcome) -> Outcome:
    document = next(row for row in of(world, A).documents if row.metadata)
    changes = {"metadata": replace(document.metadata, subject="Về việc khác")}
    return row_changed(A, "documents", lambda row: row.metadata is not None, **changes)(world)


def checkpoint_behind(world: Outcome) -> Outcome:
    size, note = of(world, A).checkpoint
    return kept(world, A, checkpoint=(size - 1, note))


def word_lost(world: Outcome) -> Outcome:
    said = lambda row: row.business_status is not None  # noqa: E731 - said twice below
    return row_changed(A, "deliveries", said, business_status=None)(world)


def leaf_changed(world: Outcome) -> Outcome:
    leaves = of(world, B).leaves
    return kept(world, B, leaves=(leaves[0], leaves[1].replace(b'"q":', b'"q":1'), *leaves[2:]))


def note_of_another(world: Outcome) -> Outcome:
    return kept(world, A, checkpoint=of(world, B).checkpoint, memory=of(world, B).memory)


def acked_and_lost(world: Outcome) -> Outcome:
    acked = dict(world.ledger.acked)
    (name, (sent, _)), *_ = acked.items()
    return ledger(acked={**acked, name: (sent, DocumentKey("gone"))})(world)


def expired_early(world: Outcome) -> Outcome:
    row = next(row for row in of(world, A).openings if row.event == "delivery.delivered")
    told = changed(of(world, A).openings, lambda one: one is row, event="delivery.expired")
    return kept(world, A, openings=told)


def unread(world: Outcome) -> Outcome:
    return ledger(seen={**world.ledger.seen, B: {}})(world)


def said_otherwise(world: Outcome) -> Outcome:
    (name, _), *_ = world.ledger.said.items()
    return ledger(said={name: (BusinessStatus.COMPLETED, "xong")})(world)


PLANTED: list[tuple[Any, Plant]] = [
    (invariants.nothing_is_left_over, left_over),
    (invariants.nothing_is_left_over, not_named),
    (invariants.nothing_is_left_over, original_gone),
    (invariants.blobs_are_there, no_blob),
    (invariants.blobs_are_there, other_bytes),
    (invariants.everything_ends, kept_as(A, work=1)),
    (invariants.everything_ends, row_changed(A, "documents", state=DocumentState.SEALED)),
    (invariants.everything_ends, row_changed(A, "documents", state=DocumentState.HELD)),
    (invariants.everything_ends, row_changed(A, "deliveries", state=DeliveryState.INDETERMINATE)),
    (invariants.everything_ends, row_changed(A, "deliveries", refused, reason="")),
    (invariants.everything_ends, row_changed(A, "transfers", state=TransferState.SENDING)),
    (invariants.everything_ends, rows_cut(A, "deliveries", slice(1, None))),
    (invariants.everything_ends, rows_cut(A, "transfers", slice(1, None))),
    (invariants.everything_ends, acked_and_lost),
    (invariants.delivered_is_proven, row_changed(A, "transfers", answer=None)),
    (invariants.delivered_is_proven, receipt_spoilt),
    (invariants.delivered_is_proven, receipt_of_another),
    (invariants.delivered_is_proven, row_changed(A, "deliveries", refused, state=DeliveryState.DELIVERED)),
    (invariants.delivered_is_proven, row_changed(A, "deliveries", delivered, state=DeliveryState.REFUSED)),
    (invariants.delivered_is_proven, rows_cut(B, "incoming", slice(1, None))),
    (invariants.numbers_have_no_gaps, row_changed(A, "deliveries", at_b, sequence=7)),
    (invariants.numbers_have_no_gaps, kept_as(A, streams={})),
    (invariants.order_is_kept, kept_as(B, staged=1)),
    (invariants.order_is_kept, kept_as(B, arrived={})),
    (invariants.one_effect, entry_twice),
    (invariants.one_effect, entry_of_nobody),
    (invariants.one_effect, rows_cut(B, "entries", slice(1, None))),
    (invariants.one_effect, row_changed(A, "deliveries", delivered, state=DeliveryState.REFUSED)),
    (invariants.one_effect, unread),
    (invariants.nothing_is_overwritten, subject_changed),
    (invariants.nothing_is_overwritten, file_swapped),
    (invariants.nothing_is_overwritten, metadata_changed),
    (invariants.leaves_tell_the_history, rows_cut(A, "openings", slice(4, None))),
    (invariants.leaves_tell_the_history, row_changed(A, "documents", last_leaf="00" * 32)),
    (invariants.leaves_tell_the_history, row_changed(A, "documents", state=DocumentState.WRAPPED)),
    (invariants.leaves_tell_the_history, row_changed(A, "deliveries", delivered, state=DeliveryState.EXPIRED)),
    (invariants.leaves_tell_the_history, row_changed(B, "entries", business_status=BusinessStatus.COMPLETED)),
    (invariants.checkpoints_follow_the_log, checkpoint_behind),
    (invariants.checkpoints_follow_the_log, kept_as(A, memory="")),
    (invariants.checkpoints_follow_the_log, kept_as(A, pending=1)),
    (invariants.guards_had_their_evidence, row_changed(A, "documents", envelope=None)),
    (invariants.guards_had_their_evidence, expired_early),
    (invariants.guards_had_their_evidence, word_lost),
    (invariants.guards_had_their_evidence, entry_of_nobody),
    (invariants.refusals_are_deserved, row_changed(A, "deliveries", refused, reason="peer.refused")),
    (invariants.refusals_are_deserved, row_changed(A, "deliveries", refused, recipient=keyed(B)[1])),
    (invariants.refusals_are_deserved, row_changed(A, "deliveries", state=DeliveryState.EXPIRED)),
    (invariants.refusals_are_deserved, row_changed(A, "transfers", state=TransferState.REFUSED, reason="x")),
    (invariants.refusals_are_deserved, row_changed(A, "documents", state=DocumentState.REFUSED)),
    (invariants.refusals_are_deserved, ledger(refused={(A, "letter-1"): "request.field"})),
    (invariants.words_travel_back, word_lost),
    (invariants.words_travel_back, said_otherwise),
    (invariants.recalls_are_heard, kept_as(A, amendments=())),
    (invariants.recalls_are_heard, row_changed(A, "amendments", state=AmendmentState.ASKED)),
    (invariants.recalls_are_heard, row_changed(A, "amendments", state=AmendmentState.STOPPED)),
    (invariants.recalls_are_heard, row_changed(B, "amendments", state=AmendmentState.WAITING)),
    (invariants.receipts_are_kept, lambda world: replace(world, answers=dict.fromkeys(world.answers, b"a.b.c"))),
    (invariants.receipts_are_kept, row_changed(B, "incoming", answer=b"a.b.c")),
    (invariants.logs_hold, leaf_changed),
    (invariants.logs_hold, note_of_another),
    (invariants.logs_hold, rows_cut(A, "openings", slice(1, None))),
    (invariants.logs_hold, rows_cut(A, "leaves", slice(None, -1))),
    (invariants.logs_hold, row_changed(A, "openings", private=b"{}")),
]


@pytest.mark.parametrize(("invariant", "plant"), PLANTED)
def test_what_is_planted_is_found(well: Outcome, invariant: Any, plant: Plant) -> None:
    assert list(invariant(well)) == []
    assert list(invariant(plant(well))) != []


def test_every_invariant_has_something_planted_for_it() -> None:
    assert {invariant for invariant, _ in PLANTED} == set(INVARIANTS)


# --- what is watched while a world runs --------------------------------------------------------------------------------


def watch() -> tuple[Watch, list[str]]:
    found: list[str] = []
    return Watch(own=A, trace=lambda *_: None, found=found), found


def claim(fence: int) -> Claim:
    return Claim(item=WorkItem(kind=WorkKind.TRANSFER, subject="t", destination=B, due_at=START), fence=fence)


def test_a_fence_that_goes_back_and_one_that_is_used_after_it_was_lost_are_found() -> None:
    watched, found = watch()
    watched._claimed((claim(2),))
    watched._given_back("finish", claim(2))
    assert found == []
    watched._claimed((claim(3),))
    watched._given_back("finish", claim(2))
    assert len(found) == 1
    watched._claimed((claim(3),))
    assert len(found) == 2


def test_another_answer_for_the_same_transfer_is_found() -> None:
    found: list[str] = []
    answers = Answers(found=found)
    answers.given(B, "t", b"a")
    answers.given(B, "t", b"a")
    assert found == []
    answers.given(B, "t", b"b")
    assert len(found) == 1


# --- the second verifier -----------------------------------------------------------------------------------------------


def test_the_second_verifier_refuses_what_the_first_refuses(well: Outcome) -> None:
    """Every part of a receipt that can be changed, changed."""
    answer = next(row.answer for row in of(well, A).transfers if to_b(row))
    entry = of(well, A).snapshot.gateways[B]
    small_log.check_receipt(answer, entry.receipt_keys, entry.log_keys)
    head, payload, signature = answer.split(b".")
    other = of(well, A).snapshot.gateways[A]
    for changed_answer, receipt_keys, log_keys in (
        (b".".join((head, payload[:-2] + b"AA", signature)), entry.receipt_keys, entry.log_keys),
        (b".".join((head, payload, signature[:-4] + b"AAAA")), entry.receipt_keys, entry.log_keys),
        (answer, other.receipt_keys, entry.log_keys),
        (answer, entry.receipt_keys, other.log_keys),
    ):
        with pytest.raises(small_log.BadError):
            small_log.check_receipt(changed_answer, receipt_keys, log_keys)


def test_the_tree_of_the_second_verifier_is_that_of_the_standard() -> None:
    """RFC 6962: known answers of the certificate-transparency reference (leaves as in its merkle tree tests)."""
    leaves = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
    hashes = [small_log.leaf_hash(leaf) for leaf in leaves]
    assert small_log.tree_root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert small_log.tree_root(hashes[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert small_log.tree_root(hashes).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
