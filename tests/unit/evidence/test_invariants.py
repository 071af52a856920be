"""Each invariant can fail: a gateway at rest on which one thing was planted, and the finding that names it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.health import Finding, Health
from gateway.core.ids import Digest, OrganId
from gateway.core.inspection import Stream
from gateway.core.model import BlobRef
from gateway.evidence import InvariantsProbe
from gateway.evidence.invariants import probe as probes
from gateway.evidence.invariants.files import FileLook
from gateway.evidence.invariants.streams import missing
from gateway.exchange import check_receipt
from gateway.observe import text
from gateway.storage import open_blobs
from tests.kit.clock import ManualClock
from tests.unit.evidence.tampering import ONE, away, came, doc, entry, late, to
from tests.unit.evidence.world import Kept, Opened

COLUMNS = (
    "document_id, transfer, message_digest, envelope_digest, envelope_size, attachments, verdicts, sequence,"
    " business_status, business_description, received_at, changed_at, last_leaf, opened_at"
)
FIRST = f"(select document_id from documents where key = {doc(1)})"
WITHOUT_CONSTRAINTS = "create table other as select * from inbox; drop table inbox; alter table other rename to inbox"
STAGED = (
    f"update inbox set cursor = -9, sequence = {{first}} where {entry(3, ONE)}; insert into incoming_numbers"
    " select sender, recipient, {first}, {last}, key, transfer, last_leaf, received_at, received_at"
    f" from inbox where {entry(3, ONE)}"
)

PLANTED = {
    # the sender's gateway
    "work item gone": (
        "party",
        "i2",
        f"delete from work where kind = 'transfer' and subject in (select key from transfers where {away(9)})",
    ),
    "document without work": ("party", "i2", f"update documents set state = 'wrapped' where key = {doc(9)}"),
    "delivery reopened": ("party", "i2", f"update deliveries set state = 'sending' where {to(3, ONE)}"),
    "receipt gone": ("party", "i3", f"update transfers set answer = null where {away(1)}"),
    "receipt of another": (
        "party",
        "i3",
        f"update transfers set answer = (select answer from transfers where {away(3)}) where {away(1)}",
    ),
    "delivered without a receipt": ("party", "i3", f"update deliveries set state = 'delivered' where {to(9, ONE)}"),
    "number twice": ("party", "i4", f"update deliveries set sequence = 2 where {to(1, ONE)}"),
    "number missing": ("party", "i4", f"update deliveries set sequence = 90 where {to(3, ONE)}"),
    "stream counted on": ("party", "i4", f"update streams set next_number = next_number + 1 where recipient = '{ONE}'"),
    "stream gone": ("party", "i4", f"delete from streams where recipient = '{ONE}'"),
    "name twice": (
        "party",
        "i6",
        f"drop index uq_documents_live; update documents set document_id = {FIRST} where key = {doc(4)}",
    ),
    "state not told": ("party", "i7", f"update documents set state = 'routed' where key = {doc(4)}"),
    "leaf gone": ("party", "i7", f"delete from openings where event = 'routed' and subject = {doc(1)}"),
    "checkpoint ahead": ("party", "i8", "insert into checkpoints (size, note) values (99999, 'of nobody')"),
    "newest leaf gone": ("party", "i8", "delete from leaves where position = (select max(position) from leaves)"),
    "fence ahead": ("party", "i9", "update work set fence = 99999"),
    "fences begun anew": ("party", "i9", "update work set fence = 7; update fences set last = 1"),
    "envelope forgotten": (
        "party",
        "i10",
        f"update documents set envelope_digest = null, envelope_size = null where key = {doc(1)}",
    ),
    "reason forgotten": ("party", "i10", f"update documents set reason = '' where key = {doc(4)}"),
    "notice of another": ("party", "i7", f"update non_deliveries set notice = cast('x' as blob) where {late(7)}"),
    "notice gone": ("party", "i7", f"delete from non_deliveries where {late(7)}"),
    "evidence forgotten": ("party", "i10", f"update deliveries set evidence = null where {to(1, ONE)}"),
    # the recipients'
    "entry twice": (
        "government",
        "i5",
        (
            f"{WITHOUT_CONSTRAINTS}; insert into inbox select cursor + 1000, key || 'x', recipient, sender, {COLUMNS}"
            f" from inbox where {entry(1, ONE)}"
        ),
    ),
    "other content": (
        "government",
        "i6",
        f"update inbox set envelope_digest = '{'0' * 64}' where {entry(1, ONE)}",
    ),
    "number of the inbox twice": (
        "government",
        "i4",
        (
            f"update inbox set sequence = (select sequence from inbox where {entry(1, ONE)})"
            f" where {entry(3, ONE)} or {entry(6, ONE)}"
        ),
    ),
    "inbox out of order": ("government", "i4", f"update inbox set cursor = cursor + 9000 where {entry(1, ONE)}"),
    "in the inbox before its turn": (
        "government",
        "i4",
        f"update incoming_streams set expected = 2 where recipient = '{ONE}'",
    ),
    "staged, and no number waits": ("government", "i4", f"update inbox set cursor = -9 where {entry(3, ONE)}"),
    "waits for what is there": ("government", "i4", STAGED.format(first=3, last=3)),
    "waits, and nothing looks again": ("government", "i4", STAGED.format(first=90, last=90)),
    "goes on from nothing": (
        "government",
        "i4",
        (
            "insert into incoming_numbers select sender, recipient, expected, expected, null, '', '', null, null"
            f" from incoming_streams where recipient = '{ONE}' and expected > 2"
        ),
    ),
    "status not told": ("government", "i7", f"update inbox set business_status = '06' where {entry(1, ONE)}"),
    "never received": (
        "government",
        "i10",
        (
            f"update incoming_recipients set outcome = 'refused', code = 'x' where organ_id = '{ONE}'"
            f" and transfer in (select key from incoming_transfers where {came(1)})"
        ),
    ),
}


@pytest.mark.parametrize("side", ["party", "government"])
async def test_a_sound_gateway_breaks_none(both: dict[str, Kept], side: str, tmp_path: Path) -> None:
    with both[side].opened(tmp_path) as opened:
        (finding,) = await look(opened)
    assert (finding.code, finding.health) == ("probe.invariants.good", Health.OK)
    assert finding.params["documents" if side == "party" else "entries"] != 0


@pytest.mark.parametrize("name", PLANTED)
async def test_what_was_planted_is_found(both: dict[str, Kept], name: str, tmp_path: Path) -> None:
    side, invariant, script = PLANTED[name]
    with both[side].opened(tmp_path) as opened:
        plant(opened, script)
        findings = await look(opened)
    codes = [finding.code for finding in findings]
    assert f"probe.invariants.{invariant}" in codes, findings
    assert {finding.health for finding in findings} == {Health.FAIL}
    for finding in findings:
        for wanted in (finding.code, f"{finding.code}.todo"):
            told = text(wanted, finding.params)
            assert told.vi != told.en
            assert "{" not in told.vi + told.en


@pytest.mark.parametrize("what", ["gone", "other bytes", "another size"])
async def test_a_file_that_is_not_what_it_was(both: dict[str, Kept], what: str, tmp_path: Path) -> None:
    with both["party"].opened(tmp_path) as opened:
        path = opened.blob(opened.one(f"select envelope_digest from documents where key = {doc(1)}"))
        data = path.read_bytes()
        path.unlink()
        if what != "gone":
            path.write_bytes(bytes(len(data)) if what == "other bytes" else data + b"\n")
        findings = await look(opened)
    assert [finding.code for finding in findings] == ["probe.invariants.i1"]
    assert str(findings[0].params["what"]).startswith("document ")


async def test_what_is_good_a_moment_later_is_no_finding(both: dict[str, Kept], tmp_path: Path) -> None:
    """A leaf that had no place yet; here, a file that comes back during the pause."""
    with both["party"].opened(tmp_path) as opened:
        path = opened.blob(opened.one(f"select envelope_digest from documents where key = {doc(1)}"))
        data = path.read_bytes()
        path.unlink()
        probe = make(opened)
        await probe._newest()
        assert probe._suspects
        path.write_bytes(data)
        assert await probe._still() == []


async def test_a_damaged_file_is_found_again_when_the_first_look_took_all_the_bytes(
    both: dict[str, Kept], tmp_path: Path
) -> None:
    with both["party"].opened(tmp_path) as opened:
        digest = Digest(opened.one(f"select envelope_digest from documents where key = {doc(1)}"))
        size = opened.blob(digest).stat().st_size
        opened.blob(digest).chmod(0o600)
        opened.blob(digest).write_bytes(bytes(size))
        named = [("document", BlobRef(digest=digest, size=size))]
        files = FileLook(open_blobs(opened.folder), hashed_max=size)
        assert [breach.invariant for breach in files.breaches(named)] == ["i1"]
        files.forget_faults()
        assert [breach.invariant for breach in files.breaches(named)] == ["i1"]


def test_gaps_are_looked_for_from_the_newest_number_on_and_a_wild_one_costs_nothing() -> None:
    stream = Stream(sender=OrganId("A"), recipient=OrganId("B"), next_number=2**50)
    assert missing(stream, [3, 2**50 - 2]) == (2**50 - 1, 2**50 - 3, 2**50 - 4)


async def test_the_walk_reaches_every_row_in_the_end(
    both: dict[str, Kept], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row in a run: what is wrong with the oldest document is found, though it is not among the newest."""
    monkeypatch.setattr(probes, "NEWEST_ROWS", 1)
    monkeypatch.setattr(probes, "WALK_ROWS", 1)
    with both["party"].opened(tmp_path) as opened:
        count = int(opened.one("select count(*) from documents"))
        opened.sql(
            "update documents set principal = 'x' where key = (select key from documents order by key limit 1 offset 1)"
        )
        said = [[finding.code for finding in await look(opened)] for _ in range(2 * (count + 1))]
    wrong = [n for n, codes in enumerate(said) if codes == ["probe.invariants.i7"]]
    assert wrong == [1, 1 + count + 1]


