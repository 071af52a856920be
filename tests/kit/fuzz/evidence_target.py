"""One file handed to the entry of evidence that its first line names; what must hold, whatever the file is.

* A value comes out, or the errors that the entry names; nothing else is ever raised.
* A proof that holds tells leaves that the log has, and a receipt that is believed says what the destination said: no other
  outcome, no other leaf, though here the destination's own key signs whatever the claims have become.
* Whatever is found of a file can be told: the record has its documented form, page and sentence are made of it.
* What is added to a PDF for the archive only adds.

It is loaded after the marks are set (`branches`), so with `trust_target` it alone of this package may import crypto.
"""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from gateway.audit import AuditError, verify_checkpoint
from gateway.core.errors import PeerError, SenderError
from gateway.core.model import ReceiptLine
from gateway.core.validation import Indication
from gateway.crypto import Evidence, prepare_document_timestamp, prepare_dss, sign_jws
from gateway.crypto.pades.long_term import bears_timestamp, chains_in, last_timestamp
from gateway.crypto.processes.judge import InlineJudge
from gateway.evidence import (
    AnyFileExamination,
    Circumstances,
    DetachedExamination,
    FileExamination,
    FileReport,
    Verification,
    check_proof,
    record_of,
    sentence,
    verified,
)
from gateway.evidence.papers.html import draw_html
from gateway.evidence.papers.wording import Wording
from gateway.exchange import ExchangeRecords, receipts
from tests.kit.certomancer.declared import bundle, crl_of
from tests.kit.fuzz.disagreement import check
from tests.kit.fuzz.evidence_seeds import log_key, proof, receipted
from tests.kit.pki import MOMENT
from tests.unit.cli.schemas import check as check_form


class FalseAcceptError(AssertionError):
    """Something was believed that nobody said."""


class _Then:
    """The port `Clock` at the moment of the vectors."""

    def now(self) -> datetime:
        return MOMENT

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")


def examine(data: bytes, *, piece: int = 7) -> frozenset[str]:
    """Hand the file over; what is worth remembering of how it went.

    Raises:
        FalseAcceptError: it was believed.
        DisagreementError: something does not hold.
        Exception: whatever the entry let out, which is a mistake of its.
    """
    entry, _, body = data.partition(b"\n")
    reading = _ENTRIES.get(entry)
    return frozenset() if reading is None else frozenset(f"{entry.decode()} {said}" for said in reading(body))


# --- proofs --------------------------------------------------------------------------------------------------------------


def _proof(body: bytes) -> list[str]:
    said = []
    body = _reckoned(body)
    for keys in ((log_key(),), ()):  # with none it is its own witness, which a reader of the file may want
        try:
            found = check_proof(body, keys)
        except AuditError as error:
            said.append(f"{type(error).__name__} {str(error)[:12]}")
            continue
        if keys and not {leaf.hash for leaf in found.leaves} <= _logged():
            raise FalseAcceptError("a leaf")
        said.append(f"{len(found.leaves)} {found.begins} {found.key_said}")
    return said


def _reckoned(body: bytes) -> bytes:
    """With the hashes that whoever changed a leaf reckons anew: nobody's key is needed for that."""
    try:
        tree = json.loads(body)
        renamed: dict[str, str] = {}
        for leaf in tree["leaves"]:
            for old, new in renamed.items():  # of those before it: it names its predecessor
                leaf["leaf"] = leaf["leaf"].replace(old, new)
            digest = sha256(b"\0" + leaf["leaf"].encode()).digest()
            renamed[_named(bytes.fromhex(leaf["leaf_hash"]))] = _named(digest)
            leaf["leaf_hash"] = digest.hex()
        return json.dumps(tree).encode()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return body


def _named(digest: bytes) -> str:
    return urlsafe_b64encode(digest).decode().rstrip("=")


@cache
def _logged() -> frozenset[str]:
    return frozenset(leaf["leaf_hash"] for leaf in json.loads(proof())["leaves"])


def _note(body: bytes) -> list[str]:
    try:
        found = verify_checkpoint(body.decode("utf-8", "surrogateescape"), [log_key()])
    except AuditError as error:
        return [type(error).__name__]
    check(found == verify_checkpoint(json.loads(proof())["checkpoint"], [log_key()]), "a checkpoint that nobody signed")
    return ["checkpoint"]


