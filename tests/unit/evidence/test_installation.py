"""Whatever somebody with the database or the disk changes by hand is found and named; a sound world is sound."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.core.states import DeliveryState
from gateway.evidence.findings import PROBLEMS_MAX, Findings
from tests.unit.evidence.receiver_tamperings import AT_RECEIVER
from tests.unit.evidence.sender_tamperings import AT_SENDER
from tests.unit.evidence.tampering import ONE, Tampering, doc, entry
from tests.unit.evidence.world import Kept, Opened, lines


@pytest.mark.parametrize("side", ["party", "government"])
async def test_a_sound_world_is_sound(both: dict[str, Kept], side: str, tmp_path: Path) -> None:
    with both[side].opened(tmp_path) as opened:
        report = await opened.check()
    assert lines(report) == []
    assert report.sound


async def test_the_report_counts_what_there_is(both: dict[str, Kept], tmp_path: Path) -> None:
    with both["party"].opened(tmp_path) as opened:
        report = await opened.check()
    assert report.documents == 9
    assert report.deliveries == {
        DeliveryState.DELIVERED: 9,
        DeliveryState.REFUSED: 2,
        DeliveryState.EXPIRED: 2,
        DeliveryState.HELD: 1,
        DeliveryState.QUEUED: 1,
    }
    assert report.business_statuses == {"02": 1, "03": 1}
    assert sum(report.inbox.values()) == 4


async def test_an_alarm_is_counted_and_belongs_to_no_row(both: dict[str, Kept], tmp_path: Path) -> None:
    """Otherwise whoever sends nonsense could make every check of ours unsound."""
    with both["government"].opened(tmp_path) as opened:
        report = await opened.check()
    assert report.log.events["peer.foreign_sender"] == 1
    assert report.sound


@pytest.mark.parametrize("tampering", AT_SENDER, ids=lambda tampering: tampering.name)
async def test_what_was_changed_at_the_sender_is_named(
    both: dict[str, Kept], tampering: Tampering, tmp_path: Path
) -> None:
    await expect(both["party"], tmp_path, lambda opened: opened.sql(tampering.script), tampering.found)


@pytest.mark.parametrize("tampering", AT_RECEIVER, ids=lambda tampering: tampering.name)
async def test_what_was_changed_at_the_receiver_is_named(
    both: dict[str, Kept], tampering: Tampering, tmp_path: Path
) -> None:
    await expect(both["government"], tmp_path, lambda opened: opened.sql(tampering.script), tampering.found)


async def expect(kept: Kept, folder: Path, spoil: Callable[[Opened], None], found: str) -> None:
    with kept.opened(folder) as opened:
        spoil(opened)
        report = await opened.check()
    assert not report.sound
    assert any(found in line for line in lines(report)), lines(report)


# --- the disk ----------------------------------------------------------------------------------------------------------


def envelope(opened: Opened) -> Path:
    return opened.blob(opened.one(f"select envelope_digest from documents where key = {doc(3)}"))


def attachment(opened: Opened) -> Path:
    query = f"select json_extract(attachments, '$[1].blob.digest') from documents where key = {doc(1)}"
    return opened.blob(opened.one(query))


def one_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


@pytest.mark.parametrize("which", [envelope, attachment])
@pytest.mark.parametrize("spoil", [Path.unlink, one_byte])
async def test_a_blob_that_is_gone_or_changed_is_named(
    both: dict[str, Kept], which: Callable[[Opened], Path], spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    await expect(both["party"], tmp_path, lambda opened: spoil(which(opened)), "blob.damaged")


async def test_an_attachment_replaced_with_its_digest_is_named(both: dict[str, Kept], tmp_path: Path) -> None:
    """Other bytes, with their own right digest in the row: only the envelope can tell."""

    def spoil(opened: Opened) -> None:
        data = b"%PDF-1.7 something else"
        digest = sha256(data).hexdigest()
        (opened.folder / digest[:2]).mkdir(exist_ok=True)
        opened.blob(digest).write_bytes(data)
        old = opened.one(f"select json_extract(attachments, '$[0].blob.digest') from inbox where {entry(3, ONE)}")
        sized = f"json_set(attachments, '$[0].blob.size', {len(data)})"
        opened.sql(f"update inbox set attachments = replace({sized}, '{old}', '{digest}') where {entry(3, ONE)}")

    await expect(both["government"], tmp_path, spoil, "its list of files is not what its envelope says")


# --- beside a running service, and much at once ------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["receipts", "documents", "incoming", "inbox", "counts"])
@pytest.mark.parametrize("side", ["party", "government"])
async def test_a_service_that_goes_on_meanwhile_makes_nothing_unsound(
    both: dict[str, Kept], earlier: dict[str, Kept], side: str, step: str, tmp_path: Path
) -> None:
    """The log is checked in the earlier state; before one of the steps most of the world happens."""
    with both[side].opened(tmp_path) as opened:
        opened.db.deserialize(earlier[side].database)
        report = await opened.check(lambda at: opened.db.deserialize(both[side].database) if at == step else None)
    assert lines(report) == []


def test_a_report_names_a_bounded_number_of_problems_of_each_kind() -> None:
    findings = Findings(leaves=0)
    for number in range(PROBLEMS_MAX + 7):
        findings.problem(f"delivery {number}", "x")
    findings.problem("inbox entry 1", "x")
    problems = findings.all_problems()
    assert len(problems) == PROBLEMS_MAX + 2
    assert [(problem.what, problem.why) for problem in problems[-2:]] == [
        ("inbox entry 1", "x"),
        ("delivery", "7 more problems"),
    ]
