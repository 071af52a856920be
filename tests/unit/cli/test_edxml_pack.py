"""`gateway edxml pack`: a form and files become a file, or everything that is wrong is told and nothing is left."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.edxml import making, meta
from gateway.cli.edxml.faults import FAULTS_TOLD
from gateway.cli.edxml.form import Form
from gateway.cli.edxml.meta import DocumentForm, StatusForm, form_of, read_form
from gateway.core.message import DocumentMessage, StatusMessage
from gateway.edxml import read_message
from gateway.safe_xml import AT_HAND, read_skeleton
from tests.unit.cli.envelopes import META, PDF, Capture, left_in, packed, told, written
from tests.unit.cli.schemas import SCHEMAS
from tests.unit.cli.world import stdin
from tests.unit.edxml import samples

KINDS = ("new", "revoke", "update", "replace", "status")


def read(path: Path) -> Any:
    return read_message(read_skeleton([path.read_bytes()], caps=AT_HAND))


def test_a_form_and_its_files_become_a_file(tmp_path: Path, capsys: Capture) -> None:
    files = [written(tmp_path, "công văn.pdf", PDF), written(tmp_path, "phụ lục.bin", b"\0\1\2")]
    form = written(tmp_path, "a.toml", META)
    made = told(capsys, "edxml", "pack", form, *files, "-o", tmp_path / "a.edxml")
    assert made["size"] == (tmp_path / "a.edxml").stat().st_size
    assert made["document_id"] == "Z79.VPTU,2026/11/20,12/CV/VPTU"
    reading = read(tmp_path / "a.edxml")
    assert [(one.name, one.content_type, one.payload.read(), one.bound) for one in reading.attachments] == [
        ("công văn.pdf", "application/pdf", PDF, True),
        ("phụ lục.bin", "application/octet-stream", b"\0\1\2", True),
    ]
    assert reading.message.subject == "Về việc họp giao ban"
    assert [organ.organ_id for organ in reading.message.recipients] == ["Z79.UB.25747", "Z79.DU.25747"]
    assert left_in(tmp_path) == sorted(["a.edxml", "a.toml", *(file.name for file in files)])


def test_the_same_form_is_the_same_file(tmp_path: Path, capsys: Capture) -> None:
    letter = written(tmp_path, "a.pdf", PDF)
    one, other = (packed(tmp_path, capsys, letter, name=f"{name}.edxml") for name in "ab")
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_example_packs_as_it_is(kind: str, language: str, tmp_path: Path, capsys: Capture) -> None:
    assert main(["edxml", "pack", "--template", "--kind", kind, "--lang", language]) == 0
    example = capsys.readouterr().out
    assert all(line.startswith("#") for line in example.splitlines()[:2])
    files = [] if kind == "status" else [written(tmp_path, "a.pdf", PDF)]
    message = read(packed(tmp_path, capsys, *files, meta=example)).message
    if isinstance(message, DocumentMessage):
        assert message.business.kind.name.lower() == kind
    else:
        assert kind == "status"


def test_the_examples_show_every_field_of_a_form_or_name_it(capsys: Capture) -> None:
    """Those of the vendor, and what other systems add, aside."""
    main(["edxml", "pack", "--template", "--kind", "update"])
    shown = capsys.readouterr().out
    hidden = {"type", "hops", "direction", "reply_fors", "reference_codes", "task_codes", "application_type"}
    hidden |= {"sphere", "typist", "response_for"}
    assert [name for name in DocumentForm.model_fields if name not in hidden and name not in shown] == []


def test_an_example_as_json(capsys: Capture) -> None:
    assert "[sender]" in told(capsys, "edxml", "pack", "--template")["toml"]


# --- the form ------------------------------------------------------------------------------------------------------------


def forms(kind: type[Form]) -> Iterator[type[Form]]:
    yield kind
    for field in kind.model_fields.values():
        found = [field.annotation, *getattr(field.annotation, "__args__", ())]
        for one in found:
            if isinstance(one, type) and issubclass(one, Form):
                yield from forms(one)


@pytest.mark.parametrize("form", sorted({*forms(DocumentForm), *forms(StatusForm)}, key=lambda one: one.__name__))
def test_a_form_has_every_field_of_its_noun(form: type[Form]) -> None:
    """A field that is added to the model is missed here."""
    assert {field.name for field in fields(form.noun)} - {"claims"} == form.model_fields.keys() - {"type"}


@pytest.mark.parametrize("message", [samples.DOCUMENT, samples.STATUS])
def test_a_message_goes_round(message: DocumentMessage | StatusMessage) -> None:
    form = read_form(json.dumps(form_of(message)).encode(), json_named=True)
    assert form.message(samples.DOCUMENT.created_at) == message


def test_toml_and_json_say_the_same(tmp_path: Path, capsys: Capture) -> None:
    as_json = json.dumps(form_of(read(packed(tmp_path, capsys)).message), ensure_ascii=False)
    one = packed(tmp_path, capsys, name="b.edxml")
    other = packed(tmp_path, capsys, meta="\ufeff " + as_json, name="c.edxml")
    assert one.read_bytes() == other.read_bytes()


def test_a_form_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    stdin(monkeypatch, META.encode())
    assert main(["edxml", "pack", "-", "-o", str(tmp_path / "b.edxml")]) == 0
    assert (tmp_path / "b.edxml").read_bytes() == packed(tmp_path, capsys).read_bytes()


@pytest.mark.parametrize("day", ["2026-11-20", '"2026-11-20"', '"20/11/2026"', '"2026/11/20"'])
def test_a_day_as_anybody_writes_it(day: str, tmp_path: Path, capsys: Capture) -> None:
    made = packed(tmp_path, capsys, meta=META.replace("2026-11-20\n", f"{day}\n"))
    assert made.read_bytes() == packed(tmp_path, capsys, name="b.edxml").read_bytes()


# --- what is wrong -------------------------------------------------------------------------------------------------------


def refused(tmp_path: Path, capsys: Capture, form: str, *more: str, code: int = 2, name: str = "a.toml") -> Any:
    out = tmp_path / "out.edxml"
    before = left_in(tmp_path)
    found = told(capsys, "edxml", "pack", written(tmp_path, name, form), *more, "-o", out, code=code)
    assert set(left_in(tmp_path)) == {*before, name}
    return found["error"]


def test_every_field_of_a_wrong_type_is_told_at_once(tmp_path: Path, capsys: Capture) -> None:
    error = refused(
        tmp_path,
        capsys,
        """