# --- receipts ------------------------------------------------------------------------------------------------------------


def _claims(body: bytes) -> list[str]:
    """What a destination that lies would send: its own true key signs it."""
    signer = receipted().signer
    kid = sha256(signer.public_key).hexdigest()
    said = []
    for at in (None, MOMENT):
        found = _lines(asyncio.run(sign_jws(body, kid=kid, signer=signer, signed_at=at)))
        if isinstance(found, str):
            said.append(found)
            continue
        said.append("believed")
        if [(line.organ_id, line.outcome, line.leaf_hash) for line in found] != _true_lines():
            raise FalseAcceptError("a receipt")
    return said


def _jws(body: bytes) -> list[str]:
    found = _lines(body)
    if isinstance(found, str):
        return [found]
    check(body == receipted().receipt, "a receipt in another form")
    return ["believed"]


def _lines(receipt: bytes) -> tuple[ReceiptLine, ...] | str:
    try:
        return receipts.check(receipt, receipted().slip, receipted().snapshot)
    except PeerError as error:
        if error.code != "peer.receipt":
            raise
        return str(error.params.get("step", ""))[:14]


@cache
def _true_lines() -> list[tuple[object, ...]]:
    found = _lines(receipted().receipt)
    assert not isinstance(found, str), found
    return [(line.organ_id, line.outcome, line.leaf_hash) for line in found]


# --- files of any kind -----------------------------------------------------------------------------------------------------


def _file(body: bytes) -> list[str]:
    """`gateway verify` but for the processes: examined, told in the record, on a page and in a sentence."""
    with TemporaryDirectory() as made:
        path = Path(made) / "tài liệu.bin"
        path.write_bytes(body)
        try:
            report = asyncio.run(_examination().examine(path))
        except SenderError as error:
            if error.code not in {"file.empty", "size.limit"}:
                raise
            return [error.code]
    found = verified(report)
    circumstances = Circumstances(version="1", made_at=MOMENT, moment=None, registry=False)
    verification = Verification(circumstances=circumstances, files=(found,))
    record = json.dumps(record_of(verification))
    check_form("verify", json.loads(record))
    check(bool(sentence(found.result, found.name).vi), "no sentence")
    for language in ("vi", "en"):
        check(b"</html>" in draw_html(Wording(verification, language).paper(), record.encode()), "half a page")
    return [_told(report), *(_slip(part.name, part.verdict.indication) for part in report.parts)]


@cache
def _examination() -> AnyFileExamination:
    judge, clock, trust = InlineJudge(), _Then(), bundle().trust
    inside = FileExamination(judge=judge, records=ExchangeRecords(trust=trust, judge_all=True), clock=clock)
    return AnyFileExamination(inside=inside, beside=DetachedExamination(judge=judge, trust=trust, clock=clock))


def _told(report: FileReport) -> str:
    return f"{report.kind} {report.indication} {report.bound} {report.repaired} {len(report.findings)}"


def _slip(name: str, indication: Indication | None) -> str:
    return f"{name[-8:]} {indication}"


# --- for the archive -------------------------------------------------------------------------------------------------------


def _stored(body: bytes) -> list[str]:
    said = [_asked(task, body) for task in (bears_timestamp, chains_in, last_timestamp)]
    try:
        added = prepare_dss(body, Evidence(crls=(crl_of("bodies"),)))
        check(added.startswith(body), "not only added to")
        room = prepare_document_timestamp(body, room=4_000)
        check(room.pdf.startswith(body) and room.start >= len(body), "room within what was there")
    except SenderError as error:
        if error.code != "file.unreadable":
            raise
        said.append("unreadable")
    return said


def _asked(task: Callable[[bytes], object], body: bytes) -> str:
    try:
        found = task(body)
    except SenderError as error:
        if error.code not in {"file.unreadable", "seal.unsigned"}:
            raise
        return error.code
    return f"{task.__name__} {bool(found)}"


_ENTRIES: Final[dict[bytes, Callable[[bytes], list[str]]]] = {
    b"proof": _proof,
    b"note": _note,
    b"claims": _claims,
    b"jws": _jws,
    b"file": _file,
    b"stored": _stored,
}
