"""Every field of the model has its place on the wire, and a violation is told by that place."""

import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, NoReturn, Union, cast, get_args, get_origin, get_type_hints

import pytest

from gateway.core.ids import OrganId
from gateway.core.message import DocumentMessage, Message, ResponseFor, StatusMessage
from gateway.core.model import Attachment
from gateway.edxml import validate
from gateway.edxml.remarks import counter
from gateway.edxml.wire import ATTACHED, WIRE, attached_path, wire_path
from tests.unit.edxml.samples import DOCUMENT, STATUS, attachments

NOT_ON_THE_WIRE = {(DocumentMessage, "claims")}


def nouns(kind: object) -> Iterator[type]:
    """The dataclasses that a type hint speaks of."""
    if get_origin(kind) in {Union, types.UnionType, tuple}:
        for one in get_args(kind):
            yield from nouns(one)
    elif isinstance(kind, type) and is_dataclass(kind):
        yield kind


def all_fields(kind: type) -> set[tuple[type, str]]:
    """Every field of a noun and of all nouns inside it."""
    found: set[tuple[type, str]] = set()
    for name, hint in get_type_hints(kind).items():
        found.add((kind, name))
        if (kind, name) not in NOT_ON_THE_WIRE:
            for one in nouns(hint):
                found |= all_fields(one)
    return found


@pytest.mark.parametrize("kind", [DocumentMessage, StatusMessage])
def test_every_field_of_a_message_has_its_place(kind: type) -> None:
    """All that `validate` can name, then, whatever it comes to check."""
    missing = {one for one in all_fields(kind) if one[1] not in WIRE.get(one[0], {})}
    assert missing - NOT_ON_THE_WIRE == set()


def test_every_field_of_a_file_that_is_written_has_its_place() -> None:
    kept_here = {"position", "blob", "seal"}  # of these nothing is written
    assert set(ATTACHED) == {field.name for field in fields(Attachment)} - kept_here


@pytest.mark.parametrize(
    ("message", "path", "wire"),
    [
        (DOCUMENT, "recipients", "MessageHeader/To"),
        (DOCUMENT, "recipients[1].name", "MessageHeader/To[2]/OrganName"),
        (DOCUMENT, "code.number", "MessageHeader/Code/CodeNumber"),
        (DOCUMENT, "business.kind", "TraceHeaderList/Bussiness/BussinessDocType"),
        (DOCUMENT, "response_for[1].document_id", "MessageHeader/ResponseFor[2]/DocumentId"),
        (STATUS, "response_for.document_id", "MessageHeader/ResponseFor/DocumentId"),
        (STATUS, "staff.mobile", "MessageHeader/StaffInfo/Mobile"),
    ],
)
def test_a_field_is_told_by_its_place(message: Message, path: str, wire: str) -> None:
    assert wire_path(message, path, lambda _: 2) == wire
    # Where the wire has more of them than the model nobody can tell which one it was.
    assert wire_path(message, path, lambda _: 3) == wire.replace("[2]", "")


def test_a_file_is_told_by_its_place() -> None:
    paths = ["Attachment[2]", "Attachment[1]"]
    assert attached_path(paths, "attachments") == "Attachment"
    assert attached_path(paths, "attachments[0].name") == "Attachment[2]/AttachmentName"


def worst(message: Message) -> Message:
    """Every text of it is too long, or the worst letter of all."""
    if isinstance(message, StatusMessage):
        return replace(message, description="\0" * 999, response_for=ResponseFor(organ_id=OrganId(""), document_id=""))
    return replace(
        message,
        document_id="",
        subject="\0",
        content="x" * 999,
        recipients=message.recipients * 2,
        document_type=9,
        promulgation_date=None,
        response_for=(ResponseFor(organ_id=OrganId(""), document_id=""),),
    )


@pytest.mark.parametrize("message", [DOCUMENT, STATUS])
def test_whatever_is_violated_has_a_place(message: Message) -> None:
    files = [replace(one, name="../x", content_type="") for one in attachments(b"x")]
    found = validate(worst(message), files)
    assert len(found) > 4
    for violation in found:
        if violation.path.startswith("attachments"):
            assert attached_path(["Attachment[1]"], violation.path).startswith("Attachment[1]/")
        else:
            assert "/" in wire_path(worst(message), violation.path, lambda _: 0)


def test_of_an_entry_of_a_list_nothing_is_counted() -> None:
    """Each of a hundred such paths would go through all elements of the file."""

    class Never:
        def __iter__(self) -> NoReturn:
            raise AssertionError

    assert (
        counter(cast("Any", Never()))("TraceHeaderList/Bussiness/ReplacementInfoList/ReplacementInfo[1]/OrganIdList")
        == 0
    )
