"""Every command of the table with something to work on, found by what it takes: a new one is covered as it is added.

A command that takes something of a kind that is not known here fails, and says which: then it gets its sample below.
"""

import json
import os
import pty
import re
import select
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperArgument, TyperGroup, TyperOption

from gateway.backup import take_backup
from gateway.cli.grammar import ROWS, Row, build
from gateway.core.ids import DocumentKey, EntryKey
from gateway.core.principal import Principal, Scope
from gateway.observe import SystemClock
from tests.kit.pdfs import tiny_pdf
from tests.kit.signing_desk import SigningDesk
from tests.kit.trust_lists import ListFolder, make_list
from tests.unit.api.world import PARTY, PDF, WARD
from tests.unit.cli.site import Site
from tests.unit.cli.world import Office
from tests.unit.edxml import samples as edxml

BOTH_KEY = "gwk_both_" + "b" * 43
HOSTILE = "Tên\x1b]0;x\x07\x9b2J\x85\u202e\u2066\u2028\u2029\u200f\t\r\nLỗi: giả " + "dài " * 400
META = f"""
code = {{ number = "12", notation = "CV/VPTU" }}
promulgation_date = 2026-11-20
subject = "Về việc họp giao ban"
sender = "{PARTY}"
recipients = ["{WARD}"]
"""
UNTIL_STOPPED = ("demo", "serve")
"""Not run to their end here: tests/fault starts and stops them."""
RUN = tuple(row for row in ROWS if row.name not in UNTIL_STOPPED)


@dataclass(frozen=True, kw_only=True)
class Things:
    """What there is to work on: an office with strangers' words in it, and an installation at rest."""

    office: Office
    site: Site
    folder: Path
    entry: EntryKey
    held: DocumentKey
    letter: Path
    envelope: Path
    meta: Path
    listed: ListFolder
    desk: SigningDesk
    stamped: Path
    backup: Path
    authority: str

    def sample(self, parameter: TyperOption | TyperArgument) -> str | None:
        """Something for a parameter; None where the command does without it."""
        values: dict[str, str] = {
            "cli.option.files": str(self.letter),
            "cli.option.key": self.entry,
            "cli.option.entry": self.entry,
            "cli.option.sent_key": self.held,
            "cli.option.work": self.held,
            "cli.option.road": "chinhquyen.demo.internal",
            "cli.option.why": "Thay đường truyền",
            "cli.option.same": WARD,
            "cli.option.amend_reason": "Gửi nhầm nơi nhận",
            "cli.option.proven": self.site.document,
            "cli.option.org": WARD,
            "cli.option.find": "Z79",
            "cli.option.shell": "bash",
            "cli.option.config": str(self.site.config_file),
            "cli.option.backup_output": str(self.folder / f"backup-{len(list(self.folder.iterdir()))}"),
            "cli.option.backup_folder": str(self.backup),
            "cli.option.restore_config": str(self.emptied()),
            "cli.option.output": str(self.folder / f"out-{len(list(self.folder.iterdir()))}"),
            "cli.option.trust": str(self.desk.trust),
            "cli.option.signed_file": str(self.letter),
            "cli.option.edxml_to_sign": str(self.envelope),
            "cli.option.signature_file": str(self.folder / f"new-{len(list(self.folder.iterdir()))}.p7s"),
            "cli.option.signing_key": str(self.desk.key),
            "cli.option.signing_certificate": str(self.desk.certificate),
            "cli.option.pdf_file": str(self.stamped),
            "cli.option.pdf_output": str(self.folder / f"new-{len(list(self.folder.iterdir()))}.pdf"),
            "cli.option.seal_trust": str(self.desk.trust),
            "cli.option.tsa": self.authority,
            "cli.option.environment": "demo",
            "cli.option.name": "Phần mềm văn thư",
            "cli.option.organ": "H29.16",
            "cli.option.scope": "read",
            "cli.option.from": PARTY,
            "cli.option.to": WARD,
            "cli.option.number": str(len(self.office.desks.kept) + 1),
            "cli.option.notation": "CV/VPTU",
            "cli.option.subject": "Về việc họp giao ban",
            "cli.option.place": "Thành phố Hồ Chí Minh",
            "cli.option.date": "21/11/2026",
            "cli.option.reason": "Không đúng thẩm quyền",
            "cli.option.edxml_file": str(self.envelope),
            "cli.option.edxml_for": str(self.envelope),
            "cli.option.edxml_code": "03",
            "cli.option.edxml_from": "Z79.UB.26734",
            "cli.option.edxml_output": str(self.folder / f"new-{len(list(self.folder.iterdir()))}.edxml"),
            "cli.option.edxml_meta": str(self.meta),
            "cli.option.edxml_attached": str(self.letter),
            "cli.option.list_file": str(self.listed.file),
            "cli.option.list_keys": str(self.listed.keys),
            "cli.option.list_key": str(self.listed.one),
            "cli.option.list_folder": str(self.site.trust),
            "cli.option.list_name": "Gốc tin cậy",
            "cli.option.list_number": "8",
            "cli.option.list_output": str(self.folder / f"list-{len(list(self.folder.iterdir()))}.json"),
        }
        found = values.get(str(parameter.help))
        assert found or not parameter.required, f"everything.py has no sample for {parameter.help}"
        return found

    def emptied(self) -> Path:
        """The site's configuration, but for a state folder that is not there."""
        path = self.site.config_file.with_name("emptied.toml")
        state = f'"{self.folder.parent / "emptied"}"'
        path.write_text(
            re.sub("(?m)^state = .*$", f"state = {state}", self.site.config_file.read_text("utf-8")), "utf-8"
        )
        return path

    def line(self, row: Row, **instead: str) -> list[str]:
        """A command line that can be done; `instead` has other values for some parameters, by the id of their help."""
        words = row.name.split()
        for one in parameters(row):
            value = instead.get(str(one.help), self.sample(one))
            if value is not None:
                words += [value] if isinstance(one, TyperArgument) else [one.opts[-1], value]
        return words

    async def run(self, *line: str) -> int:
        return await self.office.run(*line)


