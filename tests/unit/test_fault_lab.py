"""The fault lab itself: its checks find what is planted into the books, its proxy does what it says, absence is no success."""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.kit.lab import memory, traffic
from tests.kit.lab.__main__ import run_all
from tests.kit.lab.check import (
    PER_SECOND,
    Tables,
    doubled,
    early,
    given_up,
    lost,
    moving,
    numbered,
    receipts,
    unanswered,
    unread,
)
from tests.kit.lab.fault import Done, Fault, MissingError, Order, hurt
from tests.kit.lab.faults import FAULTS
from tests.kit.lab.ledger import Ledger, read_ledger
from tests.kit.lab.memory import slope_per_hour
from tests.kit.lab.page import write_page
from tests.kit.lab.proxy import HANDSHAKE_BYTES, Proxy
from tests.kit.lab.results import Result, last_line
from tests.kit.lab.rot import different, flip
from tests.kit.lab.site import NotAtRestError
from tests.kit.seeded.mutants import MUTANTS

Lines = list[dict[str, Any]]
Book = tuple[Lines, Lines, Tables]


def books() -> Book:
    """Two letters from A to B, both there and read; B has accepted the first."""
    ledger, seen = [], []
    documents, deliveries, inbox = {}, {}, {}
    for number in (1, 2):
        ledger.append(
            {
                "idempotency_key": f"lab-{number}",
                "document": f"key-{number}",
                "document_id": f"id-{number}",
                "sender": "A",
                "recipients": ["B"],
                "digests": [f"digest-{number}"],
                "expect": "delivered",
            }
        )
        seen.append({"organ": "B", "sender": "A", "document_id": f"id-{number}", "accepted": number == 1})
        documents[f"key-{number}"] = ("A", f"id-{number}", "routed", f"lab-{number}")
        deliveries[f"key-{number}", "B"] = (number, "delivered", "receipt", "03" if number == 1 else None, "A")
        inbox["B", "A", f"id-{number}"] = [(10 + number, number, f"digest-{number}", f"entry-{number}")]
    tables = Tables(documents=documents, deliveries=deliveries, inbox=inbox, given={"t": b"jws"}, held={"t": b"jws"})
    return ledger, seen, tables


def found(book: Book) -> set[str]:
    ledger, seen, tables = book
    kinds: dict[str, list[str]] = {
        "lost": [*lost(ledger, tables), *unread(seen, tables), *unanswered(seen, ledger, tables)],
        "dup": list(doubled(ledger, seen, tables)),
        "order": [*numbered(tables), *early(tables), *given_up(tables)],
        "receipts": list(receipts(tables)),
    }
    return {kind for kind, problems in kinds.items() if problems}


def no_document(_: Lines, __: Lines, tables: Tables) -> None:
    del tables.documents["key-1"]


def no_entry(_: Lines, __: Lines, tables: Tables) -> None:
    del tables.inbox["B", "A", "id-2"]


def on_its_way(_: Lines, __: Lines, tables: Tables) -> None:
    tables.deliveries["key-2", "B"] = (2, "indeterminate", None, None, "A")


def delivered_without_receipt(_: Lines, __: Lines, tables: Tables) -> None:
    tables.deliveries["key-2", "B"] = (2, "delivered", None, None, "A")


def other_bytes(_: Lines, __: Lines, tables: Tables) -> None:
    tables.inbox["B", "A", "id-1"] = [(11, 1, "digest-9", "entry-1")]


def stepped_over(_: Lines, seen: Lines, __: Tables) -> None:
    seen.pop()


def answer_never_came(_: Lines, __: Lines, tables: Tables) -> None:
    tables.deliveries["key-1", "B"] = (1, "delivered", "receipt", "01", "A")


def poison_was_taken(ledger: Lines, _: Lines, __: Tables) -> None:
    ledger[0]["expect"] = "stopped"


def twice_in_the_inbox(_: Lines, __: Lines, tables: Tables) -> None:
    tables.inbox["B", "A", "id-1"].append((13, 1, "digest-1", "entry-3"))


def two_documents_of_one_key(_: Lines, __: Lines, tables: Tables) -> None:
    tables.documents["key-3"] = ("A", "id-3", "routed", "lab-1")


