"""Sentences that every form of a report says with the same words, in both languages."""

from gateway.core.validation import SubIndication
from gateway.evidence.detached import SIGNATURE_SUFFIX
from gateway.evidence.examination import ExaminedPart
from gateway.evidence.papers.paper import cut
from gateway.evidence.speaker import Speaker
from gateway.evidence.verification import FileVerification, Result, Verification
from gateway.evidence.verification_limits import Limit
from gateway.observe import Text, label, text


def sentence(result: Result, name: str) -> Text:
    """The conclusion about one file."""
    return text(f"verification.{result}", {"name": name})


def summary(verification: Verification) -> Text:
    """The conclusion about several files."""
    counts = {result.value: str(verification.counts[result]) for result in Result}
    return text("verification.summary", {"total": str(len(verification.files)), **counts})


def next_step(file: FileVerification) -> Text:
    """What to do next, and whose turn it is."""
    return text(f"cli.verify.todo.{file.next_step}")


def trouble_said(file: FileVerification) -> Text:
    """Why a file could not be read. Of an envelope's trouble the technical side stays with the record."""
    trouble = file.trouble
    assert trouble is not None, "asked of a file that has one"
    return text(trouble.code, trouble.params if file.report is None else {})


def speaker_said(speaker: Speaker) -> Text:
    """In whose name an envelope speaks, and whose signature it bears, as one sentence."""
    return text(f"verification.sender.{speaker.standing}", speaker_names(speaker))


def speaker_names(speaker: Speaker) -> dict[str, str]:
    """How a text names the two."""
    return {
        "sender": _named(speaker.organ_id, speaker.name),
        "signer": _named(speaker.signer, speaker.signer_name),
    }


def _named(code: str | None, name: str) -> str:
    """Code first: names are what strangers write, and long."""
    return f"{code or ''} ({cut(name)})" if name else code or ""


def unread_said(part: ExaminedPart, kind: str) -> Text:
    """Why no signature of a part can be shown: it is damaged, no signature at all, or one without what it signs.

    `kind`: of the file that was examined; one of another kind than PDF and edXML has none but beside it.
    """
    if part.verdict.sub_indication is SubIndication.SIGNED_DATA_NOT_FOUND:
        return text("cli.verify.signature_alone", {"name": part.name})
    if kind == "other" or part.name.lower().endswith(SIGNATURE_SUFFIX):
        return text("cli.verify.not_signature", {"name": part.name})
    return text("cli.verify.unreadable")


def limit_said(limit: Limit) -> Text:
    """What was not checked, and of which signatures."""
    params = {
        "numbers": ", ".join(str(number) for number in limit.signatures),
        "names": "; ".join(limit.names),
        "count": len(limit.names),
    }
    return text(f"verification.limit.{limit.code}", params)


def check_name(name: str) -> Text:
    """What a duty is called; one that the catalogue does not know by its own name."""
    try:
        return text(f"check.{name}")
    except KeyError:
        return Text(vi=name, en=name)


def word(name: str) -> Text:
    """A word of our vocabularies: `integrity.intact`."""
    return label(f"verification.{name}")
