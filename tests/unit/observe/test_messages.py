import re
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

import gateway
from gateway.api.openapi import field_id, schemas
from gateway.cli.errors import AT_HAND, FAILURES
from gateway.cli.grammar import ROWS
from gateway.config import KINDS
from gateway.core.amendments import AmendmentKind
from gateway.core.directory import BodyStatus
from gateway.core.errors import CATALOGUE, Turn
from gateway.core.events import EventKind
from gateway.core.health import FINDINGS, TIMEOUT, Check, Health
from gateway.core.message import Priority
from gateway.core.owed import TimestampState
from gateway.core.reasons import OS_WORDS, Reason, Reasons, because, of_os
from gateway.core.states import (
    AmendmentState,
    BusinessStatus,
    DeliveryState,
    DocumentState,
    Evidence,
    MessageKind,
    Outcome,
    TransferState,
)
from gateway.core.validation import Indication, SubIndication
from gateway.crypto import ROLES, Kept
from gateway.edxml import CODES, Severity
from gateway.edxml.archive import ArchiveFault
from gateway.evidence import NextStep
from gateway.observe import Text, explain, label, text
from gateway.observe.messages import COUNTS, LANGUAGES, LOCALES, PLACEHOLDER, SIZES
from gateway.safe_xml import Refusal

SOURCES = [path.read_text("utf-8") for path in Path(gateway.__file__).parent.rglob("*.py")]


def reasons(code: str, verb: str) -> set[str]:
    """Every one-word reason that this error is raised with, or by the reader's verb for it; `mangled` is only noted."""
    raised = rf'SenderError\("{re.escape(code)}", reason="([a-z_]+)"|\.{verb}\("([a-z0-9_]+)"'
    return {word for text in SOURCES for found in re.findall(raised, text) for word in found if word} - {"mangled"}


LABELS = {
    f"label.{family}.{value}"
    for family, values in {
        "document": [state.value for state in DocumentState],
        "delivery": [state.value for state in DeliveryState],
        "transfer": [state.value for state in TransferState],
        "business": [status.value for status in BusinessStatus],
        "amendment": [state.value for state in AmendmentState],
        "amendment.kind": [kind.value for kind in AmendmentKind],
        "evidence": [evidence.value for evidence in Evidence],
        "outcome": [outcome.value for outcome in Outcome],
        "kind": [kind.value for kind in MessageKind],
        "priority": [priority.name.lower() for priority in Priority],
        "body": [status.value for status in BodyStatus],
        "sub_indication": [found.value for found in SubIndication],
        "indication": [*(indication.value for indication in Indication), "none"],
        "check": [check.value for check in Check],
        "event": [kind.value for kind in EventKind],
        "timestamp": ["none", *(state.value for state in TimestampState)],
        "turn": [turn.value for turn in Turn],
        "severity": [severity.value for severity in Severity],
        "trust": ROLES,
        "fetch": [*(kept.value for kept in Kept), "failed"],
        "archive": [fault.value for fault in ArchiveFault],
        "envelope.malformed": {*Refusal, *reasons("envelope.malformed", "malformed")},
        "envelope.signature": {"unsigned", "other_certificate"},
        "envelope.attachments": reasons("envelope.attachments", "attachment"),
    }.items()
    for value in values
}
MEMBERS = {field_id(model, member) for model, schema in schemas().items() for member in schema.get("properties", {})}
"""What the API's reference says of every member of every model."""
FOUND = {TIMEOUT: Health.FAIL, **FINDINGS}
EXPLAINED = {name for code in CATALOGUE for name in (code, f"{code}.todo")} | {
    name for code, health in FOUND.items() for name in ([code] if health is Health.OK else [code, f"{code}.todo"])
}
EXPLAINED |= {name for code in CODES for name in (f"edxml.finding.{code}", f"edxml.finding.{code}.todo")}
EXPLAINED |= {name for code in AT_HAND for name in (f"cli.hand.{code}", f"cli.hand.{code}.todo")}
REASONS = {
    f"why.{word}"
    for word in OS_WORDS.union(
        KINDS,
        *(
            re.findall(r'\b(?:because|wrong)\(\s*"([a-z_]+)"', path.read_text("utf-8"))
            for path in Path(gateway.__file__).parent.rglob("*.py")
        ),
    )
}
COMMANDS = {f"cli.{kind}.{row.id}" for row in ROWS for kind in ("help", "example")}
COMMANDS |= {f"cli.help.{row.group}" for row in ROWS} | {"cli.example.gateway"} | {f"{name}.todo" for name in FAILURES}