def nobody_was_told(ledger: Lines, _: Lines, __: Tables) -> None:
    ledger.pop()


def read_twice(_: Lines, seen: Lines, __: Tables) -> None:
    seen.append(seen[1])


def a_gap(_: Lines, __: Lines, tables: Tables) -> None:
    tables.deliveries["key-2", "B"] = (3, "delivered", "receipt", None, "A")
    tables.inbox["B", "A", "id-2"] = [(12, 3, "digest-2", "entry-2")]


def another_number(_: Lines, __: Lines, tables: Tables) -> None:
    tables.inbox["B", "A", "id-2"] = [(12, 7, "digest-2", "entry-2")]


def overtaken(_: Lines, __: Lines, tables: Tables) -> None:
    tables.inbox["B", "A", "id-1"] = [(13, 1, "digest-1", "entry-1")]


def still_staged(_: Lines, __: Lines, tables: Tables) -> None:
    tables.inbox["B", "A", "id-2"] = [(-4, 2, "digest-2", "entry-2")]


def another_receipt(_: Lines, __: Lines, tables: Tables) -> None:
    tables.given["t"] = b"jws made anew"


PLANTS: tuple[tuple[Callable[[Lines, Lines, Tables], None], str], ...] = (
    (no_document, "lost"),
    (no_entry, "lost"),
    (on_its_way, "lost"),
    (delivered_without_receipt, "lost"),
    (other_bytes, "lost"),
    (stepped_over, "lost"),
    (answer_never_came, "lost"),
    (poison_was_taken, "lost"),
    (twice_in_the_inbox, "dup"),
    (two_documents_of_one_key, "dup"),
    (nobody_was_told, "dup"),
    (read_twice, "dup"),
    (a_gap, "order"),
    (another_number, "order"),
    (overtaken, "order"),
    (still_staged, "order"),
    (another_receipt, "receipts"),
)


def test_good_books_are_good() -> None:
    assert found(books()) == set()


def test_what_came_late_after_a_restore_may_stand_behind_a_greater_number() -> None:
    ledger, seen, tables = books()
    overtaken(ledger, seen, tables)
    for late in ("entry-1", "entry-2"):
        told = replace(tables, late=frozenset({late}))
        assert found((ledger, seen, told)) == {"order"}, "nobody was away for so long"
        assert found((ledger, seen, replace(told, restored={"A": [1_795_362_905 * PER_SECOND]}))) == set()


def test_what_a_restored_gateway_received_again_is_read_again_and_receipted_again() -> None:
    ledger, seen, tables = books()
    base = 1_795_362_905 * PER_SECOND
    seen.append(seen[1] | {"cursor": base + 1})
    again = replace(tables, given={"t": b"second"}, again={"t": b"second"}, restored={"B": [base]})
    assert found((ledger, seen, again)) == set()
    assert found((ledger, [*seen, seen[-1]], again)) == {"dup"}
    assert found((ledger, seen, replace(again, again={"t": b"third"}))) == {"receipts"}


def test_numbers_begin_again_only_where_something_was_restored() -> None:
    ledger, seen, tables = books()
    base = 1_795_362_905 * PER_SECOND
    tables.deliveries["key-2", "B"] = (base + 1, *tables.deliveries["key-2", "B"][1:])
    tables.inbox["B", "A", "id-2"] = [(12, base + 1, "digest-2", "entry-2")]
    assert found((ledger, seen, replace(tables, restored={"A": [base]}))) == set()
    assert found((ledger, seen, tables)) == {"order"}


@pytest.mark.parametrize(("plant", "kind"), PLANTS)
def test_what_is_planted_into_the_books_is_found(plant: Callable[[Lines, Lines, Tables], None], kind: str) -> None:
    book = books()
    plant(*book)
    assert kind in found(book)


# --- the runner -------------------------------------------------------------------------------------------------------


async def here(_: Order) -> Done:
    return Done(checked=False)


async def away(_: Order) -> Done:
    raise MissingError("no strace")


async def away_in_a_group(_: Order) -> Done:
    async with asyncio.TaskGroup():
        raise MissingError("strace may not attach here")


