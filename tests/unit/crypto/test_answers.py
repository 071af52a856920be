"""Answers of workers: values there and back, and nothing but values."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import CATALOGUE, Conflict, SenderError
from gateway.core.ids import Digest, OrganId
from gateway.core.message import Code, Priority, SignerInfo
from gateway.core.model import BlobRef, Metadata
from gateway.core.validation import Indication, SubIndication
from gateway.core.verdict import FileVerdict, SignatureVerdict
from gateway.crypto.processes.answers import read_answer, write_answer

SIGNATURE = SignatureVerdict(
    indication=Indication.INDETERMINATE,
    sub_indication=SubIndication.REVOKED_NO_POE,
    reason="thu hồi",
    certificate=Digest("0" * 64),
    signer="UBND",
    claimed_time=datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC),
    covers="whole file",
)
VERDICT = FileVerdict(
    media_type="application/pdf",
    indication=Indication.INDETERMINATE,
    sub_indication=None,
    signatures=(SIGNATURE, SIGNATURE),
    reason="",
)
METADATA = Metadata(
    sender=OrganId("H29"),
    recipients=(OrganId("H29.1"),),
    code=Code(number="12", notation="QĐ-UBND"),
    promulgation_place="TP.HCM",
    promulgation_date=date(2026, 11, 21),
    subject="V/v",
    signer=SignerInfo(full_name="A"),
    priority=Priority.URGENT,
)


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            True,
            False,
            0,
            -1,
            1 << 80,
            1.5,
            "",
            "Đảng ủy\u2028",
            b"",
            b"\x00\xff",
            timedelta(days=1, microseconds=2),
        ),
        *((), [], {}, frozenset(), set(), (1, [2, (3,)]), {"a": b"x", 2: (b"y", b"z")}, frozenset({"header", "body"})),
        *(VERDICT, (VERDICT, b"data"), METADATA, BlobRef(digest=Digest("a" * 64), size=3), Indication.TOTAL_PASSED),
    ],
)
def test_there_and_back(value: object) -> None:
    verb, back = read_answer(write_answer("returned", value))
    assert (verb, back, type(back)) == ("returned", value, type(value))


def test_enumerations_come_back_as_the_same_members() -> None:
    _, back = read_answer(write_answer("returned", VERDICT))
    assert back.indication is Indication.INDETERMINATE
    _, back = read_answer(write_answer("returned", METADATA))
    assert back.priority is Priority.URGENT


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Conflict("conflict.state", limit=3), Conflict),
        (SenderError("file.unreadable", reason="x"), SenderError),
        (ValueError("x"), ValueError),
        (KeyError("x"), KeyError),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), RuntimeError),
    ],
)
def test_errors_come_back_as_what_they_were(error: Exception, expected: type[Exception]) -> None:
    _, back = read_answer(write_answer("raised", error))
    assert type(back) is expected
    if isinstance(error, SenderError):
        assert isinstance(back, SenderError)
        assert (back.code, dict(back.params)) == (error.code, dict(error.params))


def test_what_is_no_value_cannot_be_written() -> None:
    for foreign in (object(), lambda: 0, int, open, complex(1)):
        with pytest.raises(TypeError):
            write_answer("returned", foreign)


def frame(content: object) -> bytes:
    body = json.dumps(["returned", content]).encode()
    return len(body).to_bytes(4) + body


@pytest.mark.parametrize(
    "content",
    [
        {"data": ["os:system", {}]},
        {"data": ["subprocess:Popen", {"args": ["true"]}]},
        {"data": ["gateway.crypto.processes.judge:JudgePool", {"size": 1, "preload": []}]},
        {"data": ["gateway.crypto.processes.answers:_find", {}]},
        {"data": ["gateway.crypto.processes.answers:json.loads", {"s": "1"}]},
        {"data": ["gateway.crypto.processes.seat:multiprocessing.Process", {}]},
        {"data": ["gateway.core.verdict:FileVerdict", {}]},
        {"data": ["gateway.core.verdict:FileVerdict.__init__", {}]},
        {"data": ["gateway.nowhere:X", {}]},
        {"data": ["gateway.core.verdict:Indication", {"value": "x"}]},
        {"enum": ["gateway.core.verdict:Indication", "no member"]},
        {"enum": ["gateway.core.verdict:FileVerdict", "x"]},
        {"error": ["gateway.core.errors:SenderError", "no.such.code", {"mapping": []}]},
        {"error": ["builtins:Exception", "internal", {"mapping": []}]},
        {"exception": ["SystemExit", "x"]},
        {"exception": ["eval", "1"]},
        {"exception": ["__import__", "os"]},
        {"bytes": 5},
        {"bytes": -1},
        {"datetime": "yesterday"},
        {"_sequence": []},
        {"decode": {}},
        {"tuple": 1, "list": 2},
        {},
        [1],
    ],
)
def test_hostile_frames_are_refused(content: object) -> None:
    with pytest.raises(ValueError, match="not an answer"):
        read_answer(frame(content))


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    for hostile in (data, len(data).to_bytes(4) + data):
        try:
            read_answer(hostile)
        except ValueError:
            continue


def test_deep_nesting_is_refused() -> None:
    body = b'["returned",' + b'{"tuple":[' * 100_000 + b"]}" * 100_000 + b"]"
    with pytest.raises(ValueError, match="not an answer"):
        read_answer(len(body).to_bytes(4) + body)


def test_every_code_of_the_catalogue_travels() -> None:
    for code in CATALOGUE:
        _, back = read_answer(write_answer("raised", SenderError(code)))
        assert back.code == code