sender = { organ_id = 1, colour = "red" }
recipients = ["Z79", { name = 2 }]
priority = "fast"
copies = true
promulgation_date = "30/02/2026"
created_at = 2026-11-20T08:30:00
due_date = 3
subject = ["x"]
business = { kind = 1, paper = "no" }
nothing = 1
""",
    )
    assert {field["path"]: field["code"] for field in error["fields"]} == {
        "sender.organ_id": "why.string_type",
        "sender.colour": "cli.edxml.meta.unknown",
        "recipients[1].name": "why.string_type",
        "priority": "why.enum",
        "copies": "why.int_type",
        "promulgation_date": "field.date",
        "created_at": "why.timezone_aware",
        "due_date": "field.date",
        "subject": "why.string_type",
        "business.kind": "why.enum",
        "business.paper": "why.bool_type",
        "nothing": "cli.edxml.meta.unknown",
        "code.number": "field.required",
        "code.notation": "field.required",
    }
    assert "very_urgent" in next(field["message_en"] for field in error["fields"] if field["path"] == "priority")
    assert error["code"] == "cli.edxml.form"


def test_everything_that_the_regulation_does_not_allow_is_told_at_once(tmp_path: Path, capsys: Capture) -> None:
    long = written(tmp_path, "a" * 10 + ".pdf", PDF)
    error = refused(tmp_path, capsys, f'recipients = ["Z79", "Z79"]\nsubject = "{"x" * 501}"\n', str(long))
    assert {field["path"]: field["code"] for field in error["fields"]} == {
        "sender.organ_id": "field.required",
        "recipients[1].organ_id": "field.duplicate",
        "code.number": "field.required",
        "code.notation": "field.required",
        "promulgation_date": "field.required",
        "subject": "field.too_long",
    }
    assert main(["edxml", "pack", str(tmp_path / "a.toml"), "-o", str(tmp_path / "b"), "--lang", "vi"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Lỗi: Có 6 mục chưa hợp lệ trong")
    assert "  sender.organ_id: Thiếu thông tin bắt buộc." in said
    assert "  subject: Quá dài: tối đa 500." in said
    assert len(said) == 3 + 6


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ('subject = "(Mật) Về việc họp giao ban"', "subject"),
        ('content = "Độ mật: Tối mật"', "content"),
        ('appendixes = ["Phụ lục 1", "Tuyệt mật"]', "appendixes[1]"),
        ('[business]\nreason = "TỐI MẬT"', "business.reason"),
    ],
)
def test_what_bears_a_mark_of_secrecy_is_not_written(change: str, path: str, tmp_path: Path, capsys: Capture) -> None:
    meta = "\n".join(line for line in META.splitlines() if not line.startswith("subject")) + '\nsubject = "Về việc họp"'
    meta = meta.replace('\nsubject = "Về việc họp"', "") if change.startswith("subject") else meta
    form, letter = written(tmp_path, "a.toml", f"{meta}\n{change}\n"), written(tmp_path, "a.pdf", PDF)
    error = told(capsys, "edxml", "pack", form, letter, "-o", tmp_path / "a.edxml", code=2)["error"]
    assert [(field["path"], field["code"]) for field in error["fields"]] == [(path, "field.secrecy")]
    assert left_in(tmp_path) == ["a.pdf", "a.toml"]


def test_nor_is_what_has_a_file_of_such_a_name(tmp_path: Path, capsys: Capture) -> None:
    form, letter = written(tmp_path, "a.toml", META), written(tmp_path, "Tối mật.pdf", PDF)
    error = told(capsys, "edxml", "pack", form, letter, "-o", tmp_path / "a.edxml", code=2)["error"]
    assert [(field["path"], field["code"]) for field in error["fields"]] == [("attachments[0].name", "field.secrecy")]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.toml", "subject = \n"),
        ("a.toml", "[sender]\n[sender]\n"),
        ("a.json", "subject = 'x'"),
        ("a.toml", '{"subject": "x", "subject": "y"}'),
        ("a.toml", "{" * 5),
        ("a.json", '{"a":' * 100_000),
        ("a.toml", b"\xff\xfe"),
    ],
)
def test_what_is_neither_toml_nor_json(name: str, form: str, tmp_path: Path, capsys: Capture) -> None:
    assert refused(tmp_path, capsys, form, name=name)["code"] == "cli.edxml.unreadable"


@pytest.mark.parametrize("form", ["[]", "3", '"x"', "null"])
def test_json_that_is_no_form(form: str, tmp_path: Path, capsys: Capture) -> None:
    assert refused(tmp_path, capsys, form, name="a.json")["fields"][0]["code"] == "why.model_type"


def test_a_status_message_carries_no_files(tmp_path: Path, capsys: Capture) -> None:
    letter = written(tmp_path, "a.pdf", PDF)
    main(["edxml", "pack", "--template", "--kind", "status"])
    error = refused(tmp_path, capsys, capsys.readouterr().out, str(letter))
    assert error["code"] == "cli.edxml.status_files"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("edxml", "pack"), "cli.usage.missing"),
        (("edxml", "pack", "{meta}"), "cli.usage.missing"),
        (("edxml", "pack", "{meta}", "--kind", "revoke", "-o", "{out}"), "cli.usage.missing"),
        (("edxml", "pack", "--template", "{meta}"), "cli.usage.extra"),
        (("edxml", "pack", "--template", "-o", "{out}"), "cli.usage.extra"),
        (("edxml", "pack", "{meta}", "-", "-o", "{out}"), "cli.edxml.file_stdin"),
        (("edxml", "pack", "{meta}", "-o", "-"), "cli.edxml.json_output"),
    ],
)
def test_lines_that_mean_nothing(line: tuple[str, ...], code: str, tmp_path: Path, capsys: Capture) -> None:
    form = written(tmp_path, "a.toml", META)
    words = [word.format(meta=form, out=tmp_path / "out.edxml") for word in line]
    assert told(capsys, *words, code=2)["error"]["code"] == code
    assert left_in(tmp_path) == ["a.toml"]


# --- the file that is written --------------------------------------------------------------------------------------------


def test_a_file_that_is_there_is_left_alone_unless_forced(tmp_path: Path, capsys: Capture) -> None:
    form, out = written(tmp_path, "a.toml", META), written(tmp_path, "a.edxml", "mine")
    assert told(capsys, "edxml", "pack", form, "-o", out, code=7)["error"]["code"] == "cli.exists"
    assert out.read_bytes() == b"mine"
    told(capsys, "edxml", "pack", form, "-o", out, "--force")
    assert out.read_bytes().startswith(b"<?xml")
    assert left_in(tmp_path) == ["a.edxml", "a.toml"]


def test_standard_output(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    form, letter = written(tmp_path, "a.toml", META), written(tmp_path, "a.pdf", PDF)
    assert main(["edxml", "pack", str(form), str(letter), "-o", "-"]) == 0
    out = capsysbinary.readouterr().out
    assert out.endswith(b"</edXML>\n")
    assert base64.b64encode(PDF) in out
    assert left_in(tmp_path) == ["a.pdf", "a.toml"]


def test_a_device_is_written_and_not_replaced(tmp_path: Path, capsys: Capture) -> None:
    form = written(tmp_path, "a.toml", META)
    assert main(["edxml", "pack", str(form), "-o", "/dev/null", "--force"]) == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("after", [b"%PDF-1.7\nMOT hai ba", PDF + b" bon", PDF[:-1], b""])
def test_a_file_that_changes_meanwhile_leaves_nothing(
    force: bool, after: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    form, letter = written(tmp_path, "a.toml", META), written(tmp_path, "a.pdf", PDF)
    before = {"a.pdf", "a.toml"}
    if force:
        written(tmp_path, "out.edxml", "mine")
        before.add("out.edxml")
    write_skeleton = making.write_skeleton

    def meanwhile(*given: Any) -> bytes:
        letter.write_bytes(after)
        return write_skeleton(*given)

    monkeypatch.setattr(making, "write_skeleton", meanwhile)
    forced = ["--force"] if force else []
    error = told(capsys, "edxml", "pack", form, letter, "-o", tmp_path / "out.edxml", *forced, code=7)["error"]
    assert error["code"] == "cli.edxml.changed"
    assert "a.pdf" in error["what_en"]
    assert set(left_in(tmp_path)) == before
    assert not force or (tmp_path / "out.edxml").read_bytes() == b"mine"


def test_a_file_that_the_gateway_would_not_take_is_remarked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("gateway.cli.edxml.pack.FILE_BYTES_MAX", 5)
    form, letter = written(tmp_path, "a.toml", META), written(tmp_path, "a.pdf", PDF)
    assert main(["edxml", "pack", str(form), str(letter), "-o", str(tmp_path / "a.edxml")]) == 0
    assert "lớn hơn mức cổng này nhận" in capsys.readouterr().err
    monkeypatch.setattr("gateway.cli.edxml.pack.HAND_FILE_BYTES_MAX", 5)
    error = told(capsys, "edxml", "pack", form, letter, "-o", tmp_path / "b.edxml", code=1)["error"]
    assert error["code"] == "cli.edxml.too_large"
    assert "b.edxml" not in left_in(tmp_path)


def test_a_form_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr("gateway.cli.edxml.pack.META_BYTES_MAX", 10)
    assert refused(tmp_path, capsys, META, code=1)["code"] == "size.limit"
    assert meta.META_BYTES_MAX > 1_000_000


def test_the_documented_forms_have_the_same_fields() -> None:
    names = {"DocumentForm": "document", "StatusForm": "status_message"}
    for form in {*forms(DocumentForm), *forms(StatusForm)}:
        name = names.get(form.__name__) or re.sub("(?<=.)([A-Z])", r"_\1", form.__name__).lower()
        assert SCHEMAS["$defs"][f"edxml_{name}"]["properties"].keys() == form.model_fields.keys(), name


@pytest.mark.parametrize(
    ("name", "form", "reason"),
    [
        ("a.toml", "a." * 100 + "a = 1", "a key of too many steps"),
        ("a.toml", "[" + "'a' . " * 100 + "a]", "a key of too many steps"),
        ("a.json", '{"recipients": [' + "1," * 200_000 + "1]}", "more than 200000 values"),
        ("a.json", '{"a":' * 20 + "1" + "}" * 20, "more than 16 levels"),
    ],
)
def test_a_form_larger_than_any_is_not_even_judged(
    name: str, form: str, reason: str, tmp_path: Path, capsys: Capture
) -> None:
    error = told(capsys, "edxml", "pack", written(tmp_path, name, form), "-o", tmp_path / "a.edxml", code=2)["error"]
    assert error["code"] == "cli.edxml.unreadable"
    assert reason in error["detail"]


def test_of_very_many_faults_the_first_are_told_and_all_are_counted(tmp_path: Path, capsys: Capture) -> None:
    form = written(tmp_path, "a.json", json.dumps({f"a{number}": 1 for number in range(2_000)}))
    error = told(capsys, "edxml", "pack", form, "-o", tmp_path / "a.edxml", code=2)["error"]
    assert len(error["fields"]) == FAULTS_TOLD
    assert "count=2006" in error["detail"], "with the six that are required"


def test_a_long_text_with_dots_is_no_long_key(tmp_path: Path, capsys: Capture) -> None:
    packed(tmp_path, capsys, meta=META.replace("Về việc họp giao ban", "Về " + "." * 60 + " 1. 2. 3. a.b.c"))