async def broken(_: Order) -> Done:
    async with asyncio.TaskGroup() as group:
        group.create_task(not_hurt())
    return Done(checked=False)


async def not_hurt() -> None:
    hurt(False, "nobody was killed")


async def saw_something(_: Order) -> Done:
    return Done(checked=False, wrong=["another receipt now"])


async def run_one(run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, *, allowed: bool) -> Result:
    monkeypatch.setitem(FAULTS, "F-99", Fault("F-99", "made up", run, 1))
    asked = argparse.Namespace(
        only=["F-99"],
        allow_missing=["F-99"] if allowed else [],
        long=False,
        documents=0,
        seed=1,
        keep=False,
        minutes=1.0,
    )
    (result,) = await run_all(asked, folder)
    return result


async def test_what_cannot_run_has_failed_unless_its_absence_was_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = await run_one(away, tmp_path / "1", monkeypatch, allowed=False)
    assert last_line([refused], 1).startswith("FAULT FAILED ")
    assert "no strace" in refused.line()
    allowed = await run_one(away, tmp_path / "2", monkeypatch, allowed=True)
    assert last_line([allowed], 1) == "FAULT OK documents=0 kills=0 lost=0 dup=0 order=0 mutants=0/0 seed=1"


async def test_what_cannot_run_is_known_as_such_also_from_within_a_group_of_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by reading: F-12 where nobody may trace counted as failed, though its absence was allowed."""
    allowed = await run_one(away_in_a_group, tmp_path, monkeypatch, allowed=True)
    assert (allowed.missing, allowed.wrong) == ("strace may not attach here", [])


async def test_what_is_put_away_after_the_check_is_put_away_however_a_fault_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away: list[str] = []

    async def with_server(order: Order) -> Done:
        order.after.callback(away.append, "server")
        hurt(False, "nobody was killed")
        return Done()

    result = await run_one(with_server, tmp_path, monkeypatch, allowed=False)
    assert (result.failure, away) == ("NotHurtError: nobody was killed", ["server"])


async def test_a_fault_that_breaks_or_does_not_happen_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = await run_one(broken, tmp_path / "1", monkeypatch, allowed=True)
    assert "nobody was killed" in result.wrong[0]
    assert (await run_one(saw_something, tmp_path / "2", monkeypatch, allowed=True)).wrong == ["another receipt now"]
    assert (await run_one(here, tmp_path / "3", monkeypatch, allowed=False)).wrong == []


def test_the_last_line_counts() -> None:
    good = Result(id="F-01", title="", kills=3, mutants=(12, 12), verdict={"documents": 7})
    assert last_line([good, good], 5) == "FAULT OK documents=14 kills=6 lost=0 dup=0 order=0 mutants=24/24 seed=5"
    bad = replace(good, mutants=(11, 12), verdict={"documents": 7, "lost": ["one"], "order": ["one", "two"]})
    assert last_line([good, bad], 5) == "FAULT FAILED documents=14 kills=6 lost=1 dup=0 order=2 mutants=23/24 seed=5"
    assert last_line([replace(good, verdict={"problems": ["a leaf"]})], 5).startswith("FAULT FAILED ")


def test_a_ledger_is_read_as_it_was_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.note(key="một")
    ledger.note(key="hai")
    ledger.close()
    assert list(read_ledger(tmp_path / "ledger")) == [{"key": "một"}, {"key": "hai"}]
    assert list(read_ledger(tmp_path / "none")) == []


# --- the offices -------------------------------------------------------------------------------------------------------


async def test_offices_that_wait_for_what_never_ends_end_by_saying_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by reading: with the other gateway away F-15 waited for ever, once its letters were more than `AHEAD`."""

    class Standing:
        async def on_the_way(self) -> int:
            return 200

    monkeypatch.setattr(traffic, "STUCK_SECONDS", 0.5)
    office = traffic.Traffic(
        site=Standing(),  # type: ignore[arg-type]  # all that is asked of it
        seed=1,
        acknowledged=Ledger(tmp_path / "acknowledged"),
        seen=Ledger(tmp_path / "seen"),
    )
    monkeypatch.setattr(office, "hand_in", lambda _: asyncio.sleep(0.3))
    letters: Any = range(4)
    with pytest.RaisesGroup(pytest.RaisesGroup(NotAtRestError)):
        await office.run(letters, at_once=1)
    await office.run(letters, at_once=1, ahead=300)
    assert office.handed_in.is_set()


