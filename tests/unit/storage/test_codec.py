import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import SiteError
from gateway.core.ids import Digest, OrganId
from gateway.core.message import Claim, Code, DocumentMessage, Organ, Priority, ResponseFor, SignerInfo, StatusMessage
from gateway.core.model import Attachment, BlobRef, Metadata, SlipRecipient
from gateway.core.states import BusinessStatus
from gateway.storage import codec
from tests.kit import rows

# Every text that UTF-8 can carry: a lone surrogate is no text, and no parser hands one over.
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
instants = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - as hypothesis wants them
STRATEGIES: dict[Any, Any] = {
    str: texts,
    OrganId: texts,
    Digest: texts,
    int: st.integers(0, 2**63 - 1),
    date: st.dates(),
    datetime: instants,
    Priority: st.sampled_from(Priority),
    BusinessStatus: st.sampled_from(BusinessStatus),
}


def built(kind: type[Any], **more: Any) -> st.SearchStrategy[Any]:
    """Values of a dataclass with every field drawn, also those that have defaults."""
    drawn = {field.name: STRATEGIES[field.type] for field in fields(kind) if field.name not in more}
    return st.builds(kind, **drawn, **more)


organs = built(Organ)
codes = built(Code)
answers = built(ResponseFor, promulgation_date=st.none() | st.dates())
maybe_whole = st.none() | st.integers(0, 1_000)
metadata = built(
    Metadata,
    recipients=st.lists(texts, max_size=4).map(tuple),
    code=codes,
    signer=built(SignerInfo),
    page_amount=maybe_whole,
    response_for=st.lists(answers, max_size=2).map(tuple),
)
messages = built(
    DocumentMessage,
    sender=organs,
    recipients=st.lists(organs, max_size=3).map(tuple),
    code=codes,
    promulgation_date=st.none() | st.dates(),
    signer=built(SignerInfo),
    page_amount=maybe_whole,
    response_for=st.lists(answers, max_size=2).map(tuple),
    claims=st.lists(built(Claim), max_size=2).map(tuple),
)
statuses = built(StatusMessage, sender=organs, response_for=answers)
attachments = st.lists(built(Attachment, blob=built(BlobRef)), max_size=3).map(tuple)
slip_recipients = st.lists(built(SlipRecipient), max_size=3).map(tuple)


@given(metadata)
def test_metadata_reads_back_whole(value: Metadata) -> None:
    assert codec.METADATA.decode(codec.METADATA.encode(value)) == value


@given(messages)
def test_a_document_message_reads_back_whole(value: DocumentMessage) -> None:
    assert codec.DOCUMENT_MESSAGE.decode(codec.DOCUMENT_MESSAGE.encode(value)) == value


@given(messages)
def test_a_message_that_was_stored_before_claims_were_kept_reads_back(value: DocumentMessage) -> None:
    members = json.loads(codec.DOCUMENT_MESSAGE.encode(value))
    del members["claims"]
    assert codec.DOCUMENT_MESSAGE.decode(json.dumps(members)) == replace(value, claims=())


@given(statuses)
def test_a_status_message_reads_back_whole(value: StatusMessage) -> None:
    assert codec.STATUS_MESSAGE.decode(codec.STATUS_MESSAGE.encode(value)) == value


@given(attachments, slip_recipients, st.lists(texts).map(tuple))
def test_lists_read_back_whole(
    files: tuple[Attachment, ...], recipients: tuple[SlipRecipient, ...], words: tuple[str, ...]
) -> None:
    assert codec.ATTACHMENTS.decode(codec.ATTACHMENTS.encode(files)) == files
    assert codec.SLIP_RECIPIENTS.decode(codec.SLIP_RECIPIENTS.encode(recipients)) == recipients
    assert codec.TEXTS.decode(codec.TEXTS.encode(words)) == words


def test_what_is_read_back_has_the_types_of_core() -> None:
    metadata = codec.METADATA.decode(codec.METADATA.encode(rows.metadata()))
    assert type(metadata.priority) is Priority
    assert type(metadata.recipients) is tuple
    assert type(metadata.promulgation_date) is date
    status = codec.STATUS_MESSAGE.decode(codec.STATUS_MESSAGE.encode(rows.status()))
    assert type(status.status) is BusinessStatus
    assert status.timestamp.utcoffset() == rows.NOW.utcoffset()


good = codec.METADATA.encode(rows.metadata())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        good[:-1],
        good.replace('"priority":2', '"priority":9'),
        good.replace('"page_amount":3', '"page_amount":"3"'),
        good.replace('"promulgation_date":"2026-11-21"', '"promulgation_date":"2026-13-21"'),
        good.replace('"subject"', '"subjekt"'),
    ],
)
def test_garbage_is_damage(text: str) -> None:
    assert text != good
    with pytest.raises(SiteError, match=r"store\.damaged"):
        codec.METADATA.decode(text)


def test_a_naive_instant_would_be_noticed() -> None:
    value = replace(rows.status(), sender=Organ(organ_id=OrganId("Z79")))
    naive = codec.STATUS_MESSAGE.encode(value).replace("09Z", "09")
    assert codec.STATUS_MESSAGE.decode(naive) != value
