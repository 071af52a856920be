"""`queue list` beside a running service: what is due, which roads are bad, what was given up."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit import sequence
from gateway.cli import main
from gateway.cli.orders import QueueOrder
from gateway.cli.queue import Queue, print_queue, queue_json, read_queue
from gateway.core.interventions import Action, Pause, Request
from gateway.core.ledgers import UnitOfWork
from gateway.core.owed import TimestampState
from gateway.core.states import TransferState
from gateway.core.work import TIMESTAMP_ROAD, Destination, WorkKind
from gateway.outside import open_records
from gateway.storage import open_memory
from gateway.storage import work as work_ledger
from tests.kit import rows
from tests.unit.cli.site import HERE, THERE, TRANSFER, Site
from tests.unit.cli.world import printed, terminal

Capture = pytest.CaptureFixture[str]


def listed(site: Site, capsys: Capture, *more: str) -> dict[str, object]:
    capsys.readouterr()
    assert main(["queue", "list", "--config", str(site.config_file), "--json", *more]) == 0
    told: dict[str, object] = json.loads(capsys.readouterr().out)
    return told


def test_the_whole_queue(site: Site, capsys: Capture) -> None:
    told = listed(site, capsys)
    assert told["gateway"] == HERE
    assert [(one["subject"], one["attempts"]) for one in told["items"]] == [(site.document, 0), (TRANSFER, 3)]
    assert told["items"][1]["document"] == site.document
    assert told["items"][1]["state"] == "sending"
    roads = {one["destination"]: (one["road"], one["waiting"], one["failures"]) for one in told["destinations"]}
    assert roads == {"": ("open", 1, 0), HERE: ("half_open", 0, 1), THERE: ("waiting", 1, 4)}
    (held,) = told["held"]
    assert (held["reason"], held["turn"], told["held_documents"], told["held_deliveries"]) == ("", "operator", 1, 0)
    (dead,) = told["dead"]
    assert (dead["kind"], dead["reason"], told["dead_count"]) == ("document", "file.unreadable \x1b[2J", 1)


def test_filters(site: Site, capsys: Capture) -> None:
    there = listed(site, capsys, "--destination", THERE)
    assert [one["subject"] for one in there["items"]] == [TRANSFER]
    assert [one["destination"] for one in there["destinations"]] == [THERE]
    assert (there["dead"], there["more"]) == ([], False)
    assert listed(site, capsys, "--destination", "nobody")["items"] == []
    first = listed(site, capsys, "--limit", "1")
    assert ([one["subject"] for one in first["items"]], first["more"]) == ([site.document], True)
    dead = listed(site, capsys, "--dead")
    assert (dead["items"], dead["dead_count"]) == ([], 1)


def test_a_person_reads_words_and_no_control_characters(site: Site, capsys: Capture) -> None:
    assert main(["queue", "list", "--config", str(site.config_file)]) == 0
    shown = capsys.readouterr().out
    lines = [line.split("\t") for line in shown.splitlines()]
    assert [THERE, "1", "0", "Mất kết nối", "4", "01/01/2999 07:00:00"] in lines
    assert [HERE, "0", "0", "Đang thử lại", "1", ""] in lines
    assert ["(tại cổng này)", "1", "0", "Thông suốt", "0", ""] in lines
    assert sum(line[-1] == TRANSFER for line in lines) == 1  # the keys that `queue retry` and its sisters are told
    (held,) = listed(site, capsys)["held"]  # type: ignore[misc]  # one document
    assert {site.document, held["document"]} <= {line[-1] for line in lines}
    assert "Đang tạm giữ: 1 văn bản, 0 lượt gửi" in shown
    assert "Đã bỏ: 1" in shown
    assert "\x1b" not in shown
    assert "file.unreadable [U+001B][2J" in shown


async def test_dead_letters_are_counted_without_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand of them are a bad day; looking at it should not be worse."""
    store = open_memory(sequencer=sequence)
    for n in range(30):
        await store.transact(lambda uow, n=n: uow.work.add(rows.item(f"x{n}", n, destination="ab"[n % 2])))
    for claim in await store.transact(lambda uow: uow.work.claim(rows.later(99), lease=60, windows={}, limit=30)):
        await store.transact(lambda uow, c=claim: uow.work.bury(c, "why", rows.NOW))
    read: list[str] = []
    letter = work_ledger._dead_letter
    monkeypatch.setattr(work_ledger, "_dead_letter", lambda row: (read.append(row.subject), letter(row))[1])
    for destination, count, newest in ((None, 30, "x29"), ("a", 15, "x28"), ("nowhere", 0, None)):
        read.clear()
        order = QueueOrder(config=Path(), destination=destination, dead=True, limit=4)
        queue = await store.read(lambda uow, o=order: read_queue(uow, o, rows.NOW))
        assert (queue.dead_count, len(queue.dead), len(read)) == (count, min(4, count), min(4, count))
        assert [one.item.subject for one, _ in queue.dead][:1] == ([newest] if newest else [])
        shown = terminal()
        print_queue(shown, queue, order, rows.NOW)
        assert (f"… và {count - 4} việc nữa" in printed(shown.out)) is (count > 4)
    await store.close()


