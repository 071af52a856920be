"""What a desk finds wrong with fields, and how the door says it; names of files as the door hands them out."""

import pickle
from urllib.parse import unquote

import pytest

from gateway.api.answers import delivery_of
from gateway.api.files import content_disposition
from gateway.api.problems import ERRORS_MAX, FieldError, InvalidRequest, problem
from gateway.core.errors import SenderError
from gateway.core.fields import FieldFault, faults_of, wrong_fields
from tests.kit import rows

NAME = FieldFault(path="sender.name", code="field.organ_name", params={"organ": "Z79", "registered": "Thành ủy"})
LONG = FieldFault(path="recipients[3].address", code="field.too_long", params={"limit": 500, "actual": 501})


def test_every_fault_has_its_pointer_and_its_reason_in_both_languages() -> None:
    said = problem(wrong_fields([NAME, LONG]), instance="/x", trace_id="0" * 32)
    assert (said.status, said.code) == (422, "request.field")
    assert "sender.name, recipients[3].address" in said.detail
    assert [(one.pointer, one.code) for one in said.errors] == [
        ("/sender/name", "field.organ_name"),
        ("/recipients/3/address", "field.too_long"),
    ]
    name, long = said.errors
    assert "Z79: “Thành ủy”" in name.message_vi
    assert "Z79: “Thành ủy”" in name.message_en
    assert "500" in long.message_vi


def test_the_short_text_says_how_many_fields_it_does_not_name() -> None:
    faults = [FieldFault(path=f"recipients[{n}]", code="field.value") for n in range(7)]
    said = problem(wrong_fields(faults), instance="/x", trace_id="0" * 32)
    assert "recipients[4] và 2 mục khác" in said.messages.vi.what
    assert "recipients[4] and 2 more" in said.messages.en.what
    errors = [FieldError(pointer=f"/recipients/{n}", code="field.value") for n in range(1_000)]
    said = problem(InvalidRequest(errors), instance="/x", trace_id="0" * 32)
    assert (
        "(/recipients/0, /recipients/1, /recipients/2, /recipients/3, /recipients/4 and 995 more)"
        in said.messages.en.what
    )
    said = problem(InvalidRequest(errors[:5]), instance="/x", trace_id="0" * 32)
    assert "/recipients/4)" in said.messages.en.what


def test_who_only_asked_is_not_told_that_nothing_was_stored() -> None:
    for error in (
        InvalidRequest([FieldError(pointer="/query/limit", code="field.type")]),
        SenderError("request.malformed"),
    ):
        asked = problem(error, instance="/x", trace_id="0" * 32, reads=True)
        wrote = problem(error, instance="/x", trace_id="0" * 32)
        assert "stored" in wrote.messages.en.todo
        assert "được lưu" in wrote.todo
        assert "stored" not in asked.messages.en.todo
        assert "được lưu" not in asked.todo + asked.messages.vi.todo


def test_the_list_of_faults_is_bounded() -> None:
    faults = [FieldFault(path=f"recipients[{n}].name", code="field.value") for n in range(1_000)]
    said = problem(wrong_fields(faults), instance="/x", trace_id="0" * 32)
    assert len(said.errors) == ERRORS_MAX + 1
    assert said.errors[-1].code == "field.more"
    assert len(said.detail) < 400


def test_faults_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(wrong_fields([NAME, LONG])))
    assert faults_of(error) == (NAME, LONG)
    assert faults_of(SenderError("request.field", field="organ_id")) == ()


def test_an_error_of_a_desk_without_faults_lists_none() -> None:
    assert problem(SenderError("file.empty", file="a"), instance="/x", trace_id="0" * 32).errors == ()


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ('a"; filename="b.exe', "a__ filename=_b.exe"),
        ("a\r\nSet-Cookie: x", "a__Set-Cookie_ x"),
        ("a\u200b\u3164\U000e0041.pdf", "a___.pdf"),
        ("a\ud800.pdf", "a_.pdf"),
        ("../a.pdf", "_a.pdf"),
        ("\u202e", "_"),
        (" .. ", "file"),
    ],
)
def test_a_name_says_one_thing_in_the_header_of_a_download(name: str, plain: str) -> None:
    said = content_disposition(name)
    assert said.startswith(f"attachment; filename=\"{plain}\"; filename*=UTF-8''")
    assert said.isascii()
    assert said.isprintable()


def test_a_name_that_no_file_system_holds_is_shortened_and_keeps_its_extension() -> None:
    said = content_disposition("ệ" * 496 + ".pdf")
    name = unquote(said.partition("filename*=UTF-8''")[2])
    assert len(name.encode()) <= 255
    assert name.endswith("ệ.pdf")
    assert len(said) < 2_000


def test_a_code_that_only_the_peer_knows_is_shown_harmless() -> None:
    shown = delivery_of(rows.delivery(rows.document(), reason="x\u202ey\n"))
    assert shown.reason is not None
    assert shown.reason.code == "x[U+202E]y[U+000A]"
