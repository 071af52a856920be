"""There and back: whatever is written comes back, without a word of surprise, and is valid by our own schema."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.core.errors import SenderError
from gateway.core.message import DocumentMessage, Message
from gateway.edxml import Flavour, schema_faults, validate
from gateway.safe_xml import parse_signed
from tests.unit.edxml.models import as_read, documents, messages, statuses
from tests.unit.edxml.samples import KINDS, envelope, read, write_skeleton

SLOW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@SLOW
@given(documents(), st.lists(st.binary(max_size=50), max_size=2))
def test_every_document_comes_back(message: DocumentMessage, files: list[bytes]) -> None:
    assert validate(message) == ()
    reading = read(envelope(message, files))
    assert (reading.message, reading.findings) == (message, ())
    assert [file.payload.read() for file in reading.attachments] == files


@SLOW
@given(statuses)
def test_every_status_message_comes_back(message: Message) -> None:
    assert validate(message) == ()
    reading = read(write_skeleton(message, ()))
    assert (reading.message, reading.findings) == (message, ())


@settings(SLOW, max_examples=200)
@given(messages())
@example(KINDS["full"])
def test_any_message_comes_back_or_is_not_written(message: Message) -> None:
    """Whatever the types allow: what `validate` lets through is read as it was meant; what it does not is never written."""
    if validate(message):
        with pytest.raises(SenderError, match=r"request\.field"):
            write_skeleton(message, ())
        return
    data = write_skeleton(message, ())
    reading = read(data)
    assert (reading.message, reading.findings) == (as_read(message), ())
    assert schema_faults(parse_signed(data), Flavour.LAX) == ()
