"""Leases and their keeper: what no row names goes, what a row names or somebody holds stays, whoever keeps the blobs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from gateway.core.errors import Conflict, SenderError, SiteError
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.limits import ORPHAN_SECONDS_MIN
from gateway.core.model import Attachment, BlobRef
from gateway.storage import BlobKeeper, FileBlobs, MemoryStore, open_memory
from tests.kit import rows
from tests.kit.blobs import MemoryBlobs, stored
from tests.kit.clock import ManualClock
from tests.kit.folder_blobs import FolderBlobs

T = TypeVar("T")
AnyBlobs = FileBlobs | MemoryBlobs | FolderBlobs


@pytest.fixture
def clock() -> ManualClock:
    """It begins with the real time: files are as old as the real clock says."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def database() -> AsyncIterator[MemoryStore]:
    store = open_memory(sequencer=lambda _uow: None)
    yield store
    await store.close()


@pytest.fixture
def keeper(blobs: AnyBlobs, database: MemoryStore, clock: ManualClock) -> BlobKeeper:
    return BlobKeeper(blobs, store=database, clock=clock)


def there(blobs: AnyBlobs, ref: BlobRef) -> bool:
    return blobs.path(ref).exists()


def naming(ref: BlobRef) -> Callable[[UnitOfWork], None]:
    document = rows.document(envelope=ref, attachments=())
    return lambda uow: uow.documents.add(document)


async def put_in_vain(blobs: AnyBlobs, error: BaseException, *datas: bytes) -> list[BlobRef]:
    """A request that puts this, and then ends so."""
    refs: list[BlobRef] = []
    with suppress(type(error)), blobs.lease() as lease:
        for data in datas:
            refs.append(await lease.put_bytes(data))
        raise error
    return refs


@pytest.mark.parametrize(
    "refusal",
    [SenderError("file.empty"), Conflict("conflict.idempotency"), SiteError("worker.busy"), StaleStateError()],
)
async def test_what_was_put_for_a_request_that_is_refused_is_gone(
    blobs: AnyBlobs, keeper: BlobKeeper, refusal: Exception
) -> None:
    kept = await stored(blobs, b"somebody else's")
    await blobs.claims.returned()
    (ref,) = await put_in_vain(blobs, refusal, b"refused")
    removed = await keeper.clear_once()
    assert (removed.blobs, removed.bytes) == (1, len(b"refused"))
    assert not there(blobs, ref)
    assert there(blobs, kept), "nobody asked about it"
    with pytest.raises(SiteError, match=r"blob\.damaged"):
        await blobs.read(ref)


async def test_what_a_row_names_stays_whoever_else_is_refused_with_it(
    blobs: AnyBlobs, keeper: BlobKeeper, database: MemoryStore
) -> None:
    with blobs.lease() as lease:
        envelope, file = await lease.put_bytes(b"envelope"), await lease.put_bytes(b"file")
        attachment = Attachment(position=1, name="a.txt", content_type="text/plain", blob=file)
        document = rows.document(envelope=envelope, attachments=(attachment,))
        await database.transact(lambda uow: uow.documents.add(document))
    assert (await keeper.clear_once()).blobs == 0
    await stored(blobs, b"envelope")
    await stored(blobs, b"file")
    assert (await keeper.clear_once()).blobs == 0
    assert await blobs.read(envelope) == b"envelope"
    assert await blobs.read(file) == b"file"


async def test_what_another_request_holds_stays_until_the_last_one_ends(blobs: AnyBlobs, keeper: BlobKeeper) -> None:
    with blobs.lease() as outer:
        ref = await outer.put_bytes(b"shared")
        with blobs.lease() as inner:
            assert await inner.put_bytes(b"shared") == ref
        assert (await keeper.clear_once()).blobs == 0
        assert there(blobs, ref)
    assert (await keeper.clear_once()).blobs == 1
    assert not there(blobs, ref)


