"""A request for a timestamp and the authority's reply (RFC 3161 sections 2.4.1 and 2.4.2), as pure functions.

The reply is a stranger's bytes: `check_reply` is the task of a judge.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from asn1crypto import algos, cms, core, tsp

from gateway.core import limits
from gateway.core.validation import Indication, TimestampKind
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.trust import Trust
from gateway.crypto.timestamps.verify import judge_timestamp

NONCE_BYTES: Final = 16
_GRANTED: Final = frozenset({"granted", "granted_with_mods"})


class _Reply(core.Sequence):  # type: ignore[misc]  # asn1crypto is not annotated
    """TimeStampResp; asn1crypto's own cannot read a refusal, which bears no token (RFC 3161 section 2.4.2)."""

    _fields: ClassVar = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """A token that was found good: the one that was asked for."""

    token: bytes
    """DER of its ContentInfo."""
    time: datetime
    authority: str
    """Common name of the authority's certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a reply is no timestamp for us; English, for the log."""

    reason: str


def request(digest: bytes, nonce: int) -> bytes:
    """A TimeStampReq (DER) for a SHA-256 digest; the authority is to send its certificate along."""
    imprint = tsp.MessageImprint(
        {"hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}), "hashed_message": digest}
    )
    asked = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "nonce": nonce, "cert_req": True})
    der: bytes = asked.dump()
    return der


def check_reply(reply: bytes, *, digest: bytes, nonce: int, trust: Trust, moment: datetime) -> Stamped | Refused:
    """The token in a TimeStampResp, if it answers our request and its authority is believed; total."""
    found = attempt(_check, reply, digest, nonce, trust, moment)
    return Refused(reason=found.reason) if isinstance(found, Trouble) else found


def _check(reply: bytes, digest: bytes, nonce: int, trust: Trust, moment: datetime) -> Stamped | Refused:
    if len(reply) > limits.TIMESTAMP_BYTES_MAX:
        return Refused(reason="the reply is too large")
    answer = _Reply.load(reply, strict=True)
    status = answer["status"]["status"].native
    if status not in _GRANTED:
        return Refused(reason=f"the authority answered {status}")
    token: bytes = answer["time_stamp_token"].dump()
    info = answer["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
    if info["nonce"].native != nonce:  # the reply to somebody else's request, or to an earlier one
        return Refused(reason="the reply bears another nonce")
    seen = judge_timestamp(
        token,
        kind=TimestampKind.SIGNATURE,
        digest=lambda name: digest if name == "sha256" else b"",
        trust=trust,
        moment=moment,
    )
    if seen.indication is not Indication.TOTAL_PASSED or seen.time is None:
        return Refused(reason=f"{seen.sub_indication}: {seen.reason}")
    return Stamped(token=token, time=seen.time, authority=seen.authority)
