"""When a PDF's signature existed, as far as timestamps prove it (EN 319 102-1 clauses 5.4, 5.5.4 and 5.6.3).

Three kinds stand in a PDF: upon the signature value (an unsigned attribute), upon the document up to some revision
(DocTimeStamp, EN 319 142-1 clause 5.4.3), and, seldom, upon the content before it was signed (a signed attribute).

The duties, numbered as in the code:

1. Archive timestamps are walked from the newest to the oldest (clause 5.6.3). Each covers a whole revision, and is judged
   today; where today cannot say any more (its authority has ended or was revoked), at the time of the next later good one,
   which proves that it existed, by the evidence which that one covers.
2. The timestamps upon a signature are judged likewise: today, or at the time of a good archive timestamp over them.
3. A timestamp counts only when the certificate of its authority had begun at that time.
4. Their order fits: content, signature, archive, and each archive timestamp after the older ones (clause 5.5.4).
5. The best signature time is the earliest that a good timestamp upon the signature, or over it, proves.

A timestamp that is not good is told, and is as if it were not there: it proves nothing and spoils nothing.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Any, Final

from asn1crypto import cms, core

from gateway.core import limits
from gateway.core.validation import Indication, SubIndication, TimestampKind, TimestampSeen
from gateway.crypto.duty import UnmetDuty, undecided
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.pades.coverage import check_coverage, token_of
from gateway.crypto.pades.document import TIMESTAMP, Document
from gateway.crypto.pades.security_store import SecurityStores
from gateway.crypto.paths.past import OPEN, Look, Proof, at_present, in_the_past
from gateway.crypto.paths.trust import NO_EVIDENCE, Evidence, Trust
from gateway.crypto.timestamps.verify import judge_timestamp, not_judged, proven, with_authority_refused

ORDER_TOLERANCE: Final = timedelta(seconds=60)
"""By how much the clocks of two authorities may differ, as in `timestamps.verify`: signature and archive timestamps are made
within a second of each other, and by two authorities where one does not answer."""
_OF_SIGNATURE: Final = "signature_time_stamp_token"
_OF_CONTENT: Final = "content_time_stamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A DocTimeStamp that was judged."""

    seen: TimestampSeen
    revision: int
    """Counted from 0: it covers this one and all before it."""
    evidence: Evidence
    """What it covers of the security store."""

    @property
    def time(self) -> datetime | None:
        """What it proves, if it is good."""
        return proven(self.seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The timestamps of one signature."""

    seen: tuple[TimestampSeen, ...] = ()
    """Content, signature, document; good or not."""
    best: datetime | None = None
    """None: nothing proves that it existed before today."""
    proofs: tuple[Proof, ...] = ()
    """Evidence that archive timestamps over this signature prove, the oldest first."""
    left_out: int = 0
    """Timestamps upon the signature beyond the limit."""


def judge_archive(document: Document, stores: SecurityStores, trust: Trust, moment: datetime) -> tuple[Archived, ...]:
    """Duty 1; in the order of the revisions."""
    found: list[Archived] = []
    for signature in reversed(document.timestamps):
        later = [Proof(time=one.time, evidence=one.evidence) for one in found if one.time is not None][:1]
        found.insert(
            0,
            Archived(
                seen=_judge_document_timestamp(document, signature, later, _Judging(trust, moment, stores.latest)),
                revision=signature.signed_revision,
                evidence=stores.at(signature.signed_revision),
            ),
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Judging:
    """By whom and when timestamps are judged, and by what came along in the document."""

    trust: Trust
    moment: datetime
    embedded: Evidence


def _judge_document_timestamp(
    document: Document, signature: Any, later: Sequence[Proof], judging: _Judging
) -> TimestampSeen:
    kind = TimestampKind.DOCUMENT
    fault = attempt(_coverage_fault, document, signature)
    if isinstance(fault, Trouble):
        fault = undecided(SubIndication.FORMAT_FAILURE, fault.reason)
    if fault is not None:
        return not_judged(kind, fault, duty=2)  # what it was put upon is not the document up to a revision
    return _judge(token_of(signature), kind, signature.compute_digest, later, judging)


def _coverage_fault(document: Document, signature: Any) -> UnmetDuty | None:
    try:
        if signature.sig_object.get("/SubFilter") != TIMESTAMP:
            raise undecided(SubIndication.FORMAT_FAILURE, "unknown SubFilter of a timestamp")
        check_coverage(document, signature)
    except UnmetDuty as unmet:
        return unmet
    return None


def judge_times(
    signature: Any,
    *,
    archive: Sequence[Archived],
    stores: SecurityStores,
    trust: Trust,
    moment: datetime,
) -> Times:
    """Duties 2 to 5 for one signature.

    Raises:
        UnmetDuty: TIMESTAMP_ORDER_FAILURE is raised by `check_order`, which the caller owes.
    """
    over = tuple(one for one in archive if one.revision > signature.signed_revision)
    proofs = tuple(Proof(time=one.time, evidence=one.evidence) for one in over if one.time is not None)
    proofs = proofs[: limits.ARCHIVE_PROOFS_MAX]
    judging = _Judging(trust, moment, stores.latest)
    signer_info, found = signature.signer_info, []
    value: bytes = signer_info["signature"].native
    all_tokens = 0
    for kind, attributes, name, digest in (
        (TimestampKind.CONTENT, "signed_attrs", _OF_CONTENT, signature.compute_digest),
        (TimestampKind.SIGNATURE, "unsigned_attrs", _OF_SIGNATURE, lambda name: hashlib.new(name, value).digest()),
    ):
        tokens = tuple(_tokens(signer_info[attributes], name))
        all_tokens += len(tokens)
        found += [
            _judge(token, kind, digest, proofs, judging) for token in islice(tokens, limits.SIGNATURE_TIMESTAMPS_MAX)
        ]
    upon = [time for one in found if one.kind is TimestampKind.SIGNATURE and (time := proven(one))]
    return Times(
        seen=(*found, *(one.seen for one in over)),
        best=min((*upon, *(one.time for one in over if one.time)), default=None),  # duty 5
        proofs=proofs,
        left_out=all_tokens - len(found),
    )


def _tokens(attributes: Any, name: str) -> Iterator[bytes]:
    if isinstance(attributes, core.Void):
        return
    for attribute in attributes:
        if attribute["type"].native == name:
            yield from (value.dump() for value in attribute["values"])


def _judge(
    token: bytes, kind: TimestampKind, digest: Callable[[str], bytes], later: Sequence[Proof], judging: _Judging
) -> TimestampSeen:
    """Duties 1 and 2: today, or at the time of a later good one."""

    def judge(look: Look) -> TimestampSeen:
        return judge_timestamp(
            token,
            kind=kind,
            digest=digest,
            trust=look.trust,
            moment=look.moment,
            evidence=look.evidence,
            past=look.past,
        )

    inside = attempt(_certificates, token)
    today = Look(
        trust=judging.trust,
        moment=judging.moment,
        evidence=NO_EVIDENCE,
        past=False,
        inside=inside if isinstance(inside, tuple) else (),
    )
    found = at_present(judge, today, embedded=judging.embedded)
    if proven(found) is None and found.sub_indication in OPEN and later:
        then = in_the_past(judge, today, proofs=later)
        found = then if proven(then) else found
    return with_authority_refused(_begun(found))


def _certificates(token: bytes) -> tuple[bytes, ...]:
    """Those that stand in a token."""
    choices = cms.ContentInfo.load(token)["content"]["certificates"]
    return tuple(one.chosen.untag().dump() for one in islice(choices, limits.EMBEDDED_CERTIFICATES_MAX))


def _begun(seen: TimestampSeen) -> TimestampSeen:
    """Duty 3."""
    if proven(seen) is None or not seen.chain or seen.time is None or seen.chain[0].not_before <= seen.time:
        return seen
    return replace(
        seen,
        indication=Indication.INDETERMINATE,
        sub_indication=SubIndication.OUT_OF_BOUNDS_NO_POE,
        reason="stamped before the certificate of its authority began",
    )


def check_order(times: Times) -> None:
    """Duty 4.

    Raises:
        UnmetDuty: TIMESTAMP_ORDER_FAILURE.
    """
    by_kind = {
        kind: [time for one in times.seen if one.kind is kind and (time := proven(one)) is not None]
        for kind in TimestampKind
    }
    archive = by_kind[TimestampKind.DOCUMENT]
    after_each_other = [
        (max(by_kind[TimestampKind.CONTENT], default=None), min(by_kind[TimestampKind.SIGNATURE], default=None)),
        (max(by_kind[TimestampKind.CONTENT], default=None), min(archive, default=None)),
        (max(by_kind[TimestampKind.SIGNATURE], default=None), min(archive, default=None)),
        *pairwise(archive),
    ]
    for earlier, later in after_each_other:
        if earlier is not None and later is not None and later + ORDER_TOLERANCE < earlier:
            raise undecided(
                SubIndication.TIMESTAMP_ORDER_FAILURE,
                f"a timestamp of {later.isoformat()} over one of {earlier.isoformat()}",
            )
