"""Findings: what is odd about a document that arrived, and is no reason to refuse it: the recipient's clerk is told.

Senders and hubs in the field do not keep every rule (house.md: tolerant where senders differ), so a peer's envelope is not
refused for the looks of its texts. But nobody is misled by them either: bodies are called what the registry calls them,
letters that cannot be seen are shown as numbers, and what was claimed otherwise is said beside it.
"""

from collections.abc import Iterator
from dataclasses import replace

from gateway.core.directory import Snapshot
from gateway.core.fields import TEXT_OF, FieldFault
from gateway.core.free_texts import free_texts, is_running, with_texts
from gateway.core.message import Claim, DocumentMessage, Organ
from gateway.core.model import InboxEntry
from gateway.core.paper import paper_date_problem
from gateway.core.plain_text import first_unseen, same_words, shown
from gateway.exchange.messages import organ_block
from gateway.exchange.ready_made import metadata_of


def as_registered(message: DocumentMessage, snapshot: Snapshot) -> DocumentMessage:
    """The message with its bodies called what the registry calls them, and what the envelope called them otherwise."""
    organs = [("sender", message.sender), *((f"recipients[{n}]", organ) for n, organ in enumerate(message.recipients))]
    claims = tuple(claim for path, organ in organs for claim in _claims(path, organ, snapshot))
    return replace(
        message,
        sender=_named(message.sender, snapshot),
        recipients=tuple(_named(organ, snapshot) for organ in message.recipients),
        claims=claims,
    )


def _named(organ: Organ, snapshot: Snapshot) -> Organ:
    known = organ_block(organ.organ_id, snapshot)
    if (organ.name, organ.in_charge) == (known.name, known.in_charge):
        return organ
    return replace(organ, name=known.name, in_charge=known.in_charge)


def _claims(path: str, organ: Organ, snapshot: Snapshot) -> Iterator[Claim]:
    known = organ_block(organ.organ_id, snapshot)
    for field, said, registered in (
        ("name", organ.name, known.name),
        ("in_charge", organ.in_charge, known.in_charge),
    ):
        if said and not same_words(said, registered):
            yield Claim(path=f"{path}.{field}", said=said)


def readable(message: DocumentMessage) -> DocumentMessage:
    """The message as a reader may be shown it; the names of its recipients are the registry's and stay as they are."""
    texts = with_texts(replace(message, recipients=(), claims=()), _shown)
    return replace(texts, recipients=message.recipients, claims=message.claims)


def _shown(path: str, text: str) -> str:
    return shown(text, lines=is_running(path))


def findings(entry: InboxEntry) -> tuple[FieldFault, ...]:
    """What the clerk is told of a document that arrived, by paths into its message."""
    message = entry.message
    return (*_claim_findings(message), *_date_findings(entry), *_text_findings(message))


def _claim_findings(message: DocumentMessage) -> Iterator[FieldFault]:
    for claim in message.claims:
        yield FieldFault(path=claim.path, code="field.organ_claimed", params={"said": claim.said})


def _date_findings(entry: InboxEntry) -> Iterator[FieldFault]:
    message = entry.message
    if message.promulgation_date is None:
        return
    if problem := paper_date_problem(message.promulgation_date, made_at=entry.received_at):
        yield FieldFault(path="promulgation_date", code=TEXT_OF[problem])
    expected = metadata_of(message).document_id()
    # Other makers give names of another form (a UUID): those say nothing that could be contradicted.
    if message.document_id.startswith(f"{message.sender.organ_id},") and message.document_id != expected:
        yield FieldFault(path="document_id", code="field.document_id", params={"expected": expected})


def _text_findings(message: DocumentMessage) -> Iterator[FieldFault]:
    for path, text in free_texts(replace(message, recipients=(), claims=())):
        if unseen := first_unseen(text, lines=is_running(path)):
            yield FieldFault(path=path, code="field.characters", params={"codepoint": unseen})
