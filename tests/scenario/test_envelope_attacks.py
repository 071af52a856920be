"""Every attack of the tables against the whole chain: refused, by what the table says; and what may be done is accepted."""

from pathlib import Path

from gateway.core.errors import SenderError
from gateway.core.verdict import Indication, SubIndication
from gateway.edxml import assemble, write_skeleton
from gateway.exchange.judging import read_envelope_file
from tests.kit.pki import MOMENT, Pki
from tests.scenario.envelope_attacks import Letter
from tests.unit.crypto.envelopes import signed
from tests.unit.edxml.samples import DOCUMENT, attachment
from dataclasses import replace

PKI = Pki()
LEAF = PKI.leaf("transport")
FILES = ("thư thứ nhất".encode(), b"PK\x03\x04 a table")


def letter_of(subject: str, *files: bytes) -> bytes:
    parts = [attachment(at, data, name=f"{at}.txt", content_type="text/plain") for at, data in enumerate(files, 1)]
    skeleton = signed(write_skeleton(replace(DOCUMENT, subject=subject), parts), LEAF)
    return b"".join(assemble(skeleton, [(part, [data]) for part, data in zip(parts, files, strict=True)]))


LETTER = Letter(data=letter_of("Về việc gửi văn bản", *FILES), other=letter_of("Về việc khác", *reversed(FILES)))
_PARTS = {"envelope.attachments": "files", "envelope.malformed": "xml"}
_READER = frozenset({"duplicate", "missing", "mixed", "length", "count", "value", "kind", "namespace"})


def refuser(path: Path, data: bytes, *, judge_all: bool) -> str:
    """Which part of the chain refuses a file, and its reason; empty when it is believed."""
    path.write_bytes(data)
    try:
        reading = read_envelope_file(path, trust=PKI.trust, moment=MOMENT, judge_all=judge_all)
    except SenderError as error:
        reason = str(error.params.get("reason"))
        return f"{'reader' if reason in _READER and error.code == 'envelope.malformed' else _PARTS[error.code]}: {reason}"
    signature = reading.signature
    if signature is None:
        return "signature: none"
    if signature.indication is not Indication.TOTAL_PASSED:
        frame = signature.reason.removeprefix("outside the signed parts: ")
        return f"frame: {frame}" if frame != signature.reason else f"signature: {signature.reason}"
    assert reading.bound
    return ""
