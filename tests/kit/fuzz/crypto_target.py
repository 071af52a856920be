"""One file handed to the entry of crypto that its first line names; what must hold, whatever the file is.

* Verdicts come out, or the one named error of that entry; nothing else is ever raised.
* What passes is what was signed: a PDF begins, but for the hex of its signatures, with a file that is good; an envelope has the
  very elements of one; a timestamp has the very TSTInfo of one; a certificate and a receipt are one, byte for byte.
* A verdict goes through the frame between processes (`answers`) and comes out the same.

It is loaded after the marks are set (`branches`), so it alone of this package may import crypto.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from lxml import etree

from gateway.core.errors import PeerError, SenderError, SiteError
from gateway.core.validation import Indication, SubIndication, TimestampKind
from gateway.crypto import (
    Evidence,
    Trust,
    judge_certificate,
    judge_pdf,
    judge_timestamp,
    load_trust,
    prepare_seal,
    verify_envelope,
    verify_jws,
)
from gateway.crypto.processes.answers import read_answer, write_answer
from gateway.safe_xml import read_skeleton
from tests.kit.certomancer.declared import bundle, certificate, chain, key
from tests.kit.certomancer.tokens import info_of
from tests.kit.fuzz.crypto_seeds import RECEIPT_KEY, STAMPED, good_envelopes, good_pdfs, good_stamps, token
from tests.kit.fuzz.disagreement import check
from tests.kit.pki import MOMENT, spki

_CONTENTS: Final = re.compile(rb"/Contents <[0-9a-fA-F]*>")
_GOOD_LABELS: Final = ("seal", "seal-ec", "person", "person-ec")
_CERTIFICATES_MAX: Final = 40
PASSED: Final = Indication.TOTAL_PASSED


class FalseAcceptError(AssertionError):
    """Something passed that nobody signed."""


@cache
def _trust() -> Trust:
    return bundle().trust


def examine(data: bytes, *, piece: int = 7) -> frozenset[str]:
    """Hand the file over; what is worth remembering of how it went.

    Raises:
        FalseAcceptError: it passed.
        DisagreementError: a verdict is malformed.
        Exception: whatever the entry let out, which is a mistake of its.
    """
    entry, _, body = data.partition(b"\n")
    reading = _ENTRIES.get(entry)
    return frozenset() if reading is None else frozenset(f"{entry.decode()} {said}" for said in reading(body))


def _pdf(body: bytes) -> list[str]:
    verdict = judge_pdf(body, trust=_trust(), moment=MOMENT)
    if verdict.indication is PASSED and not _masked(body).startswith(_masked_good()):
        raise FalseAcceptError("a PDF")
    _framed(verdict)
    said = [_told(one.indication, one.sub_indication, one.reason) for one in verdict.signatures]
    return [_told(verdict.indication, verdict.sub_indication, verdict.reason), *said]


def _masked(pdf: bytes) -> bytes:
    """The file without the hex of its signatures, which no signature covers, and without spaces at its end."""
    return _CONTENTS.sub(b"/Contents <>", pdf).rstrip()


@cache
def _masked_good() -> tuple[bytes, ...]:
    return tuple(_masked(_signed_part(pdf)) for pdf in good_pdfs().values())


def _signed_part(pdf: bytes) -> bytes:
    """Up to the end of what the last body's signature covers: evidence behind it is nobody's word."""
    ends = [int(second) + int(rest) for second, rest in re.findall(rb"/ByteRange\s*\[\s*\d+ \d+ (\d+) (\d+)", pdf)]
    return pdf[: ends[0]] if b"/DocTimeStamp" in pdf else pdf[: max(ends)]


def _envelope(body: bytes) -> list[str]:
    try:
        root = read_skeleton([body]).root
    except SenderError:
        return ["unread"]
    verdict = verify_envelope(root, trust=_trust(), moment=MOMENT)
    if verdict.signature is None:
        return ["unsigned"]
    if verdict.signature.indication is PASSED and _parts(root) not in _good_parts():
        raise FalseAcceptError("an envelope")
    _framed(verdict.signature)
    return [_told(verdict.signature.indication, verdict.signature.sub_indication, verdict.signature.reason)]


def _parts(root: etree._Element) -> frozenset[bytes]:
    found = [element for element in root.iter("{*}MessageHeader", "{*}Bussiness", "{*}edXMLBody") if element.get("Id")]
    return frozenset(
        sha256(etree.tostring(element, method="c14n", exclusive=True, with_comments=False)).digest()
        for element in found
    )


@cache
def _good_parts() -> frozenset[frozenset[bytes]]:
    return frozenset(_parts(read_skeleton([data]).root) for data in good_envelopes().values())


def _certificate(body: bytes) -> list[str]:
    ders: list[bytes] = []
    while body and len(ders) < _CERTIFICATES_MAX:
        size = int.from_bytes(body[:4])
        ders.append(body[4 : 4 + size])
        body = body[4 + size :]
    if not ders:
        return []
    verdict = judge_certificate(ders[0], trust=_trust(), moment=MOMENT, evidence=Evidence(certificates=tuple(ders[1:])))
    if verdict.indication is PASSED and ders[0] not in {certificate(label) for label in _GOOD_LABELS}:
        raise FalseAcceptError("a certificate")
    check(verdict.indication is not Indication.TOTAL_FAILED, "a certificate alone proves no forgery")
    return [_told(verdict.indication, verdict.sub_indication, verdict.reason)]


def _receipt(body: bytes) -> list[str]:
    try:
        verify_jws(body, [spki(key(label)) for label in (RECEIPT_KEY, "odd-curve", "seal")])
    except PeerError as error:
        if error.code != "peer.receipt":
            raise
        return [str(error.params.get("step", ""))[:20]]
    if body != token():
        raise FalseAcceptError("a receipt")
    return ["good"]


def _stamp(body: bytes) -> list[str]:
    seen = judge_timestamp(
        body,
        kind=TimestampKind.CONTENT,
        digest=lambda name: hashlib.new(name, STAMPED).digest(),
        trust=_trust(),
        moment=MOMENT,
    )
    if seen.indication is PASSED and (info_of(body) not in _good_infos() or seen.time != MOMENT):
        raise FalseAcceptError("a timestamp")
    _framed(seen)
    return [_told(seen.indication, seen.sub_indication, seen.reason)]


@cache
def _good_infos() -> tuple[bytes, ...]:
    return tuple(map(info_of, good_stamps().values()))


def _trust_folder(body: bytes) -> list[str]:
    """As a revocation list and as an anchor; whoever is believed then judges without an exception."""
    said = []
    for folder, name in (("crls", "a.crl"), ("anchors", "b.pem")):
        with TemporaryDirectory() as made:
            for each, file, data in (("anchors", "a.pem", certificate("root")), (folder, name, body)):
                (Path(made) / each).mkdir(exist_ok=True)
                (Path(made) / each / file).write_bytes(data)
            try:
                loaded = load_trust(Path(made), False)
            except SiteError as error:
                if error.code not in {"config.invalid", "key.demo"}:
                    raise
                said.append(error.code)
                continue
        believed = Trust(anchors=loaded.anchors, intermediates=_trust().intermediates, crls=loaded.crls)
        brought = Evidence(certificates=chain("revoked")[1:])
        verdict = judge_certificate(certificate("revoked"), trust=believed, moment=MOMENT, evidence=brought)
        if verdict.indication is PASSED:
            raise FalseAcceptError("a revocation list")
        said.append(_told(verdict.indication, verdict.sub_indication, verdict.reason))
    return said


def _prepared(body: bytes) -> list[str]:
    try:
        prepare_seal(body, room=4_000, moment=MOMENT)
    except SenderError as error:
        if error.code != "file.unreadable":
            raise
        return ["unreadable"]
    return ["prepared"]


def _frame(body: bytes) -> list[str]:
    """What a judge that was taken over may answer."""
    try:
        return [read_answer(body)[0][:20]]
    except ValueError:
        return ["unreadable"]


def _told(indication: Indication | None, sub_indication: SubIndication | None, reason: str) -> str:
    check(indication is not PASSED or sub_indication is None, "passed, with a reason not to")
    check(indication in {PASSED, None} or (sub_indication is not None and bool(reason)), "no reason given")
    return f"{indication} {sub_indication} {re.sub(r'[^a-z ]', '', reason)[:24]}"


def _framed(verdict: object) -> None:
    check(read_answer(write_answer("done", verdict)) == ("done", verdict), "another verdict behind the frame")


_ENTRIES: Final[dict[bytes, Callable[[bytes], list[str]]]] = {
    b"pdf": _pdf,
    b"envelope": _envelope,
    b"certificate": _certificate,
    b"receipt": _receipt,
    b"trust": _trust_folder,
    b"unsealed": _prepared,
    b"frame": _frame,
    b"stamp": _stamp,
}
