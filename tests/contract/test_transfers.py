"""The promises of the ledger `Transfers`."""

from dataclasses import replace

import pytest

from gateway.core.errors import Conflict
from gateway.core.ids import TransferKey
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.model import Document
from gateway.core.states import TransferState
from tests.contract.stores import LedgerStore
from tests.kit import rows


@pytest.fixture
async def document(store: LedgerStore) -> Document:
    document = rows.document()
    await store.transact(lambda uow: uow.documents.add(document))
    return document


async def test_outgoing_transfers_come_back_whole(store: LedgerStore, document: Document) -> None:
    made = (rows.transfer(document, "t-1"), rows.transfer(document, "t-0", answer=b"jws", attempts=3, reason="r"))
    await store.transact(lambda uow: uow.transfers.add(made))
    assert await store.read(lambda uow: uow.transfers.of_document(document.key)) == made
    assert await store.read(lambda uow: uow.transfers.find(made[1].slip.transfer)) == made[1]
    assert await store.read(lambda uow: uow.transfers.find(TransferKey("none"))) is None
    assert await store.read(lambda uow: uow.transfers.page(None, 1)) == (made[1],)
    assert await store.read(lambda uow: uow.transfers.page(TransferKey("t-0"), 9)) == (made[0],)


async def test_advancing_writes_the_mutable_fields_and_never_the_slip(store: LedgerStore, document: Document) -> None:
    queued = rows.transfer(document)
    await store.transact(lambda uow: uow.transfers.add([queued]))
    done = replace(
        queued, state=TransferState.RECEIPTED, reason="r", attempts=2, answer=b"jws", changed_at=rows.later(3)
    )
    forged = replace(done, slip=replace(queued.slip, document_id="forged"))
    await store.transact(lambda uow: uow.transfers.advance(forged, was=TransferState.QUEUED))
    assert await store.read(lambda uow: uow.transfers.find(queued.slip.transfer)) == done
    with pytest.raises(StaleStateError):
        await store.transact(lambda uow: uow.transfers.advance(queued, was=TransferState.QUEUED))
    assert await store.read(lambda uow: uow.transfers.find(queued.slip.transfer)) == done


@pytest.mark.parametrize("other", [b"another", None])
async def test_an_answer_that_is_there_never_changes(
    store: LedgerStore, document: Document, other: bytes | None
) -> None:
    answered = rows.transfer(document, answer=b"jws", state=TransferState.SENDING)
    await store.transact(lambda uow: uow.transfers.add([answered]))
    with pytest.raises(AssertionError):
        await store.transact(
            lambda uow: uow.transfers.advance(replace(answered, answer=other), was=TransferState.SENDING)
        )
    assert await store.read(lambda uow: uow.transfers.find(answered.slip.transfer)) == answered
    receipted = replace(answered, state=TransferState.RECEIPTED)  # the same answer again is no change
    await store.transact(lambda uow: uow.transfers.advance(receipted, was=TransferState.SENDING))


async def test_an_incoming_transfer_comes_back_whole_and_only_once(store: LedgerStore) -> None:
    incoming = rows.incoming()
    key = incoming.slip.transfer
    await store.transact(lambda uow: uow.transfers.receive(incoming))
    assert await store.read(lambda uow: uow.transfers.incoming(key)) == incoming
    with pytest.raises(Conflict) as refused:
        await store.transact(lambda uow: uow.transfers.receive(replace(incoming, received_at=rows.later(9))))
    assert refused.value.code == "transfer.conflict"
    assert await store.read(lambda uow: uow.transfers.incoming(key)) == incoming
    assert await store.read(lambda uow: uow.transfers.incoming(TransferKey("none"))) is None


async def test_the_first_answer_wins(store: LedgerStore) -> None:
    incoming = rows.incoming()
    key = incoming.slip.transfer

    def receive_and_answer(uow: UnitOfWork) -> bytes:
        uow.transfers.receive(incoming)
        return uow.transfers.answer(key, b"first")

    assert await store.transact(receive_and_answer) == b"first"
    assert await store.transact(lambda uow: uow.transfers.answer(key, b"second")) == b"first"
    assert await store.read(lambda uow: uow.transfers.incoming(key)) == replace(incoming, answer=b"first")


async def test_incoming_transfers_come_in_pages_by_key_with_their_lines(store: LedgerStore) -> None:
    made = [rows.incoming(f"transfer-{number}") for number in range(5)]

    def unit(uow: UnitOfWork) -> None:
        for incoming in reversed(made):
            uow.transfers.receive(incoming)

    await store.transact(unit)
    first = await store.read(lambda uow: uow.transfers.incoming_page(None, 3))
    assert list(first) == made[:3]
    rest = await store.read(lambda uow: uow.transfers.incoming_page(first[-1].slip.transfer, 3))
    assert list(rest) == made[3:]
    assert await store.read(lambda uow: uow.transfers.incoming_page(made[-1].slip.transfer, 3)) == ()
