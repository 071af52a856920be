"""Sections 2 to 5 of a report: who signed, what came after, by which certificates, and when."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from gateway.core.clock import evidence_time
from gateway.core.validation import Change, Indication, TimestampSeen
from gateway.evidence.papers.paper import Block, Facts, Heading, Paragraph, Table, Tone, cut
from gateway.evidence.papers.sayings import speaker_said
from gateway.evidence.papers.speech import Speech, tone_of
from gateway.evidence.verification import CertificateTold, FileVerification, Integrity, Place, ToldSignature

_COVERS: Final = MappingProxyType(
    {"whole file": "whole", "revision": "revision", "content inside": "inside", "": "unknown"}
)
"""What a verifier says of its own scope; anything else are the Ids of signed parts."""
_TONES: Final = MappingProxyType(
    {
        Integrity.INTACT: Tone.GOOD,
        Integrity.ADDED: Tone.GOOD,
        Integrity.FORBIDDEN: Tone.DOUBT,
        Integrity.CHANGED: Tone.BAD,
        Integrity.UNKNOWN: Tone.DOUBT,
    }
)


def heading(speech: Speech, one: ToldSignature) -> str:
    """Which signature it is: its number, where it stands, and the name in its certificate."""
    name = one.details.identity.name if one.details.identity else ""
    where = speech.word("place.envelope") if one.place is Place.ENVELOPE else cut(one.part)
    signer = speech.text(name or one.verdict.signer)
    return speech.say("signature_in" if where else "signature", number=one.number, place=where, signer=signer)


def integrity(speech: Speech, one: ToldSignature) -> str:
    """Whether it was changed, as one sentence."""
    return speech.say(f"integrity.{one.integrity}")


def path_of(one: ToldSignature, language: str) -> str:
    """The names of a chain, from the signer to the anchor."""
    speech = Speech(language)
    return " → ".join(speech.subject(told.seen.subject) for told in one.certificates)


# --- 2: who signed -----------------------------------------------------------------------------------------------------


def signers(speech: Speech, file: FileVerification) -> Iterator[Block]:
    """One block per signature, in order."""
    if not file.signatures:
        yield Paragraph(speech.say("no_signature"))
    for one in file.signatures:
        yield Heading(heading(speech, one))
        yield Paragraph(_verdict(speech, one), tone_of(one.verdict.indication))
        if one.speaker is not None:
            tone = Tone.DOUBT if one.speaker.notable else Tone.PLAIN
            yield Paragraph(speech.choose(speaker_said(one.speaker)), tone)
        yield Facts(tuple(_who(speech, one)))


def _verdict(speech: Speech, one: ToldSignature) -> str:
    verdict = one.verdict
    said = speech.label("indication", verdict.indication)
    if verdict.sub_indication is None:
        return f"{said}."
    reason = speech.label("sub_indication", verdict.sub_indication)
    return speech.say("verdict", said=said, reason=reason, code=verdict.sub_indication.value)


def _who(speech: Speech, one: ToldSignature) -> Iterator[tuple[str, str]]:
    verdict, identity = one.verdict, one.details.identity
    yield speech.word("fact.signer"), speech.text((identity.name if identity else "") or verdict.signer)
    if identity is not None:
        yield speech.word("fact.capacity"), speech.word(f"kind_of_signer.{identity.kind}")
        if identity.title:
            yield speech.word("fact.title"), cut(identity.title)
        yield speech.word("fact.organization"), speech.text(identity.organization)
        yield speech.word("fact.organ_id"), speech.text(identity.organ_id)
    yield speech.word("fact.registry"), one.organ or speech.word("not_compared")
    if one.certificates:
        seen = one.certificates[0].seen
        yield speech.word("fact.serial"), cut(seen.serial)
        yield speech.word("fact.issuer"), speech.subject(seen.issuer) or speech.word("unknown")
    claimed = speech.time(verdict.claimed_time)
    yield speech.word("fact.claimed"), claimed if verdict.claimed_time is None else speech.say("claimed", time=claimed)
    yield speech.word("fact.proven"), speech.time(one.proven_time) if one.proven_time else speech.word("not_proven")
    yield speech.word("fact.covers"), _covers(speech, verdict.covers)


def _covers(speech: Speech, covers: str) -> str:
    known = _COVERS.get(covers)
    return speech.word(f"covers.{known}") if known else speech.say("covers.parts", ids=covers)


# --- 3: was it changed -------------------------------------------------------------------------------------------------


def changes(speech: Speech, file: FileVerification) -> Iterator[Block]:
    """Yes or no for each signature, and what came to the file."""
    if not file.signatures:
        yield Paragraph(speech.say("no_signature"))
    for one in file.signatures:
        if len(file.signatures) > 1:
            yield Heading(heading(speech, one))
        failed = one.verdict.indication is Indication.TOTAL_FAILED
        tone = Tone.BAD if failed and one.integrity is Integrity.FORBIDDEN else _TONES[one.integrity]
        yield Paragraph(integrity(speech, one), tone)
        if one.details.changes:
            names = ("revision", "added", "allowed")
            yield Table(
                tuple(speech.word(f"column.{name}") for name in names),
                tuple(_change(speech, change) for change in one.details.changes),
                (2, 8, 3),
            )


def _change(speech: Speech, change: Change) -> tuple[str, ...]:
    allowed = speech.word("yes" if change.allowed else "no")
    return str(change.revision), speech.word(f"change.{change.kind}"), allowed


# --- 4: certificates at that time --------------------------------------------------------------------------------------


def chains(speech: Speech, file: FileVerification) -> Iterator[Block]:
    """The path of each signer up to its anchor, valid then or not, and by which evidence."""
    if not file.signatures:
        yield Paragraph(speech.say("no_signature"))
    for one in file.signatures:
        if len(file.signatures) > 1:
            yield Heading(heading(speech, one))
        if not one.certificates:
            yield Paragraph(speech.say("no_chain"), Tone.DOUBT)
            continue
        if one.details.best_time is not None:
            yield Paragraph(speech.say("best_time", time=evidence_time(one.details.best_time)))
        names = ("certificate", "validity", "in_time", "revocation")
        yield Table(
            tuple(speech.word(f"column.{name}") for name in names),
            tuple(_certificate(speech, told) for told in one.certificates),
            (9, 9, 4, 10),
        )


def _certificate(speech: Speech, told: CertificateTold) -> tuple[str, ...]:
    seen = told.seen
    name = speech.subject(seen.subject)
    return (
        speech.say("anchor", name=name) if seen.anchor else name,
        f"{evidence_time(seen.not_before)} –\n{evidence_time(seen.not_after)}",
        speech.word("yes" if told.in_time else "no"),
        speech.word("revocation.anchor") if seen.anchor else speech.revocation(told.revocation),
    )


# --- 5: timestamps -----------------------------------------------------------------------------------------------------


def timestamps(speech: Speech, file: FileVerification) -> Iterator[Block]:
    """Authority, time, and upon what; and what each is worth."""
    if not file.signatures:
        yield Paragraph(speech.say("no_signature"))
    for one in file.signatures:
        if len(file.signatures) > 1:
            yield Heading(heading(speech, one))
        if not one.details.timestamps:
            yield Paragraph(speech.say("no_timestamp" if one.timestamps_known else "timestamps_unknown"))
            continue
        names = ("stamped", "authority", "time", "verdict")
        yield Table(
            tuple(speech.word(f"column.{name}") for name in names),
            tuple(_timestamp(speech, stamp) for stamp in one.details.timestamps),
            (6, 8, 7, 9),
        )


def _timestamp(speech: Speech, stamp: TimestampSeen) -> tuple[str, ...]:
    said = speech.word(f"timestamp.{stamp.indication}")
    if stamp.sub_indication is not None:
        said = f"{said} ({stamp.sub_indication.value})"
    return speech.word(f"stamped.{stamp.kind}"), speech.text(stamp.authority), speech.time(stamp.time), said
