"""Timestamps that must not count, each with one thing wrong; wrong authorities are labels of the declaration."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from tests.kit.certomancer.declared import certificate, parsed, private_key, timestamp
from tests.kit.certomancer.tokens import NONE, Flaw, info_of, token
from tests.kit.pki import MOMENT

Stamp = Callable[[bytes], bytes]
"""Digest (SHA-256) -> token, DER."""


def _again(digest: bytes, at: datetime, *, flaw: Flaw = NONE, **fields: Any) -> bytes:
    """The good token with other fields of its TSTInfo, signed again."""
    info = info_of(timestamp(digest, at))
    for name, value in fields.items():
        info[name] = value
    der: bytes = token(info, parsed("stamp"), private_key("stamp"), flaw=flaw).dump(force=True)
    return der


def stamped_at(at: datetime, authority: str = "stamp") -> Stamp:
    """A good token of any authority at any moment."""
    return lambda digest: timestamp(digest, at, authority=authority)


def forged(digest: bytes) -> bytes:
    """The signature is of something else."""
    return _again(digest, MOMENT, flaw=Flaw(signature=True))


def of_other_content(digest: bytes) -> bytes:
    """message-digest is not that of the TSTInfo."""
    return _again(digest, MOMENT, flaw=Flaw(digest=True))


def of_other_data(_: bytes) -> bytes:
    """A good token, taken from something else: replay."""
    return timestamp(bytes(32), MOMENT)


def in_the_future(digest: bytes) -> bytes:
    """Issued a day after the moment of judgement."""
    return timestamp(digest, MOMENT + timedelta(days=1))


def by_two(digest: bytes) -> bytes:
    """Two SignerInfos; RFC 3161 section 2.4.2 allows one."""
    return _again(digest, MOMENT, flaw=Flaw(signers=2))


def unnamed(digest: bytes) -> bytes:
    """No attribute names the authority's certificate (RFC 3161 section 2.4.2: there MUST be one)."""
    return _again(digest, MOMENT, flaw=Flaw(named=b""))


def misnamed(digest: bytes) -> bytes:
    """The attribute names another certificate of the same key."""
    return _again(digest, MOMENT, flaw=Flaw(named=certificate("stamp-mixed")))


def without_certificate(digest: bytes) -> bytes:
    """The authority's certificate did not come along."""
    return _again(digest, MOMENT, flaw=Flaw(certificates=()))


def with_sha1(_: bytes) -> bytes:
    """The imprint is a SHA-1."""
    return timestamp(bytes(20), MOMENT, method="sha1")


def truncated(digest: bytes) -> bytes:
    """Half a token."""
    whole = timestamp(digest, MOMENT)
    return whole[: len(whole) // 2]


FLAWS: Final[dict[str, Stamp]] = {
    "forged": forged,
    "of other content": of_other_content,
    "of other data": of_other_data,
    "in the future": in_the_future,
    "by two": by_two,
    "unnamed": unnamed,
    "misnamed": misnamed,
    "without certificate": without_certificate,
    "no purpose": stamped_at(MOMENT, "stamp-no-purpose"),
    "purpose not critical": stamped_at(MOMENT, "stamp-lax"),
    "two purposes": stamped_at(MOMENT, "stamp-mixed"),
    "expired": stamped_at(MOMENT, "stamp-expired"),
    "revoked": stamped_at(MOMENT, "stamp-revoked"),
    "stranger": stamped_at(MOMENT, "stamp-stranger"),
}
"""Every way in which a token over the right digest can be worth nothing."""
