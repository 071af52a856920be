"""From B-B to B-T: a timestamp upon the signature value, put into a finished CMS (EN 319 122-1 clause 5.3).

Bytes are inserted and the lengths around them written anew; everything else stays as it was, byte for byte. What is not
read cannot be written differently: certificates with odd encodings, attributes of other makers, the signature itself.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Final, ParamSpec, Protocol

from asn1crypto import cms, parser

from gateway.core import limits
from gateway.crypto.edge import Trouble, attempt

P = ParamSpec("P")

_UNSIGNED: Final = 0xA1
"""unsignedAttrs [1] IMPLICIT of a SignerInfo (RFC 5652 section 5.3)."""
_SIGNER_INFO_DEPTH: Final = 4
"""ContentInfo / [0] / SignedData / SignerInfos / SignerInfo: each the last member of the one before."""
_CONTEXT, _CONSTRUCTED, _UNSIGNED_TAG = 2, 1, 1


class Stamper(Protocol):
    """Asks for a timestamp; the port `TimestampAuthority`."""

    async def stamp(self, digest: bytes) -> bytes:
        """SHA-256 of what is stamped -> the token (DER).

        Raises:
            SiteError: no authority answers.
        """
        ...


async def with_signature_timestamp(signature: bytes, stamper: Stamper) -> bytes:
    """The same CMS with a timestamp of its signature value.

    It is made of a finished B-B signature, so that this one is not lost when no authority answers.

    Raises:
        ValueError: not a CMS of one signer.
        SiteError: what the stamper raises.
    """
    return add_signature_timestamp(signature, await stamper.stamp(hashlib.sha256(signature_value(signature)).digest()))


def signature_value(signature: bytes) -> bytes:
    """What a signature timestamp is upon: the signature of the one SignerInfo, without tag and length.

    Raises:
        ValueError: not a CMS of one signer.
    """
    return _or_value_error(_signature_value, signature)


def _signature_value(signature: bytes) -> bytes:
    signers = cms.ContentInfo.load(signature, strict=True)["content"]["signer_infos"]
    if len(signers) != 1:
        raise ValueError("not exactly one SignerInfo")
    value: bytes = signers[0]["signature"].native
    return value


def add_signature_timestamp(signature: bytes, token: bytes) -> bytes:
    """The CMS with one more signature-time-stamp among the unsigned attributes.

    Raises:
        ValueError: not a CMS of one signer, not in DER where it would have to be changed, or too large.
    """
    if len(signature) + len(token) > limits.DETACHED_SIGNATURE_BYTES_MAX:
        raise ValueError("larger than a signature may be")
    return _or_value_error(_stamped, signature, token)


def _stamped(signature: bytes, token: bytes) -> bytes:
    _signature_value(signature)
    attribute: bytes = cms.CMSAttribute(
        {"type": "signature_time_stamp_token", "values": [cms.ContentInfo.load(token, strict=True)]}
    ).dump()
    return _inserted(signature, depth=_SIGNER_INFO_DEPTH, attribute=attribute)


def _or_value_error(function: Callable[P, bytes], *args: P.args, **kwargs: P.kwargs) -> bytes:
    found = attempt(function, *args, **kwargs)
    if isinstance(found, Trouble):
        raise ValueError(found.reason)  # noqa: TRY004 - of the bytes, not of a type
    return found


def _inserted(value: bytes, *, depth: int, attribute: bytes) -> bytes:
    """The value, its last member at each depth changed, down to the SignerInfo."""
    kind, method, tag, _, contents, trailer = parser.parse(value, strict=True)
    if trailer or not method:
        raise ValueError("not in DER")
    if depth:
        *before, last = _members(contents)
        changed = b"".join((*before, _inserted(last, depth=depth - 1, attribute=attribute)))
        return bytes(parser.emit(kind, method, tag, changed))
    *before, last = _members(contents)
    old: list[bytes] = []
    if last[0] == _UNSIGNED:
        old = list(_members(parser.parse(last, strict=True)[4]))
    else:
        before.append(last)
    # DER of a SET OF sorts its members (X.690 clause 11.6).
    unsigned = parser.emit(_CONTEXT, _CONSTRUCTED, _UNSIGNED_TAG, b"".join(sorted((*old, attribute))))
    return bytes(parser.emit(kind, method, tag, b"".join((*before, unsigned))))


def _members(contents: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(contents):
        end = at + parser.peek(contents[at:])
        yield contents[at:end]
        at = end