def folder(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES"


def source(language: str) -> Catalog:
    with (folder(language) / "gateway.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def texts(catalog: Catalog) -> dict[str, str]:
    return {name: words for name, forms in all_forms(catalog).items() for words in forms[-1:]}


def all_forms(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Every form of each text; the last one is that of many."""
    found: dict[str, tuple[str, ...]] = {}
    for message in catalog:
        if message.id:
            several = not isinstance(message.id, str)
            found[message.id[0] if several else str(message.id)] = (
                tuple(message.string) if several else (message.string,)
            )
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_the_source(language: str) -> None:
    fresh = BytesIO()
    write_mo(fresh, source(language))
    fresh.seek(0)
    with (folder(language) / "gateway.mo").open("rb") as committed:
        assert texts(read_mo(committed)) == texts(read_mo(fresh)), "run `make catalogue`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_id_stands_twice(language: str) -> None:
    """The compiler keeps the last of them, in silence: a reason of the configuration once spoke for a refusal."""
    ids = re.findall(r'^msgid "(.+)"$', (folder(language) / "gateway.po").read_text("utf-8"), flags=re.MULTILINE)
    assert [name for name in sorted(set(ids)) if ids.count(name) > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_and_every_state_has_its_words(language: str) -> None:
    known = texts(source(language))
    assert known.keys() >= EXPLAINED | LABELS | REASONS
    assert [name for name, words in known.items() if not words.strip()] == []


def test_no_text_is_idle() -> None:
    """An id is an error code, a label of a vocabulary, or stands literally in the program."""
    program = "\n".join(path.read_text("utf-8") for path in Path(gateway.__file__).parent.rglob("*.py"))
    named = set(re.findall(r"[\"'](?:label\.)?([a-z_]+(?:\.[a-z0-9_]+)+)[\"']", program))
    words = {name for name in texts(source("vi")) if name.startswith("label.what.")}
    checks = {f"check.{name}" for name in named}  # a verifier names its duties without the prefix
    refusals = {f"{name}.todo" for name in named if name.startswith("cli.queue.no")}  # `Refusal.said`
    reports = of_reports(texts(source("vi")).keys()) | {f"cli.verify.todo.{step}" for step in NextStep}
    idle = (
        texts(source("vi")).keys()
        - EXPLAINED
        - LABELS
        - REASONS
        - MEMBERS
        - COMMANDS
        - named
        - words
        - checks
        - reports
        - refusals
    )
    assert idle == set()


def of_reports(ids: Iterable[str]) -> set[str]:
    """Ids of verification reports: what stands behind `verification.`, or its last word, is a word of the program."""
    program = "\n".join(path.read_text("utf-8") for path in Path(gateway.__file__).parent.rglob("*.py"))
    said = set(re.findall(r"[\"`]([A-Za-z0-9_.-]+)[\"`]", program))
    found = set()
    for name in ids:
        head, _, tail = name.removeprefix("label.").partition(".")
        if head == "verification" and {tail, tail.rpartition(".")[2]} & said:
            found.add(name)
    return found


def test_both_languages_say_the_same_things_about_the_same_things() -> None:
    vi, en = texts(source("vi")), texts(source("en"))
    assert vi.keys() == en.keys()
    for name in vi:
        assert sorted(PLACEHOLDER.findall(vi[name])) == sorted(PLACEHOLDER.findall(en[name])), name
        stripped = PLACEHOLDER.sub("", vi[name]) + PLACEHOLDER.sub("", en[name])
        assert "{" not in stripped, name
        assert "}" not in stripped, name


def test_one_and_many_are_two_texts_about_the_same_things() -> None:
    """A trial: `1 things have to be mended`."""
    for language in LANGUAGES:
        for name, forms in all_forms(source(language)).items():
            assert {tuple(sorted(PLACEHOLDER.findall(form))) for form in forms} == {
                tuple(sorted(PLACEHOLDER.findall(forms[-1])))
            }, name
            counts = set(PLACEHOLDER.findall(forms[-1])) & {*COUNTS, "size"}
            assert len(forms) == 1 or counts, f"{name} counts nothing"
    assert [text("cli.doctor.fail", {"count": count}).en for count in (1, 2)] == [
        "1 thing has to be mended.",
        "2 things have to be mended.",
    ]
    assert text("cli.doctor.fail", {"count": "1"}).vi == "Có 1 điều phải sửa."
    assert text("probe.queue.dead", {"count": "1"}).en.startswith("1 item was")
    assert text("probe.queue.dead", {"count": "11"}).en.startswith("11 items were")
    assert text("probe.queue.dead", {}).en.startswith("unknown items were")


def test_english_counts_one_thing_apart() -> None:
    """What begins with a count, or counts in its middle, has a form for one."""
    for name, forms in all_forms(source("en")).items():
        if re.search(r"\{(count|seconds)\} [a-z]+s\b", forms[-1]):
            assert len(forms) == 2, name


def test_an_explanation_is_whole_in_both_languages() -> None:
    found = explain("recipient.closed", {"organ": "H29.16", "successor": "H29.99"})
    assert found.what_vi == "Mã định danh nơi nhận (H29.16) đã đóng (cơ quan kế thừa: H29.99)."
    assert found.what_en.startswith("The recipient's identification code (H29.16) is closed")
    assert found.todo_vi
    assert found.todo_en


def test_a_detail_that_is_not_given_is_left_out() -> None:
    assert explain("peer.unreachable", {"peer": ""}).what_vi == "Mất kết nối với cổng bên kia."
    assert explain("recipient.closed", {"organ": "H29"}).what_vi == "Mã định danh nơi nhận (H29) đã đóng."
    assert text("field.too_long", {}).vi == "Quá dài: tối đa không rõ."


def test_every_text_of_an_error_is_whole_without_its_parameters() -> None:
    for code in CATALOGUE:
        said = explain(code)
        for words in (said.what_vi, said.todo_vi, said.what_en, said.todo_en):
            assert not re.search(r"không rõ|unknown|[{}]|\(\)|: \.| \.|  ", words), (code, words)


def test_our_own_words_inside_a_text_are_translated_too() -> None:
    assert "phần metadata" in explain("size.limit", {"what": "metadata", "limit": 10}).what_vi
    assert "Đã tiếp nhận" in explain("conflict.state", {"state": BusinessStatus.ACCEPTED}).what_vi


def test_a_parameter_cannot_forge_lines_or_run_code() -> None:
    hostile = "a\r\nb\x1b[2J\u202ec{limit}{0.__class__}\u2028" + "x" * 5_000
    found = explain("file.empty", {"file": hostile}).what_vi
    assert not re.search("[\x00-\x1f\x7f\u2028\u202e]", found)
    assert "{limit}{0.__class__}" in found
    assert len(found) < 500


@pytest.mark.parametrize("code", CODES)
def test_a_finding_s_text_is_whole_without_its_parameters(code: str) -> None:
    for name in (f"edxml.finding.{code}", f"edxml.finding.{code}.todo"):
        for words in (text(name).vi, text(name).en):
            assert not re.search(r"không rõ$|unknown$|[{}]|\(\)|: \.| \.|  ", words), (name, words)


def test_the_reason_of_a_finding_is_in_the_reader_s_language() -> None:
    said = text("edxml.finding.attachment.archive", {"reason": "zip_ratio", "limit": 100})
    assert said.vi.startswith(
        "Không mở tệp ZIP bọc ngoài vì không an toàn (tỷ lệ nén quá cao, nghi là bom nén) (giới hạn: 100)"
    )
    assert "(a ZIP within a ZIP);" in text("edxml.finding.attachment.archive", {"reason": "zip_nesting"}).en


def test_a_label_is_the_word_on_a_screen() -> None:
    assert label("business.03") == Text(vi="Đã tiếp nhận", en="Accepted by the recipient")
    assert label("delivery.queued").vi == "Chờ gửi"


def test_an_unknown_id_is_our_mistake() -> None:
    with pytest.raises(KeyError):
        text("no.such.text")


def test_a_reason_inside_a_text_is_told_in_the_language_around_it() -> None:
    inner = because("at", key="peer.port", reason=because("less_than_equal", le=65535))
    said = explain("config.invalid", {"path": "gateway.toml", "reason": Reasons((inner, because("enoent")))})
    assert said.what_vi == (
        "Cấu hình không hợp lệ (gateway.toml: peer.port: phải từ 65535 trở xuống; không có tệp hoặc thư mục này)."
    )
    assert "must be at most 65535; there is no such file" in said.what_en
    assert str(inner) == "at key=peer.port reason=less_than_equal le=65535"  # the log's words


def test_a_whole_message_can_be_a_reason() -> None:
    why = Reason("config.restart", {"path": "office_api.host"})
    assert "chỉ có hiệu lực khi khởi động lại (office_api.host)" in text("probe.reload.refused", {"reason": why}).vi


def test_an_error_number_without_words_keeps_the_system_s_own() -> None:
    assert of_os(FileNotFoundError(2, "x")) == because("enoent")
    assert text("why.other", of_os(OSError(33, "Numerical argument")).params).vi == (
        "không dùng được (Numerical argument)"
    )


@pytest.mark.parametrize("word", sorted(reasons("envelope.malformed", "malformed") | set(Refusal)))
def test_why_an_envelope_is_malformed_is_told_in_the_reader_s_language(word: str) -> None:
    said = explain("envelope.malformed", {"reason": word})
    assert f": {label(f'envelope.malformed.{word}').vi})" in said.what_vi
    assert f": {word})" not in said.what_vi + said.what_en


def test_one_word_is_told_of_each_error_in_its_own_way() -> None:
    header, files = (explain(f"envelope.{what}", {"reason": "missing"}) for what in ("malformed", "attachments"))
    assert "thiếu phần tử bắt buộc" in header.what_vi
    assert "bản kê nêu một tệp mà gói tin không có" in files.what_vi


@pytest.mark.parametrize(
    ("limit", "vi", "en"),
    [
        (31_457_280, "tối đa 30 MiB)", "at most 30 MiB)"),
        (1_572_864, "tối đa 1,5 MiB)", "at most 1.5 MiB)"),
        ("262144", "tối đa 256 KiB)", "at most 256 KiB)"),
        (2 * 2**30, "tối đa 2 GiB)", "at most 2 GiB)"),
        (10, "tối đa 10 byte)", "at most 10 bytes)"),
        ("many", "tối đa many)", "at most many)"),
    ],
)
def test_sizes_are_told_as_people_read_them(limit: object, vi: str, en: str) -> None:
    said = explain("size.limit", {"what": "file", "limit": limit})
    assert vi in said.what_vi
    assert en in said.what_en


def test_every_text_whose_limit_counts_bytes_is_named() -> None:
    """One with a unit of its own behind the number would say it twice, or in bytes."""
    for name in SIZES:
        told_of = text(name, {"limit": 2**20, "what": "file", "name": "a.pdf", "path": "a.pdf"})
        for told in (told_of.vi, told_of.en):
            assert "1 MiB" in told
            assert "byte" not in told


@pytest.mark.parametrize("sub", list(SubIndication))
@pytest.mark.parametrize("code", ["envelope.signature", "envelope.undecided", "seal.broken", "seal.undecided"])
def test_a_sub_indication_is_told_in_words(code: str, sub: SubIndication) -> None:
    said = explain(code, {"file": "a.pdf", "reason": str(sub)})
    assert str(sub) not in said.what_vi + said.what_en
    assert label(f"sub_indication.{sub}").vi in said.what_vi


@pytest.mark.parametrize("word", ["unsigned", "other_certificate"])
def test_our_own_reasons_against_an_envelopes_signature_are_told_in_words(word: str) -> None:
    said = explain("envelope.signature", {"reason": word})
    assert word not in said.what_vi + said.what_en
    assert "(" in said.what_vi


@pytest.mark.parametrize("word", ["form", "picture_form"])
def test_what_a_library_said_is_no_part_of_a_sentence(word: str) -> None:
    said = text(f"why.{word}", {"detail": "UnidentifiedImageError: <_io.BytesIO object at 0x7f>"})
    assert "object" not in said.vi + said.en
