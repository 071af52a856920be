"""Many rows on PostgreSQL: one statement whatever their number, the same rows that came, and no table read whole."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event

from gateway.audit import sequence
from gateway.core.ids import DeliveryKey, OrganId
from gateway.core.ledgers import StaleStateError
from gateway.core.states import DeliveryState
from gateway.storage.attempts import Attempts
from gateway.storage.group_commit import Settled, Work
from gateway.storage.postgres_engine import writers_engine
from gateway.storage.postgres_url import read_url
from gateway.storage.tables import metadata
from tests.kit import rows
from tests.kit.postgres import change, look, session_server

EVERYBODY = 336


class Unhurried:
    """Units on one connection of a store's kind; `asked` is what the server was asked, and with how many executions."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, int]] = []
        self._engine = writers_engine(read_url(url), connections=1)
        self._attempts = Attempts(self._engine)
        event.listen(self._engine, "before_cursor_execute", self._note)

    def run(self, work: Work) -> Any:
        done: Settled = self._attempts.run(work)
        if done.error is not None:
            raise done.error
        return done.value

    def end(self) -> None:
        """End the session; the server has counted what it read before it is gone."""
        self.close()
        gone = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> ''"
        while look(self.url, gone) != [(0,)]:
            time.sleep(0.01)

    def close(self) -> None:
        self._attempts.close()
        self._engine.dispose()

    def _note(self, _connection: Connection, _cursor: Any, statement: str, *rest: Any) -> None:
        parameters, _context, many = rest
        self.asked.append((statement, len(parameters) if many else 1))


@pytest.fixture
def writer() -> Iterator[Unhurried]:
    made = Unhurried(session_server().database())
    yield made
    made.close()


def organ(n: int) -> OrganId:
    return OrganId(f"Z79.02.{n:03}")


def send(recipients: int, first: int = 0) -> Work:
    """What dispatch writes: numbers, deliveries, leaves; and what a receipt makes of them."""
    document = rows.document()

    def work(uow: Any) -> None:
        organs = [organ(n) for n in range(first, first + recipients)]
        uow.documents.add(document)
        uow.documents.next_sequence(document.sender, organs, 2026, lambda: bytes(16))
        made = [rows.delivery(document, one) for one in organs]
        uow.documents.add_deliveries(made)
        for one in organs:
            uow.log.append(rows.leaf(recipient=one, organ=one))
        moved = [rows.delivered(one) for one in uow.documents.deliveries(document.key)]
        uow.documents.advance_deliveries(moved, was={one.key: one.state for one in made})

    return work


def test_the_server_is_asked_as_often_for_336_bodies_as_for_two(writer: Unhurried) -> None:
    asked = []
    for first, recipients in ((0, 2), (2, 2), (4, EVERYBODY)):
        for work in (send(recipients, first), send(recipients, first), sequence):  # the second finds its streams
            writer.asked.clear()
            writer.run(work)
            asked.append(sum(executions for _, executions in writer.asked))
    assert asked[3:6] == asked[6:]  # the very first are asked for what is there only once


def test_what_is_written_in_bulk_reads_back_in_its_order(writer: Unhurried) -> None:
    document = rows.document()
    texts = ["", " ", "NULL", "{}", '{"a",b}', "\\", "'", '"', "Thành ủy 🏛", "x" * 5_000, "%(key)s", "::TEXT"]
    numbers = [1, 0, 2**15, 2**31, 2**53 - 1, 7]
    made = [
        rows.delivery(
            document,
            organ(n),
            reason=text,
            route_reason=text[::-1],
            sequence=numbers[n % len(numbers)],
            business_at=rows.NOW if n % 2 else None,
        )
        for n, text in enumerate(texts)
    ]

    def work(uow: Any) -> None:
        uow.documents.add(document)
        uow.documents.add_deliveries(made[::-1])

    writer.run(work)
    assert writer.run(lambda uow: uow.documents.deliveries(document.key)) == tuple(made[::-1])
    moved = [rows.delivered(one) for one in made]
    was = {one.key: one.state for one in made}
    writer.run(lambda uow: uow.documents.advance_deliveries(moved, was=was))
    assert writer.run(lambda uow: uow.documents.deliveries(document.key)) == tuple(moved[::-1])


def test_one_of_many_in_another_state_leaves_all_as_they_were(writer: Unhurried) -> None:
    document = rows.document()
    made = [rows.delivery(document, organ(n)) for n in range(9)]

    def add(uow: Any) -> None:
        uow.documents.add(document)
        uow.documents.add_deliveries(made)

    writer.run(add)
    was: dict[DeliveryKey, DeliveryState] = {one.key: one.state for one in made} | {made[4].key: DeliveryState.HELD}
    with pytest.raises(StaleStateError):
        writer.run(lambda uow: uow.documents.advance_deliveries([rows.delivered(one) for one in made], was=was))
    assert writer.run(lambda uow: uow.documents.deliveries(document.key)) == tuple(made)


def test_no_commit_reads_a_whole_table_however_old_the_server_s_statistics_are(writer: Unhurried) -> None:
    """A log of some age, of which the server has counted nothing yet; one unit and its sequencer read their own rows."""
    change(
        writer.url,
        "INSERT INTO openings (hash, salt, private, at, event, subject, document, recipient, organ)"
        " SELECT sha256(n::text::bytea), sha256('salt'), 'p', 1, 'accepted', 's' || n, 'd', NULL, 'Z79'"
        " FROM generate_series(1, 20000) n",
    )
    change(
        writer.url,
        "INSERT INTO leaves (position, hash, data) SELECT 1000000 + n, sha256(n::text::bytea), 'data'"
        " FROM generate_series(1, 20000) n",
    )
    for _ in range(12):  # more often than the server makes a plan for these very values
        writer.run(send(5))
        writer.run(sequence)
    writer.end()
    rows_read = dict(look(writer.url, "SELECT relname::text, seq_tup_read FROM pg_stat_user_tables"))
    assert {name for name in metadata.tables if name in rows_read} == set(metadata.tables)
    # small tables of one row may be met in passing
    read_whole = {name: read for name, read in rows_read.items() if isinstance(read, int) and read > 1_000}
    assert read_whole == {}
