"""Timestamps that must not count, each with one thing wrong; wrong authorities are labels of the declaration."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from asn1crypto import cms

from tests.kit.certomancer.declared import parsed, private_key, timestamp
from tests.kit.certomancer.tokens import NONE, Flaw, info_of, token

Stamp = Callable[[bytes], bytes]
"""Digest (SHA-256) -> token, DER."""


def _again(digest: bytes, at: datetime, *, flaw: Flaw = NONE) -> bytes:
    """The good token, signed again with that flaw."""
    return token(info_of(timestamp(digest, at)), parsed("stamp"), private_key("stamp"), flaw=flaw)


def stamped_at(at: datetime, authority: str = "stamp") -> Stamp:
    """A good token of any authority at any moment."""
    return lambda digest: timestamp(digest, at, authority=authority)


FLAWS: Final[dict[str, Flaw]] = {
    "forged": Flaw(signature=True),
    "of other content": Flaw(digest=True),
    "by two": Flaw(signers=2),  # RFC 3161 section 2.4.2: one
    "unnamed": Flaw(named=b""),  # the same: signing-certificate MUST be there
    "misnamed": Flaw(named=b"another"),
    "without certificate": Flaw(certificates=()),
}
AUTHORITIES: Final = {
    "no purpose": "stamp-no-purpose",
    "purpose not critical": "stamp-lax",
    "two purposes": "stamp-mixed",
    "expired": "stamp-expired",
    "revoked": "stamp-revoked",
    "stranger": "stamp-stranger",
}
WORTHLESS: Final = (*FLAWS, *AUTHORITIES, "of other data", "with SHA-1", "without signer")
"""Every way in which something in the place of a timestamp can be worth nothing, at any moment from 2026 on."""


def worthless(kind: str, at: datetime) -> Stamp:
    """A timestamp of that kind, said to be of that moment."""
    if kind in FLAWS:
        return lambda digest: _again(digest, at, flaw=FLAWS[kind])
    if kind in AUTHORITIES:
        return stamped_at(at, AUTHORITIES[kind])
    if kind == "of other data":
        return lambda _: timestamp(bytes(32), at)
    if kind == "with SHA-1":
        return lambda _: timestamp(bytes(20), at, method="sha1")
    assert kind == "without signer", kind
    return lambda digest: _emptied(timestamp(digest, at))


def _emptied(der: bytes) -> bytes:
    """A token without its signer: what is left is well-formed, or it could not stand in a signature at all."""
    found = cms.ContentInfo.load(der)
    found["content"]["signer_infos"] = []
    emptied: bytes = found.dump(force=True)
    return emptied
