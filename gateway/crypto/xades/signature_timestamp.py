"""XAdES B-T: a timestamp upon a signature's value (EN 319 132-1 clause 5.3, SignatureTimeStamp), made and judged.

What is stamped is the exclusive canonical form of ds:SignatureValue. The token stands in UnsignedSignatureProperties, outside
of what is signed: whoever carries the file can add one, take one away or spoil one. So a token that is not good is no more
than a remark in the report, and a good one proves that the signature was there at its time and nothing else.
"""

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import new, sha256
from typing import Final

from gateway.core.errors import SenderError
from gateway.core.limits import SIGNATURE_TIMESTAMPS_MAX
from gateway.core.validation import SubIndication, TimestampKind, TimestampSeen
from gateway.crypto.duty import undecided
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.trust import Trust
from gateway.crypto.timestamps.verify import TimestampJudge, not_judged
from gateway.crypto.xades.form import octets
from gateway.crypto.xades.names import DS, EXCLUSIVE, XADES, ds, xades
from gateway.crypto.xades.parts import StructureError
from gateway.crypto.xades.place import before_end_of
from gateway.crypto.xades.prepare import canonical
from gateway.safe_xml import Element, Skeleton, read_skeleton

_STAMP: Final = (
    f'<xades:SignatureTimeStamp xmlns:xades="{XADES}">'
    f'<ds:CanonicalizationMethod xmlns:ds="{DS}" Algorithm="{EXCLUSIVE}"/>'
    "<xades:EncapsulatedTimeStamp>{token}</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp>"
)
_FIRST: Final = (
    f'<xades:UnsignedProperties xmlns:xades="{XADES}"><xades:UnsignedSignatureProperties>'
    "{stamp}</xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
)
_QUALIFYING: Final = "QualifyingProperties"
_UNSIGNED: Final = "UnsignedSignatureProperties"


# --- making ------------------------------------------------------------------------------------------------------------


def timestamp_digest(signed: bytes) -> bytes:
    """SHA-256 of what a timestamp upon this signed file's signature has to stamp; run it in a judge.

    Raises:
        SenderError: `envelope.malformed`: not one signature, or no room for one timestamp more.
    """
    return sha256(canonical(_to_be_stamped(signed)[0])).digest()


def with_timestamp(signed: bytes, token: bytes) -> bytes:
    """The signed file with a timestamp more, every other byte as it was; run it in a judge. `token`: DER.

    Raises:
        SenderError: `envelope.malformed`: not one signature, or no room for one timestamp more.
    """
    _, stamps = _to_be_stamped(signed)
    at = attempt(before_end_of, signed, _UNSIGNED if stamps else _QUALIFYING)
    if isinstance(at, Trouble):
        raise SenderError("envelope.malformed", reason=at.reason)
    stamp = _STAMP.format(token=b64encode(token).decode("ascii"))
    added = stamp if stamps else _FIRST.format(stamp=stamp)
    return b"".join((signed[:at], added.encode("ascii"), signed[at:]))


def skeleton_of(data: bytes) -> Skeleton:
    """What was signed, or is about to be; run it in a judge.

    Raises:
        SenderError: `envelope.malformed`, `size.limit`.
    """
    return read_skeleton([data])


def _to_be_stamped(signed: bytes) -> tuple[Element, int]:
    """SignatureValue of the one signature that is there, and how many timestamps are upon it already."""
    root = skeleton_of(signed).root
    values, stamps = (list(root.iter(name)) for name in (ds("SignatureValue"), xades("SignatureTimeStamp")))
    if len(values) != 1 or not values[0].text or len(stamps) >= SIGNATURE_TIMESTAMPS_MAX:
        raise SenderError("envelope.malformed", reason="not one signature that a timestamp can be put upon")
    return values[0], len(stamps)


# --- judging -----------------------------------------------------------------------------------------------------------


def judge_timestamps(
    signature: Element, *, judge: TimestampJudge, trust: Trust, moment: datetime
) -> tuple[TimestampSeen, ...]:
    """What each timestamp upon a signature of the profile's form (`form.check_shape`) is worth, in the order of the file."""
    tokens = list(signature.iter(xades("EncapsulatedTimeStamp")))
    if not tokens:
        return ()
    stamped = canonical(signature[1])

    def digest(algorithm: str) -> bytes:
        return new(algorithm, stamped).digest()

    return tuple(_judged(token, judge, digest, trust, moment) for token in tokens)


def _judged(
    element: Element, judge: TimestampJudge, digest: Callable[[str], bytes], trust: Trust, moment: datetime
) -> TimestampSeen:
    kind = TimestampKind.SIGNATURE
    try:
        token = octets(element, "EncapsulatedTimeStamp")
    except StructureError as error:
        return not_judged(kind, undecided(SubIndication.FORMAT_FAILURE, str(error)))
    seen = attempt(judge, token, kind=kind, digest=digest, trust=trust, moment=moment)
    return not_judged(kind, undecided(SubIndication.FORMAT_FAILURE, seen.reason)) if isinstance(seen, Trouble) else seen