async def test_what_the_last_reader_accepts_is_on_its_way_back_before_anybody_checks(tmp_path: Path) -> None:
    """Found by F-03 on a busy machine: the check called an answer lost that had been given a moment before."""

    class Late:
        offices = ("B",)
        came_to_rest = 0

        books = argparse.Namespace(hosts={"B": "party"}, rows=lambda *_: [(1,)])

        async def rest(self) -> None:
            self.came_to_rest = ledger.lines

    late, ledger = Late(), Ledger(tmp_path / "seen")
    office: Any = argparse.Namespace(seen=ledger)
    asyncio.get_running_loop().call_later(0.3, lambda: ledger.note(accepted=True))
    await traffic.until_read(late, office)  # type: ignore[arg-type]  # all that is asked of it
    assert late.came_to_rest == 1


def test_what_is_still_moving_is_not_checked_as_if_it_were_at_rest() -> None:
    class Busy:
        def rows(self, side: str, query: str) -> list[tuple[int]]:
            return [(int(side == "party" and "deliveries" in query),)]

    busy: Any = Busy()
    (found,) = moving(busy)
    assert found.startswith("party: 1 at `SELECT count(*) FROM deliveries")


# --- the proxy --------------------------------------------------------------------------------------------------------


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says `yes` after each line."""
    while await reader.readline():
        writer.write(b"yes\n")
    writer.close()


async def talk(proxy: Proxy, *lines: int) -> list[bytes]:
    """What comes back for lines of such lengths; empty where the conversation ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    answers = []
    for length in lines:
        writer.write(b"x" * length + b"\n")
        try:
            answers.append(await asyncio.wait_for(reader.readline(), 5))
        except ConnectionError:
            answers.append(b"")
    writer.close()
    return answers


@pytest.fixture
async def proxy() -> Any:
    server = await asyncio.start_server(answering, "127.0.0.1", 0, limit=2**20)
    made = Proxy(server.sockets[0].getsockname()[1], seed=1)
    await made.start()
    yield made
    await made.stop()
    server.close()


async def test_a_calm_proxy_carries_everything(proxy: Proxy) -> None:
    assert await talk(proxy, 10, 100_000, 10) == [b"yes\n"] * 3
    assert proxy.counts.conversations == 1


async def test_an_answer_is_lost_after_a_long_request_only(proxy: Proxy) -> None:
    proxy.weather.lose_answer = 1.0
    assert await talk(proxy, 10, HANDSHAKE_BYTES) == [b"yes\n", b""]
    assert proxy.counts.lost_answers == 1


async def test_a_request_is_cut_in_the_middle(proxy: Proxy) -> None:
    proxy.weather.cut = proxy.weather.reset = 1.0
    assert await talk(proxy, 200_000) == [b""]
    assert (proxy.counts.cuts, proxy.counts.resets) == (1, 1)


async def test_nobody_gets_through_a_partition(proxy: Proxy) -> None:
    parted = asyncio.create_task(proxy.partition(0.3))
    await asyncio.sleep(0.05)
    assert await talk(proxy, 10) == [b""]
    await parted
    assert await talk(proxy, 10) == [b"yes\n"]


async def test_what_trickles_arrives_whole(proxy: Proxy) -> None:
    proxy.weather.trickle = 1.0
    proxy.weather.delay = 0.01
    assert await talk(proxy, 30) == [b"yes\n"]
    assert proxy.counts.trickles == 1


# --- what else the lab sees with ---------------------------------------------------------------------------------------


