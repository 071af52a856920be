"""The record: a verification as JSON, with stable names and every text in full (docs/cli.schema.json, `verify`).

It is what a program reads, what is attached to a report, and what the report's QR code names by its digest.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final

from gateway.core.clock import rfc3339
from gateway.core.findings import Finding
from gateway.core.plain_text import plain_json, shown
from gateway.core.validation import CertificateSeen, Check, PolicyUsed, RevocationSeen, SignerIdentity, TimestampSeen
from gateway.evidence.examination import ExaminedPart
from gateway.evidence.papers.sayings import limit_said, sentence, speaker_said
from gateway.evidence.speaker import Speaker
from gateway.evidence.verification import (
    CertificateTold,
    Circumstances,
    FileVerification,
    Result,
    ToldSignature,
    Unreadable,
    Verification,
)
from gateway.evidence.verification_limits import Limit, limits_of
from gateway.observe import text

Json = dict[str, Any]

FORMAT: Final = "edoc-gateway-verification"
FORMAT_VERSION: Final = 1
"""Grows when a member is taken away or changes its meaning; members that are added leave it alone."""
DETAIL_CHARS_MAX: Final = 2_000


def record_bytes(verification: Verification) -> bytes:
    """The record as it is written into a file: UTF-8, the same bytes for the same verification."""
    return (plain_json(record_of(verification), indent=2) + "\n").encode()


def record_of(verification: Verification) -> Json:
    """The record."""
    circumstances = verification.circumstances
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "program": {"name": "edoc-gateway", "version": circumstances.version},
        "made_at": rfc3339(circumstances.made_at),
        "moment": _time(circumstances.moment),
        "registry": circumstances.registry,
        "result": verification.result.value,
        "counts": {result.value: verification.counts[result] for result in reversed(Result)},
        "files": [file_record(file, circumstances) for file in verification.files],
    }


def file_record(file: FileVerification, circumstances: Circumstances) -> Json:
    """One file."""
    said = sentence(file.result, file.name)
    head = {
        "name": file.name,
        "result": file.result.value,
        "sentence_vi": said.vi,
        "sentence_en": said.en,
        "next_step": file.next_step.value,
        "error": _trouble(file.trouble) if file.trouble else None,
        "limits": [_limit(limit) for limit in limits_of(file, circumstances)],
    }
    report, indication = file.report, file.indication
    if report is None:
        # Why, says `error`: none of EN 319 102-1's sub-indications is about a verifier that did not come through.
        return head | {"indication": indication.value if indication else None, "sub_indication": None}
    signatures = iter(
        [_signature(one) for one in file.signatures]
    )  # in this order: the envelope's, then those of each part
    return head | {
        "size": report.size,
        "sha256": report.digest,
        "examined_at": rfc3339(report.examined_at),
        "judged_at": rfc3339(report.judged_at),
        "kind": report.kind,
        "indication": indication.value if indication else None,
        "envelope": next(signatures) if report.envelope else None,
        "bound": report.bound,
        "repaired": report.repaired,
        "findings": [_finding(one) for one in report.findings],
        "policies": [_policy(policy) for policy in file.policies],
        "parts": [_part(part, signatures) for part in report.parts],
    }


def _part(part: ExaminedPart, signatures: Iterator[Json]) -> Json:
    verdict = part.verdict
    return {
        "name": part.name,
        "media_type": verdict.media_type,
        "indication": verdict.indication.value if verdict.indication else None,
        "sub_indication": verdict.sub_indication.value if verdict.sub_indication else None,
        "signatures": list(islice(signatures, len(verdict.signatures))),
    }


def _signature(one: ToldSignature) -> Json:
    verdict, details = one.verdict, one.details
    return {
        "number": one.number,
        "place": one.place.value,
        "part": one.part,
        "indication": verdict.indication.value,
        "sub_indication": verdict.sub_indication.value if verdict.sub_indication else None,
        "reason": verdict.reason,
        "signer": verdict.signer,
        "organ": one.organ,
        "certificate_sha256": verdict.certificate,
        "claimed_time": _time(verdict.claimed_time),
        "proven_time": _time(one.proven_time),
        "best_time": _time(details.best_time),
        "covers": verdict.covers,
        "integrity": one.integrity.value,
        "level": details.level.value if details.level else None,
        "identity": _identity(details.identity) if details.identity else None,
        "sender": _sender(one.speaker) if one.speaker else None,
        "chain": [_certificate(told) for told in one.certificates],
        "revocation": [_revocation(seen) for seen in details.revocation],
        "timestamps": [_timestamp(seen) for seen in details.timestamps],
        "changes": [
            {"kind": change.kind.value, "allowed": change.allowed, "revision": change.revision}
            for change in details.changes
        ],
        "algorithms": list(details.algorithms),
        "checks": [_check(check) for check in details.checks],
        "policy": _policy(details.policy) if details.policy else None,
    }


def _identity(identity: SignerIdentity) -> Json:
    return {
        "kind": identity.kind.value,
        "name": identity.name,
        "organization": identity.organization,
        "organ_id": identity.organ_id,
        "title": identity.title,
    }


def _sender(speaker: Speaker) -> Json:
    said = speaker_said(speaker)
    return {
        "standing": speaker.standing.value,
        "organ_id": speaker.organ_id,
        "name": speaker.name,
        "signer": speaker.signer,
        "signer_name": speaker.signer_name,
        "message_vi": said.vi,
        "message_en": said.en,
    }


def _certificate(told: CertificateTold) -> Json:
    return _seen(told.seen) | {"in_time": told.in_time}


def _seen(seen: CertificateSeen) -> Json:
    return {
        "sha256": seen.digest,
        "subject": seen.subject,
        "issuer": seen.issuer,
        "serial": seen.serial,
        "not_before": rfc3339(seen.not_before),
        "not_after": rfc3339(seen.not_after),
        "key": seen.key,
        "anchor": seen.anchor,
    }


def _revocation(seen: RevocationSeen) -> Json:
    return {
        "certificate_sha256": seen.certificate,
        "status": seen.status.value,
        "kind": seen.kind,
        "source": seen.source,
        "issued_at": _time(seen.issued_at),
        "next_update": _time(seen.next_update),
        "age_seconds": seen.age_seconds,
        "revoked_at": _time(seen.revoked_at),
        "sha256": seen.digest,
    }


def _timestamp(seen: TimestampSeen) -> Json:
    return {
        "kind": seen.kind.value,
        "indication": seen.indication.value,
        "sub_indication": seen.sub_indication.value if seen.sub_indication else None,
        "reason": seen.reason,
        "time": _time(seen.time),
        "authority": seen.authority,
        "certificate_sha256": seen.certificate,
        "policy": seen.policy,
        "chain": [_seen(certificate) for certificate in seen.chain],
        "revocation": [_revocation(one) for one in seen.revocation],
        "checks": [_check(check) for check in seen.checks],
    }


def _check(check: Check) -> Json:
    return {
        "duty": check.duty,
        "name": check.name,
        "clause": check.clause,
        "outcome": check.outcome.value,
        "detail": check.detail,
    }


def _policy(policy: PolicyUsed) -> Json:
    return {"name": policy.name, "version": policy.version, "sha256": policy.digest}


def _limit(limit: Limit) -> Json:
    said = limit_said(limit)
    return {
        "code": limit.code,
        "signatures": list(limit.signatures),
        "names": list(limit.names),
        "message_vi": said.vi,
        "message_en": said.en,
    }


def _finding(one: Finding) -> Json:
    words = text(f"edxml.finding.{one.code}", one.params)
    return {
        "code": one.code,
        "severity": one.severity.value,
        "path": one.path,
        "message_vi": words.vi,
        "message_en": words.en,
    }


def _trouble(trouble: Unreadable) -> Json:
    """As any other failure is told to programs (`problem`); what to do next is for whoever checks, not for its sender."""
    what, todo = text(trouble.code, trouble.params), text("cli.verify.todo.unread")
    return {
        "code": trouble.code,
        "what_vi": _short(what.vi),
        "what_en": _short(what.en),
        "detail": _short(trouble.technical),
        "todo_vi": todo.vi,
        "todo_en": todo.en,
        "trace_id": None,
    }


def _short(line: str) -> str:
    plain = shown(line)
    return plain if len(plain) <= DETAIL_CHARS_MAX else plain[:DETAIL_CHARS_MAX] + "…"


def _time(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
