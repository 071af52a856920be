"""Long work on a terminal, in a pipe, and for whoever wants quiet."""

import re
from dataclasses import replace

from gateway.cli.office import print_entries
from gateway.cli.orders import QueueOrder
from gateway.cli.output import Terminal
from gateway.cli.progress import counted, stepped
from gateway.cli.queue import Queue, Subject, print_queue
from gateway.core.work import Backlog, DeadLetter, Destination, QueuedWork
from tests.kit import rows
from tests.unit.cli.world import printed, terminal


def plain(text: str) -> str:
    return re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", text)


def both(shown: Terminal) -> str:
    with counted(shown, "cli.get.progress", 2) as done:
        done("a.pdf")
        done("[bold]b\x1b[2J.pdf")
    with stepped(shown) as show:
        show("Kiểm tra [1]…")
        show("Kiểm tra [2]…")
    assert printed(shown.out) == ""
    return printed(shown.talk)


def test_plain_lines_in_a_pipe() -> None:
    assert both(terminal()).splitlines() == [
        "Đã tải 1/2: a.pdf",
        "Đã tải 2/2: [bold]b[U+001B][2J.pdf",
        "Kiểm tra [1]…",
        "Kiểm tra [2]…",
    ]


def test_a_bar_on_a_terminal() -> None:
    shown = plain(both(terminal(tty=True, width=60)))
    assert "Đã tải" in shown
    assert "2/2" in shown
    assert "Kiểm tra [2]…" in shown
    assert ".pdf" not in shown


def test_nothing_for_whoever_wants_quiet() -> None:
    for tty in (False, True):
        assert both(replace(terminal(tty=tty), quiet=True)) == ""


def test_tables_fit_sixty_columns() -> None:
    narrow = terminal(tty=True, width=60)
    subject = Subject(
        document="k", document_id="Z79.VPTU,2026/11/21,1234/CV/VPTU", state="transfer.sending", attempts=12
    )
    destination = Destination(name="chinhquyen.demo.internal", failures=3, not_before=rows.later(99))
    item = rows.item("s", 5, destination=destination.name)
    queue = Queue(
        backlog=(Backlog(destination=destination, waiting=1200, leased=16, next_due=None),),
        items=((QueuedWork(item=item, leased_until=None), subject),),
        more=True,
        dead=((DeadLetter(item=item, reason="a reason of many words " * 4, at=rows.NOW), subject),),
        dead_count=1,
        held=(rows.document(reason="seal.undecided", document_id="Z79.VPTU,2026/11/21,1235/CV/VPTU"),),
        held_counts=(1, 2),
    )
    print_queue(narrow, queue, QueueOrder(config=None, destination=None, dead=False, limit=1), rows.NOW)  # type: ignore[arg-type]
    entry = {
        "cursor": 1024,
        "key": "k",
        "sender": "Z79.00.01",
        "message": {
            "code": {"text": "1234-QĐ-UBND/TTHC"},
            "subject": "Về việc chuẩn bị hội nghị tổng kết",
            "sender": {"name": "Văn phòng Thành ủy Thành phố Hồ Chí Minh"},
            "priority": "normal",
        },
        "attachments": [{"indication": "INDETERMINATE"}],
        "business_status": "02",
        "received_at": "2026-11-21T06:05:09Z",
    }
    print_entries(narrow, [entry])
    lines = plain(printed(narrow.out)).splitlines()
    assert max(map(len, lines)) <= 60
    for whole in ("1200", "12", "1024", "1234-QĐ-UBND/TTHC", "21/11/2026"):
        assert any(whole in line for line in lines), whole