async def test_what_waits_for_a_timestamp_is_told_with_its_document() -> None:
    store = open_memory(sequencer=sequence)
    document, waiting = rows.document(), rows.item("", 0, destination=TIMESTAMP_ROAD, kind=WorkKind.TIMESTAMP)
    one, other = rows.owed(document), rows.owed(document, state=TimestampState.GIVEN_UP)

    def unit(uow: UnitOfWork) -> None:
        uow.documents.add(document)
        for owed in (other, one):
            uow.timestamps.add(owed)
            uow.work.add(replace(waiting, subject=owed.key))
            if owed is other:
                (claim,) = uow.work.claim(rows.NOW, lease=60, windows={}, limit=1)
                uow.work.bury(claim, "timestamp.unavailable asked=2", rows.NOW)
        uow.work.set_destination(Destination(name=TIMESTAMP_ROAD, failures=3, not_before=rows.later(60)))

    await store.transact(unit)
    order = QueueOrder(config=Path(), destination=None, dead=False, limit=4)
    queue = await store.read(lambda uow: read_queue(uow, order, rows.NOW))
    members = queue_json(queue, HERE, rows.NOW)
    for found, state in ((members["items"][0], "waiting"), (members["dead"][0], "given_up")):
        assert (found["kind"], found["document"], found["state"]) == ("timestamp", document.key, state)
        assert found["destination"] == TIMESTAMP_ROAD
    shown = terminal()
    print_queue(shown, queue, order, rows.NOW)
    text = printed(shown.out)
    assert text.count("(dấu thời gian)") == 3
    assert "Đang chờ dấu thời gian" in " ".join(text.split())
    await store.close()


def test_an_empty_queue_says_so() -> None:
    shown = terminal()
    queue = Queue(backlog=(), items=(), more=False, dead=(), dead_count=0, held=(), held_counts=(0, 0))
    print_queue(shown, queue, QueueOrder(config=None, destination=None, dead=False, limit=9), rows.NOW)  # type: ignore[arg-type]
    assert (printed(shown.out), printed(shown.talk)) == ("", "Không có việc tồn.\n")


def test_it_only_reads_and_runs_beside_the_service(site: Site, capsys: Capture) -> None:
    """With the service's lock held, and without a byte changed in the database."""
    database = site.config.database_place()
    before = database.read_bytes()
    connection = sqlite3.connect(database)
    connection.execute("BEGIN IMMEDIATE")
    try:
        assert listed(site, capsys)["items"]
    finally:
        connection.rollback()
        connection.close()
    assert database.read_bytes() == before


def test_a_database_that_is_not_there(site: Site, tmp_path: object, capsys: Capture) -> None:
    text = site.config_file.read_text("utf-8").replace(str(site.config.gateway.state), str(tmp_path))
    other = site.config_file.with_name("other.toml")
    other.write_text(text, "utf-8")
    try:
        assert main(["queue", "list", "--config", str(other)]) in {4, 8}
        assert "store." in capsys.readouterr().err
    finally:
        other.unlink()


@pytest.mark.parametrize("width", [40, 60, 80])
async def test_no_name_of_a_gateway_is_broken_on_a_narrow_terminal(site: Site, width: int) -> None:
    async with open_records(site.config_file) as (_, _, store):
        order = QueueOrder(config=site.config_file, destination=None, dead=False, limit=50)
        queue = await store.read(lambda uow: read_queue(uow, order, rows.NOW))
    shown = terminal(tty=True, width=width)
    print_queue(shown, queue, order, rows.later(0))
    text = printed(shown.out)
    assert text.count(THERE) == sum(one.destination.name == THERE for one in queue.backlog) + sum(
        work.item.destination == THERE for work, _ in queue.items
    )
    assert THERE in text


def transfers_asked_for(uow: UnitOfWork, request: Request) -> None:
    """The one that was asked for, and two that nobody can confirm any more."""
    document = rows.document()
    uow.documents.add(document)
    for key, state, at in (
        (request.subject, TransferState.QUEUED, request.at),
        ("too-long-ago", TransferState.HELD, rows.later(-24 * 3600 - 1)),
        ("arrived-meanwhile", TransferState.RECEIPTED, request.at),
    ):
        uow.transfers.add([rows.transfer(document, key, state=state)])
        uow.interventions.ask(replace(request, subject=key, at=at))


async def test_who_paused_what_and_what_waits_for_a_second_person() -> None:
    store = open_memory(sequencer=sequence)
    pause = Pause(destination=THERE, by="hoa", reason="bảo trì", at=rows.NOW)
    request = Request(action=Action.VOID, subject=TRANSFER, by="hoa", reason="gửi nhầm", at=rows.NOW)
    await store.transact(lambda uow: uow.interventions.pause(pause))
    await store.transact(lambda uow: uow.work.set_destination(Destination(name=THERE)))
    await store.transact(lambda uow: uow.interventions.ask(request))
    await store.transact(lambda uow: transfers_asked_for(uow, request))
    order = QueueOrder(config=Path(), destination=None, dead=False, limit=9)
    queue = await store.read(lambda uow: read_queue(uow, order, rows.NOW))
    await store.close()
    told = queue_json(queue, HERE, rows.NOW)
    assert [(one["destination"], one["by"], one["reason"]) for one in told["paused"]] == [(THERE, "hoa", "bảo trì")]
    assert [(one["transfer"], one["by"]) for one in told["asked"]] == [(TRANSFER, "hoa")]
    shown = terminal()
    print_queue(shown, queue, order, rows.NOW)
    said = printed(shown.out)
    assert f"{THERE}\t0\t0\tTạm dừng\t0\t\n" in said
    assert TRANSFER in said