@cache
def tree() -> TyperGroup:
    """The commands as they are declared, not translated: for reading only."""
    return build()


def command(row: Row) -> Any:
    """The command of a row in that tree."""
    node: Any = tree()
    for word in row.name.split():
        assert isinstance(node, TyperGroup)
        node = node.commands[word]
    return node


def parameters(row: Row) -> Iterator[TyperOption | TyperArgument]:
    for one in command(row).params:
        assert isinstance(one, TyperOption | TyperArgument)
        yield one


async def furnish(office: Office, site: Site, folder: Path, *, desk: SigningDesk, authority: str) -> Things:
    """Strangers' words wherever strangers may put them. The desk has a stamped file already."""
    everything = Principal(key_id="both", name=HOSTILE, organs=frozenset({PARTY, WARD}), scopes=frozenset(Scope))
    office.keys.principals[BOTH_KEY] = everything
    for organ in (PARTY, WARD):
        office.desks.register(organ, HOSTILE)
        office.desks.bodies[organ] = replace(office.desks.bodies[organ], in_charge=HOSTILE)
    entry = await office.desks.deliver(WARD, (HOSTILE[:150], "application/pdf", PDF), sender=PARTY)
    message = replace(entry.message, subject=HOSTILE, sender=replace(entry.message.sender, name=HOSTILE))
    office.desks.entries[entry.key] = replace(entry, message=message, document_id=HOSTILE, business_description=HOSTILE)
    await office.desks.ask_back(office.desks.entries[entry.key], HOSTILE[:400])
    held = await office.desks.hold(sender=PARTY, recipient=WARD)
    assert held.metadata is not None
    spoiled = replace(held, metadata=replace(held.metadata, subject=HOSTILE), reason_params=(("file", HOSTILE),))
    office.desks.kept[held.key] = spoiled
    for key, story in office.desks.stories.items():
        detail = json.dumps({"words": HOSTILE, "n": 1})
        office.desks.stories[key] = [replace(line, detail=detail) for line in story]
    letter = folder / "tờ trình.pdf"
    letter.write_bytes(tiny_pdf())
    envelope, meta = folder / "công văn.edxml", folder / "công văn.toml"
    envelope.write_bytes(hostile_envelope())
    meta.write_text(META, "utf-8")
    backup = await take_backup(site.config, folder.parent / "backup", clock=SystemClock())
    return Things(
        office=office,
        site=site,
        folder=folder,
        entry=entry.key,
        held=held.key,
        letter=letter,
        envelope=envelope,
        meta=meta,
        listed=make_list(folder / "lists", site.trust, now=SystemClock().now()),
        desk=desk,
        stamped=desk.stamped_file,
        backup=backup.folder,
        authority=authority,
    )


def hostile_envelope() -> bytes:
    """A file of another maker: strangers' words as far as XML can hold them, and a few things to be noticed."""
    words = "".join(one for one in HOSTILE if one not in "\x1b\x07")
    plain = edxml.envelope()
    marked = plain.replace(b"<edXML:Subject>", b"<edXML:Unheard>x</edXML:Unheard><edXML:Subject>" + words.encode())
    assert len(marked) > len(plain)
    return marked


def acting(text: str, *, besides: str) -> list[str]:
    """Characters that move a cursor, forge a line or turn the writing, as Unicode knows them."""
    bidi = {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
    return [
        one
        for one in set(text) - set(besides)
        if unicodedata.category(one) in {"Cc", "Zl", "Zp", "Cs"}
        or unicodedata.bidirectional(one) in bidi
        or one in "\u200e\u200f\u061c"
    ]


@contextmanager
def terminal_of(columns: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """A real terminal as stdin, stdout and stderr of this process; gives what it showed once it is left."""
    leader, follower = pty.openpty()
    shown: list[bytes] = []

    def drain() -> None:
        while select.select([leader], [], [], 30)[0]:
            try:
                shown.append(os.read(leader, 65536))
            except OSError:
                return

    reader = threading.Thread(target=drain)
    reader.start()
    streams = [os.fdopen(os.dup(follower), mode, encoding="utf-8") for mode in ("r", "w", "w")]
    with monkeypatch.context() as patch:
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(f"sys.{name}", stream)
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("TERM", "xterm")
        patch.delenv("NO_COLOR", raising=False)
        yield lambda: b"".join(shown).decode()
    for stream in streams:
        stream.close()
    os.close(follower)
    reader.join()
    os.close(leader)


def ids(rows: Sequence[Row]) -> list[str]:
    return [row.id for row in rows]
