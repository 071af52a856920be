"""The promises of `NamedBlobs`: what a row names, and what it named before, is known, in the unit and after it."""

import asyncio
from dataclasses import replace

import pytest

from gateway.core.errors import Conflict
from gateway.core.model import Attachment
from gateway.core.states import DocumentState
from gateway.storage.rows import IN_MAX
from tests.contract.stores import LedgerStore
from tests.kit import rows


def file(name: str) -> Attachment:
    return Attachment(position=1, name=f"{name}.txt", content_type="text/plain", blob=rows.blob(name))


async def named(store: LedgerStore, *names: str) -> set[str]:
    digests = {rows.blob(name).digest: name for name in names}
    found = await store.read(lambda uow: uow.blobs.named(tuple(digests)))
    return {digests[digest] for digest in found}


async def test_every_row_that_names_a_blob_makes_it_known(store: LedgerStore) -> None:
    document = rows.document(attachments=(file("handed in"), file("second")), envelope=None)
    await store.transact(lambda uow: uow.documents.add(document))
    everything = ("handed in", "second", "sealed", "envelope", "sent", "received", "entry", "entry's file", "nobody's")
    assert await named(store, *everything) == {"handed in", "second"}
    sealed = replace(document, attachments=(file("sealed"), file("second")), state=DocumentState.SEALED)
    await store.transact(lambda uow: uow.documents.advance(sealed, was=DocumentState.ACCEPTED))
    wrapped = replace(sealed, envelope=rows.blob("envelope"), state=DocumentState.WRAPPED)
    await store.transact(lambda uow: uow.documents.advance(wrapped, was=DocumentState.SEALED))
    assert await named(store, *everything) == {"handed in", "second", "sealed", "envelope"}
    transfer = rows.transfer(document)
    sent = replace(transfer, slip=replace(transfer.slip, envelope=rows.blob("sent")))
    incoming = rows.incoming()
    received = replace(incoming, slip=replace(incoming.slip, envelope=rows.blob("received")))
    entry = rows.entry(envelope=rows.blob("entry"), attachments=(file("entry's file"),))
    await store.transact(lambda uow: uow.transfers.add([sent]))
    await store.transact(lambda uow: uow.transfers.receive(received))
    await store.transact(lambda uow: uow.inbox.add([entry]))
    assert await named(store, *everything) == set(everything) - {"nobody's"}


async def test_what_a_unit_named_that_failed_is_not_named(store: LedgerStore) -> None:
    document = rows.document(attachments=(file("a"),))
    await store.transact(lambda uow: uow.documents.add(document))
    again = replace(rows.document(attachments=(file("b"),)), idempotency_key=document.idempotency_key)
    with pytest.raises(Conflict):
        await store.transact(lambda uow: uow.documents.add(again))
    assert await named(store, "a", "b") == {"a"}


async def test_many_units_that_name_the_same_and_many_that_are_asked_about(store: LedgerStore) -> None:
    documents = [rows.document(attachments=(file("x"), file("y"), file(f"own {n}"))) for n in range(8)]
    await asyncio.gather(*(store.transact(lambda uow, one=one: uow.documents.add(one)) for one in documents))
    names = ["x", "y", *(f"own {n}" for n in range(IN_MAX + 8))]
    assert await named(store, *names) == {"x", "y", *(f"own {n}" for n in range(8))}
    assert await store.read(lambda uow: uow.blobs.named([])) == frozenset()