async def test_memory_of_whoever_was_started_last_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by reading: the process ids were those of the beginning, and who was killed once was never seen again."""
    monkeypatch.setattr(memory, "proportional_mib", {1: 100.0, 2: 300.0, 3: 0.0}.__getitem__)
    pids = {"party": 1}
    watch = memory.MemoryWatch(lambda: pids)
    await watch.look()
    for pid in (2, 2, 3):
        pids = {"party": pid}
        await watch.look()
    assert watch.highest == {"party": 300.0}
    assert [mib for _, mib in watch.longest_life("party")] == [300.0, 300.0]


def test_memory_that_grows_is_seen() -> None:
    steady = [(float(at), 100.0 + at % 3) for at in range(600)]
    assert abs(slope_per_hour(steady)) < 1
    assert slope_per_hour([(float(at), 100 + at / 360) for at in range(3600)]) == pytest.approx(10)
    settling = [(float(at), min(at, 200.0)) for at in range(3600)]
    assert abs(slope_per_hour(settling)) < 1, "what it takes to get going is no growth"
    assert slope_per_hour([(1.0, 5.0)]) == 0


def test_a_bit_that_is_another_one_is_seen_and_put_back(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    flip(path, 7, 3)
    assert path.read_bytes()[7] == 1 << 3
    flip(path, 7, 3)
    assert path.read_bytes() == bytes(100)


def test_rows_that_say_something_else_are_named() -> None:
    before: dict[str, list[Any]] = {"inbox": [{"key": "a", "sender": "A"}], "work": [{"kind": "x"}]}
    assert different(before, before) == set()
    changed: dict[str, list[Any]] = {"inbox": [{"key": "a", "sender": "B"}], "work": []}
    assert different(before, changed) == {("inbox", "sender"), ("work", "*")}


def test_the_page_keeps_the_last_run_of_each_fault(tmp_path: Path) -> None:
    """Found by reading: it was kept in a folder that no clone has, so that one fault's run took the others' rows away."""
    page, faults = tmp_path / "FAULTS.md", [FAULTS["F-06"], FAULTS["F-15"]]
    sent = {"documents": 10_000, "lost": [], "dup": [], "order": []}
    notes: dict[str, object] = {"partitions": 7, "turned away": {"party": 1}}
    write_page(page, faults, [Result(id="F-06", title="partitions", seconds=600.0, verdict=sent, notes=notes)], 4711)
    first = page.read_text("utf-8")
    assert "| F-06 partitions | ok | 10,000 | - | 0 | 0 | 0 | 10.0 | " in first
    assert "| F-15 bits that flip on the disk | not run yet |" in first
    assert "**F-06.** partitions: 7; turned away: party 1\nOn " in first
    wrong = [Result(id="F-15", title="bits", seen=["a blob was\n\n**handed** out"])]
    for _ in range(2):
        write_page(page, faults, wrong, 4712)
    text = page.read_text("utf-8")
    assert "| F-06 partitions | ok | 10,000 |" in text
    assert "| F-15 bits | **FAILED** |" in text
    assert "  - wrong: a blob was **handed** out\nOn " in text
    assert text.count("**F-06.** partitions: 7") == text.count("**F-15.** As its row says.") == 1
    write_page(page, faults, [], 1)
    assert page.read_text("utf-8") == text


def test_what_the_issue_names_is_in_the_sets() -> None:
    quick = {"F-01", "F-03", "F-08", "F-09", "F-11", "F-12", "F-20", "F-22", "F-26", "F-28"}
    long = {"F-01", "F-06", "F-07", "F-15", "F-17", "F-23", "F-27", "F-30"}
    assert {name for name, fault in FAULTS.items() if fault.quick} == quick
    assert {name for name, fault in FAULTS.items() if fault.long} >= long
    assert FAULTS["F-01"].documents == 2_000
    assert FAULTS["F-01"].long_documents == FAULTS["F-27"].long_documents == 10_000
    assert len(MUTANTS) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("mutant", ["", "yes_before_durable"])
def test_the_state_machine_finds_what_is_planted_and_nothing_else(mutant: str) -> None:
    command = [sys.executable, "-m", "tests.kit.lab.machine", "--sequences", "4", "--seed", "5"]
    command += ["--mutant", mutant] if mutant else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = json.loads(done.stdout)
    assert bool(said["failure"]) == bool(mutant) == bool(done.returncode), said
    assert "letter" in said["failure"] or not mutant
