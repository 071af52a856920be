"""The table of docs/PROTOCOL.md section 7, line by line."""

import json

import pytest

from gateway.core import limits
from gateway.core.carrying import Answered, CarryResult, Indeterminate, TransferRefused, TryLater, Unknown, Unreachable
from gateway.core.errors import CATALOGUE
from gateway.peer.outcome import PROBLEM_BYTES_MAX, Reply, conclude_carry, conclude_inquiry

RECEIPT = b"eyJ.e30.AA"


def problem(code: object, status: int, retry_after: str = "") -> Reply:
    return Reply(
        status=status,
        media_type="application/problem+json",
        retry_after=retry_after,
        body=json.dumps({"code": code, "detail": "peer's own words"}).encode(),
    )


def page(status: int, body: bytes = b"<html>", media_type: str = "text/html") -> Reply:
    return Reply(status=status, media_type=media_type, retry_after="", body=body)


CASES: list[tuple[Reply, CarryResult, CarryResult | Unknown]] = [
    (page(200, RECEIPT, "application/jose"), Answered(RECEIPT), Answered(RECEIPT)),
    (problem("peer.unpinned", 403), Unreachable("peer.unpinned"), Unreachable("peer.unpinned")),
    (problem("store.busy", 503, "7"), TryLater("store.busy", 7.0), TryLater("store.busy", 7.0)),
    (problem("envelope.undecided", 503), TryLater("envelope.undecided", road=False), TryLater("envelope.undecided")),
    (page(503), TryLater("status 503"), TryLater("status 503")),
    (page(429), TryLater("status 429"), TryLater("status 429")),
    (problem("transfer.digest", 400), TryLater("transfer.digest", road=False), Indeterminate("transfer.digest")),
    (problem("transfer.sent_at", 422), TryLater("transfer.sent_at", road=False), Indeterminate("transfer.sent_at")),
    (problem("request.timeout", 408), TryLater("request.timeout", road=False), Indeterminate("request.timeout")),
    (
        problem("transfer.conflict", 409),
        TransferRefused("transfer.conflict", "transfer.conflict"),
        Indeterminate("transfer.conflict"),
    ),
    (
        problem("envelope.signature", 422),
        TransferRefused("envelope.signature", "envelope.signature"),
        Indeterminate("envelope.signature"),
    ),
    (problem("brand.new", 422), TransferRefused("peer.refused", "brand.new"), Indeterminate("brand.new")),
    (problem("internal", 500), Indeterminate("internal"), Indeterminate("internal")),
    (problem("peer.receipt", 502), Indeterminate("peer.receipt"), Indeterminate("peer.receipt")),
    (problem("not_found", 404), TransferRefused("not_found", "not_found"), Unknown()),
]


@pytest.mark.parametrize(("reply", "carried", "inquired"), CASES)
def test_line_of_the_table(reply: Reply, carried: CarryResult, inquired: CarryResult | Unknown) -> None:
    assert conclude_carry(reply) == carried
    assert conclude_inquiry(reply) == inquired


NOT_OURS = [
    page(404),
    page(403),
    page(301),
    page(500),
    page(200),
    page(204, b""),
    page(200, RECEIPT + b"\n", "application/jose"),
    page(200, b"a.b." + b"c" * limits.RECEIPT_BYTES_MAX, "application/jose"),
    page(404, b'{"code": "not_found"}', "application/json"),
    page(404, b"[" * 100_000, "application/problem+json"),
    page(404, b"[" * 10_000, "application/problem+json"),
    page(404, b"\xff", "application/problem+json"),
    page(404, b'["not_found"]', "application/problem+json"),
    page(404, b" " * PROBLEM_BYTES_MAX + b'{"code":"not_found"}', "application/problem+json"),
    problem(404, 404),
    problem("Not Found", 404),
    problem("a" * 500, 404),
]


@pytest.mark.parametrize("reply", NOT_OURS)
def test_what_is_no_word_of_the_protocol_says_nothing(reply: Reply) -> None:
    assert isinstance(conclude_carry(reply), Indeterminate)
    assert isinstance(conclude_inquiry(reply), Indeterminate)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 0.0), ("120", 120.0), ("999999999", limits.BACKOFF_CAP_SECONDS), ("-1", None), ("Wed, 21 Oct", None)],
)
def test_patience_is_bounded(header: str, seconds: float | None) -> None:
    assert conclude_carry(problem("store.busy", 503, header)) == TryLater("store.busy", seconds)


def test_every_reason_is_a_code_or_a_status_and_never_the_peers_prose() -> None:
    for code, facts in CATALOGUE.items():
        assert "words" not in repr(conclude_carry(problem(code, facts.status)))
