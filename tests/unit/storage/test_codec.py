import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from enum import EnumType
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import SiteError
from gateway.core.ids import OrganId
from gateway.core.message import ORDINARY, DocumentMessage, Organ, Priority, StatusMessage
from gateway.core.model import Attachment, Metadata, SlipRecipient
from gateway.core.states import BusinessStatus
from gateway.storage import codec
from tests.kit import rows

# Every text that UTF-8 can carry: a lone surrogate is no text, and no parser hands one over.
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
instants = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - as hypothesis wants them
STRATEGIES: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: st.integers(0, 2**63 - 1),
    bool: st.booleans(),
    date: st.dates(),
    datetime: instants,
    NoneType: st.none(),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that is stored."""
    kind = getattr(kind, "__supertype__", kind)
    if kind in STRATEGIES:
        return STRATEGIES[kind]
    if isinstance(kind, EnumType):
        return st.sampled_from(kind)
    if get_origin(kind) is tuple:
        return st.lists(values(get_args(kind)[0]), max_size=2).map(tuple)
    if isinstance(kind, UnionType):
        return st.one_of(*map(values, get_args(kind)))
    return built(kind)


def built(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Values of a dataclass with every field drawn, also those that have defaults."""
    return st.builds(kind, **{field.name: values(field.type) for field in fields(kind)})


metadata, messages, statuses = built(Metadata), built(DocumentMessage), built(StatusMessage)
attachments = st.lists(built(Attachment), max_size=3).map(tuple)
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


OLD_FIELDS = (
    *("sender", "recipients", "document_id", "code", "promulgation_place", "promulgation_date", "document_type"),
    *("type_detail", "type_name", "subject", "content", "signer", "priority", "page_amount", "response_for"),
    *("created_at", "claims"),
)
"""Of a document's message before it had them all."""


@given(messages)
def test_a_message_that_was_stored_with_fewer_fields_is_an_ordinary_new_document(value: DocumentMessage) -> None:
    members = json.loads(codec.DOCUMENT_MESSAGE.encode(value))
    read = codec.DOCUMENT_MESSAGE.decode(json.dumps({name: members[name] for name in OLD_FIELDS}))
    kept = {name: getattr(value, name) for name in OLD_FIELDS}
    assert read == DocumentMessage(**kept)
    assert (read.business, read.hops, read.steering_type, read.due_date) == (ORDINARY, (), None, None)


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
