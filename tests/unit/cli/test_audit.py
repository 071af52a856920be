"""The report on an installation as it is printed; the check itself is tested in its own room."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gateway import evidence
from gateway.audit import Fault, LogReport
from gateway.cli.audit import print_report, report_json, thing_said
from gateway.core.ids import Digest, GatewayId, OrganId, TransferKey
from gateway.core.model import ReceiptLine
from gateway.core.states import DeliveryState, MessageKind, Outcome
from gateway.evidence import CheckedReceipt, InstallationReport, Problem
from tests.unit.cli.world import printed, terminal

LOG = LogReport(leaves=61, openings=61, pending=0, events={}, root=b"\x01" * 32, checkpoint=None, faults=())
AT = datetime(2026, 11, 22, tzinfo=UTC)
LINES = tuple(
    ReceiptLine(
        organ_id=OrganId(code), outcome=Outcome.RECEIVED, code="", leaf_hash=b"\x02" * 32, index=index, received_at=AT
    )
    for index, code in enumerate(("H29.1", "H29.2"))
)
REPORT = InstallationReport(
    gateway=GatewayId("dang.demo.internal"),
    log=LOG,
    documents=3,
    deliveries={DeliveryState.REFUSED: 1, DeliveryState.DELIVERED: 2},
    receipts=(
        CheckedReceipt(kind=MessageKind.DOCUMENT, transfer=TransferKey("t"), destination=GatewayId("x"), lines=LINES),
    ),
    envelopes=frozenset({Digest("ab" * 32), Digest("cd" * 32)}),
    seals=frozenset({Digest("ef" * 32)}),
    inbox={OrganId("H29.1"): 1, OrganId("H29.2"): 4},
    business_statuses={"03": 1},
    problems=(),
)
BAD = replace(
    REPORT,
    log=replace(LOG, faults=(Fault(index=7, reason="opening"), Fault(index=None, reason="no checkpoint"))),
    problems=(Problem(what="envelope ab", why="signature: none\x1b[2J"),),
)


def test_a_sound_installation() -> None:
    shown = terminal()
    print_report(shown, REPORT)
    lines = printed(shown.out).splitlines()
    assert lines[0] == "Mọi thứ khớp: dang.demo.internal"
    assert lines[-1].startswith("Phép kiểm này không chứng minh: nhật ký không thiếu việc nào")
    counts = dict(line.split("\t") for line in lines[1:-1])
    assert counts["Lá của nhật ký"] == "61"
    assert counts["Nơi nhận trong biên nhận"] == "2"
    assert counts["Lượt gửi đến nơi nhận"] == "3"
    assert counts["  Đã đến nơi nhận"] == "2"
    assert counts["Văn bản đến"] == "5"
    assert counts["Sai lệch"] == "0"
    assert printed(shown.talk) == ""


def test_a_log_that_a_restore_closed_is_named() -> None:
    """Also where nobody remembers a checkpoint of it: the memory went with the disk."""
    report, shown = replace(REPORT, log=replace(LOG, closed={"dang.demo.internal/audit": 41})), terminal()
    print_report(shown, report)
    assert "! Một lần khôi phục đã đóng nhật ký dang.demo.internal/audit: ở đây còn 41 mục" in printed(shown.out)
    assert report_json(report)["log"]["closed"] == [{"origin": "dang.demo.internal/audit", "kept": 41}]


def test_the_limits_of_the_check_for_programs() -> None:
    """Whoever reads `sound` reads what it does not mean, too."""
    assert report_json(REPORT)["not_proven"] == ["complete", "clock", "same_log"]


def test_every_problem_is_named_and_the_next_step_told() -> None:
    shown = terminal("en")
    print_report(shown, BAD)
    lines = printed(shown.out).splitlines()
    assert lines[0] == "SOMETHING DOES NOT HOLD: dang.demo.internal"
    assert lines[-3:] == [
        "✘ leaf 7: does not hold: opening",
        "✘ audit log: does not hold: no checkpoint",
        "✘ envelope ab: does not hold: signature: none[U+001B][2J",
    ]
    assert "security officer" in printed(shown.talk)


def test_a_vietnamese_reader_is_told_what_does_not_hold_in_vietnamese() -> None:
    """A trial: the lines of the problems were English from end to end. The detail is for engineers, and says so."""
    shown = terminal("vi")
    print_report(shown, BAD)
    assert printed(shown.out).splitlines()[-3:] == [
        "✘ Lá 7: không khớp; chi tiết kỹ thuật (tiếng Anh): opening",
        "✘ Nhật ký chứng minh: không khớp; chi tiết kỹ thuật (tiếng Anh): no checkpoint",
        "✘ Gói tin ab: không khớp; chi tiết kỹ thuật (tiếng Anh): signature: none[U+001B][2J",
    ]


def test_everything_that_a_check_names_has_a_word() -> None:
    """The room of evidence names things in its own words: none of them is new to the reader's."""
    room = "\n".join(path.read_text("utf-8") for path in Path(evidence.__file__).parent.glob("*.py"))
    named = re.findall(r'(?:what=|what = |\.problem\()f?"([a-z ]+)', room)
    assert len(named) > 15
    said = terminal("vi")
    assert [what for what in named if thing_said(said, what.strip()) == what.strip()] == []
    steps = re.findall(r'\("([a-z]+)", self\._check', room)
    assert len(steps) == 5
    assert [step for step in steps if thing_said(said, step) == step] == []


def test_the_report_for_programs() -> None:
    good, bad = report_json(REPORT), report_json(BAD)
    assert (good["sound"], good["problems"]) == (True, [])
    assert good["deliveries"] == {"delivered": 2, "refused": 1}
    assert good["receipt_recipients"] == 2
    assert (bad["sound"], bad["log"]["sound"], len(bad["problems"])) == (False, False, 3)