async def test_a_run_that_has_no_time_left_goes_on_where_it_was(both: dict[str, Kept], tmp_path: Path) -> None:
    with both["party"].opened(tmp_path) as opened:
        probe = make(opened, clock=Hurried(both["party"].clock.now()))
        (finding,) = await probe.look()
        assert finding.params["documents"] == 3
        assert json.loads((opened.folder.parent / "walk").read_text()) == ["", 0, "", ""]


@pytest.mark.parametrize("torn", ["", "[1, 2", "{}", '["a", "b", "c", "d"]', "[1, 2, 3, 4]"])
async def test_a_torn_walk_begins_anew(both: dict[str, Kept], torn: str, tmp_path: Path) -> None:
    with both["party"].opened(tmp_path) as opened:
        (opened.folder.parent / "walk").write_text(torn)
        (finding,) = await look(opened)
    assert finding.code == "probe.invariants.good"


async def test_a_walk_that_cannot_be_kept_is_told(both: dict[str, Kept], tmp_path: Path) -> None:
    with both["party"].opened(tmp_path) as opened:
        (finding,) = await make(opened, walk=tmp_path / "nowhere" / "walk").look()
    assert (finding.code, finding.health) == ("probe.invariants.unkept", Health.WARN)


def plant(opened: Opened, script: str) -> None:
    """A change that touches no row would make a test that proves nothing; one of the schema touches none."""
    for statement in map(str.strip, script.split(";")):
        changed = opened.db.execute(statement).rowcount
        assert changed > 0 or statement.startswith(("create", "drop", "alter")), statement


class Hurried(ManualClock):
    """Time passes with every look at it."""

    def monotonic(self) -> float:
        self.advance(4.0)
        return super().monotonic()


def make(opened: Opened, *, clock: ManualClock | None = None, walk: Path | None = None) -> InvariantsProbe:
    return InvariantsProbe(
        store=opened.store,
        blobs=open_blobs(opened.folder),
        snapshot=replace(opened.kept.snapshot),
        check_receipt=check_receipt,
        walk=walk or opened.folder.parent / "walk",
        clock=clock or opened.kept.clock,
        pause=0.0,
    )


async def look(opened: Opened) -> tuple[Finding, ...]:
    return await make(opened).look()
