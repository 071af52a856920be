"""Free texts: whatever text a message has, today's and tomorrow's, is found, searched and shown."""

from dataclasses import dataclass, fields, replace
from datetime import date

from gateway.core.free_texts import free_texts, is_running, with_texts
from gateway.core.ids import OrganId
from gateway.core.message import Code, DocumentMessage, Organ, ResponseFor, SignerInfo, StaffInfo, StatusMessage
from gateway.core.model import Metadata
from gateway.core.secrecy import find_mark
from tests.unit.edxml.samples import DOCUMENT, FULL, REPLACEMENT, STATUS, UPDATE

METADATA = Metadata(
    sender=OrganId("Z79"),
    recipients=(OrganId("H29"),),
    code=Code(number="1", notation="CV"),
    promulgation_place="Huế",
    promulgation_date=date(2026, 11, 21),
    subject="V/v",
    response_for=(ResponseFor(organ_id=OrganId("H29"), document_id="x"),),
)


def every_path(value: DocumentMessage | StatusMessage | Metadata) -> list[str]:
    return [path for path, _ in free_texts(value)]


NOUNS = (
    (FULL, Organ, "sender"),
    (FULL, Organ, "recipients[0]"),
    (FULL, Code, "code"),
    (FULL, SignerInfo, "signer"),
    (FULL, StaffInfo, "business.staff[1]"),
    (STATUS, StaffInfo, "staff"),
)


def test_every_text_of_every_noun_inside_is_found() -> None:
    for message, noun, prefix in NOUNS:
        assert {f"{prefix}.{field.name}" for field in fields(noun)} <= set(every_path(message))
    found = set(every_path(FULL))
    assert {f"response_for[0].{name}" for name in ("organ_id", "document_id", "code")} <= found
    lists = {"to_places[1]", "appendixes[1]", "task_codes[1]", "hops[0].organ_id"}
    assert lists | {"business.reason", "business.document_id"} <= found
    assert "business.changes.receivers[1].organ_id" in every_path(UPDATE)
    replaced = {"business.replacements[0].document_id", "business.replacements[0].holders[1]"}
    assert replaced <= set(every_path(REPLACEMENT))
    texts = {field.name for field in fields(DocumentMessage) if field.type in (str, "str")}
    assert texts == {
        *("document_id", "promulgation_place", "type_name", "subject", "content", "sphere", "typist", "reply_fors"),
        *("reference_codes", "application_type"),
    }
    assert texts <= found


def test_a_mark_in_any_text_of_any_message_is_found() -> None:
    for value in (FULL, UPDATE, REPLACEMENT, STATUS, METADATA):
        for where in every_path(value):
            marked = with_texts(value, lambda path, text, where=where: "(Tối mật)" if path == where else text)  # type: ignore[misc]
            assert find_mark(*(text for _, text in free_texts(marked))) == "Tối mật", where


def test_a_field_that_is_added_one_day_is_found_too() -> None:
    @dataclass(frozen=True)
    class Tomorrow:
        remark: str
        older: tuple[SignerInfo, ...]

    value = Tomorrow(remark="a", older=(SignerInfo(position="b"),))
    assert dict(free_texts(value)) == {
        "remark": "a", "older[0].competence": "", "older[0].position": "b", "older[0].full_name": "",
    }  # fmt: skip


def test_nothing_but_texts_is_changed() -> None:
    assert with_texts(DOCUMENT, lambda _, text: text) == DOCUMENT
    assert with_texts(STATUS, lambda _, text: text).status is STATUS.status
    assert with_texts(replace(DOCUMENT, subject="a"), lambda _, text: text.upper()).subject == "A"


def test_running_text_is_known_by_its_name() -> None:
    assert is_running("content")
    assert is_running("description")
    assert not is_running("subject")
    assert not is_running("response_for[0].code")