@pytest.mark.parametrize("doubt", [asyncio.CancelledError(), SiteError("store.busy"), RuntimeError("what?")])
async def test_after_an_end_in_doubt_a_unit_may_still_name_it(
    blobs: AnyBlobs, keeper: BlobKeeper, database: MemoryStore, clock: ManualClock, doubt: BaseException
) -> None:
    named, forgotten = await put_in_vain(blobs, doubt, b"late", b"never")
    await stored(blobs, b"late")  # another request with the same bytes, refused: it decides nothing
    await stored(blobs, b"never")
    assert (await keeper.clear_once()).blobs == 0
    await database.transact(naming(named))
    clock.advance(ORPHAN_SECONDS_MIN + 60)
    assert (await keeper.sweep()).blobs == 0, "a whole sweep goes by before a doubt is forgotten"
    await keeper.sweep()
    assert there(blobs, forgotten), "the first one may have come right after the doubt"
    await keeper.sweep()
    assert await blobs.read(named) == b"late"
    assert not there(blobs, forgotten)


async def test_the_sweep_removes_what_a_crash_left_long_ago_and_nothing_else(
    blobs: AnyBlobs, database: MemoryStore, clock: ManualClock
) -> None:
    left, named = await stored(blobs, b"left behind"), await stored(blobs, b"named")
    await database.transact(naming(named))
    blobs.claims.take_returned()  # the crash: nobody remembers
    keeper = BlobKeeper(blobs, store=database, clock=clock)
    with blobs.lease() as lease:
        held = await lease.put_bytes(b"a request that lasts")
        assert (await keeper.sweep()).blobs == 0, "it is too young"
        assert there(blobs, left)
        clock.advance(ORPHAN_SECONDS_MIN + 60)
        removed = await keeper.sweep()
        assert (removed.blobs, removed.bytes) == (1, len(b"left behind"))
        assert [there(blobs, ref) for ref in (left, named, held)] == [False, True, True]


async def test_while_the_database_does_not_answer_everything_stays(
    blobs: AnyBlobs, database: MemoryStore, clock: ManualClock
) -> None:
    keeper = BlobKeeper(blobs, store=Silent(database), clock=clock)
    ref = await stored(blobs, b"refused")
    assert (await keeper.clear_once()).blobs == 0
    clock.advance(ORPHAN_SECONDS_MIN + 60)
    assert (await keeper.sweep()).blobs == 0
    assert there(blobs, ref)
    assert (await BlobKeeper(blobs, store=database, clock=clock).sweep()).blobs == 1


async def test_what_is_in_doubt_ages_by_whole_sweeps_only(
    blobs: AnyBlobs, database: MemoryStore, clock: ManualClock
) -> None:
    """A sweep that broke off has not looked at everything: a unit that is late may still name what is in doubt."""
    (late,) = await put_in_vain(blobs, SiteError("store.busy"), b"late")
    silent = BlobKeeper(blobs, store=Silent(database), clock=clock)
    await stored(blobs, b"something to ask about")
    clock.advance(ORPHAN_SECONDS_MIN + 60)
    for _ in range(5):
        assert (await silent.sweep()).blobs == 0
    await put_in_vain(blobs, SenderError("file.empty"), b"late")
    await BlobKeeper(blobs, store=database, clock=clock).clear_once()
    assert there(blobs, late), "it is still in doubt"


class Silent:
    """A store that cannot be read just now."""

    def __init__(self, store: MemoryStore) -> None:
        self.transact, self.check_room, self.close = store.transact, store.check_room, store.close

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        raise SiteError("store.busy")


async def test_a_blob_put_again_while_the_database_is_asked_stays(
    blobs: AnyBlobs, database: MemoryStore, clock: ManualClock
) -> None:
    """The answer is old when it comes: between question and removal the same bytes are put, named, and given back."""

    async def meanwhile() -> None:
        with blobs.lease() as lease:
            await database.transact(naming(await lease.put_bytes(b"again")))

    slow = Slow(database, meanwhile)
    keeper = BlobKeeper(blobs, store=slow, clock=clock)
    ref = await stored(blobs, b"again")
    assert (await keeper.clear_once()).blobs == 0
    assert slow.asked
    assert await blobs.read(ref) == b"again"
    assert (await keeper.clear_once()).blobs == 0


class Slow(Silent):
    """A store whose answer takes so long that something happens meanwhile."""

    def __init__(self, store: MemoryStore, meanwhile: Callable[[], Awaitable[None]]) -> None:
        super().__init__(store)
        self._store, self._meanwhile = store, meanwhile
        self.asked = False

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        answer = await self._store.read(work)
        if not self.asked:
            self.asked = True
            await self._meanwhile()
        return answer
