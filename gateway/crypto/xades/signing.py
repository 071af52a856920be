"""After an envelope or a slip was signed: its timestamp, what a judge says of it, its way back into the file it came from."""

from datetime import datetime
from pathlib import Path

from gateway.core.errors import SenderError
from gateway.core.limits import ENVELOPE_BYTES_MAX
from gateway.core.ports import Judge, TimestampAuthority
from gateway.core.reasons import because
from gateway.core.verdict import SignatureVerdict
from gateway.crypto.paths.trust import Trust
from gateway.crypto.xades.signature_timestamp import skeleton_of, timestamp_digest, with_timestamp
from gateway.crypto.xades.slip import verify_slip
from gateway.crypto.xades.verify import EnvelopeVerdict, verify_envelope


async def stamped_inside(signed: bytes, authority: TimestampAuthority, *, judge: Judge) -> bytes:
    """The signed file with a timestamp upon its signature, every other byte as it was.

    Raises:
        SenderError: `envelope.malformed`: see `timestamp_digest`.
        SiteError: what the authority raises.
    """
    token = await authority.stamp(await judge.run(timestamp_digest, signed))
    return await judge.run(with_timestamp, signed, token)


def judge_signed_envelope(signed: bytes, *, trust: Trust, moment: datetime) -> SignatureVerdict:
    """What the signature of an envelope is worth, as every receiver will judge it; the judge's task.

    Raises:
        SenderError: `envelope.malformed`.
    """
    return _signature(verify_envelope(skeleton_of(signed).root, trust=trust, moment=moment))


def judge_signed_slip(signed: bytes, *, trust: Trust, moment: datetime) -> SignatureVerdict:
    """The same of a slip.

    Raises:
        SenderError: `envelope.malformed`.
    """
    return _signature(verify_slip(skeleton_of(signed).root, trust=trust, moment=moment))


def _signature(verdict: EnvelopeVerdict) -> SignatureVerdict:
    if verdict.signature is None:
        raise SenderError("envelope.malformed", reason="no signature in it")
    return verdict.signature


# --- a file with its attachments ---------------------------------------------------------------------------------------


def markup_of_file(path: Path) -> bytes:
    """All of an envelope but its attachments' base64: what is signed, and all that a signature changes; the judge's task.

    Raises:
        SenderError: `envelope.malformed`, `size.limit`.
        OSError: the file cannot be read.
    """
    return skeleton_of(_read(path)).markup


def put_into_file(path: Path, markup: bytes, signed: bytes) -> bytes:
    """The file with what was put into its markup; each of its own bytes as it was.

    Raises:
        SenderError: `file.unreadable`: more than that would change.
    """
    at = _common(markup, signed)
    text, data = signed[at : at + len(signed) - len(markup)], _read(path)
    same = b"".join((markup[:at], text, markup[at:])) == signed and data[:at] == markup[:at]
    if not text or not same:  # the attachments' base64 comes later in the file than the signature
        raise SenderError("file.unreadable", reason=because("would_change"))
    return b"".join((data[:at], text, data[at:]))


def _read(path: Path) -> bytes:
    if path.stat().st_size > ENVELOPE_BYTES_MAX:
        raise SenderError("size.limit", limit=ENVELOPE_BYTES_MAX, what="file")
    return path.read_bytes()


def _common(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
