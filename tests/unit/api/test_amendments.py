"""Recall, agree, decline over HTTP: what offices write and read."""

import json
from typing import Any

import pytest

from gateway.api import ApiProblem
from gateway.core.message import BusinessKind
from tests.unit.api.world import CITY_KEY, PARTY, PDF, WARD, WARD_KEY, World, codes, metadata, problem_of

LETTER = [("cong-van.pdf", PDF)]


async def test_a_recall_is_told_by_recipients_and_at_each_of_them(world: World) -> None:
    async with world.client(CITY_KEY) as client:
        document = await client.send_contents(metadata(), LETTER, "k")
        told = await client.recall(document["key"], "Gửi nhầm")
        row, _ = await client.deliveries(document["key"])
    assert (told["document"]["key"], told["counts"], told["untouched"]) == (document["key"], {"asked": 2}, 0)
    (asked,) = row["amendments"]
    assert asked == {
        "kind": "recall",
        "kind_label_vi": "Thu hồi",
        "document_id": document["document_id"],
        "by": "",
        "reason": "Gửi nhầm",
        "state": "asked",
        "state_label_vi": "Đã đề nghị, chưa trả lời",
        "reached": None,
        "words": "",
        "handling": None,
        "asked_at": "2026-11-21T06:05:09.000Z",
        "answered_at": None,
    }


async def test_an_answer_stands_at_the_entry_with_how_far_it_had_come(world: World) -> None:
    entry = await world.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    await world.desks.ask_back(entry, "Gửi nhầm")
    async with world.client(WARD_KEY) as client:
        said = await client.decline(entry.key, "Đã chuyển", forwarded=True)
        seen = await client.entry(entry.key)
    assert said == seen
    (answered,) = seen["amendments"]
    assert (answered["state"], answered["state_label_vi"], answered["words"]) == ("late", "Quá muộn", "Đã chuyển")
    assert answered["handling"] == {
        "opened_at": None,
        "business_status": "01",
        "business_status_label_vi": "Đã đến",
        "forwarded": True,
    }


@pytest.mark.parametrize(
    ("verb", "body", "wrong"),
    [
        ("agree", {"forwarded": "no"}, [("/forwarded", "field.type")]),
        ("agree", {"reason": "x"}, [("/reason", "field.unknown")]),
        ("decline", {"reason": "x" * 401}, [("/reason", "field.too_long")]),
    ],
)
async def test_bodies_are_strict(world: World, verb: str, body: dict[str, Any], wrong: list[tuple[str, str]]) -> None:
    entry = await world.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {WARD_KEY}"}
    path = f"/api/v1/inbox/{entry.key}:{verb}"
    async with world.call("POST", path, headers=headers, data=json.dumps(body).encode()) as answer:
        assert codes(await problem_of(answer, 422, "request.field")) == wrong


@pytest.mark.parametrize(
    ("business", "kind"),
    [
        ({"kind": "replace", "documents": ["a", "b"], "reason": "Sai thể thức"}, BusinessKind.REPLACE),
        ({"kind": "update", "documents": ["a"], "reason": ""}, BusinessKind.UPDATE),
        ({"kind": "recall", "documents": ["a"], "reason": "x"}, BusinessKind.REVOKE),
    ],
)
async def test_what_a_document_does_to_earlier_ones_is_told_as_it_was_said(
    world: World, business: dict[str, Any], kind: BusinessKind
) -> None:
    async with world.client(CITY_KEY) as client:
        document = await client.send_contents(metadata(business=business), LETTER, "k")
        again = await client.send_contents(document["metadata"], LETTER, "k")
    assert document["metadata"]["business"] == business
    assert again == document
    (kept,) = world.desks.kept.values()
    assert kept.metadata is not None
    assert kept.metadata.business is not None
    assert kept.metadata.business.kind is kind
    answered = [one.document_id for one in kept.metadata.response_for]
    assert answered == (["a"] if kind is BusinessKind.REVOKE else [])


@pytest.mark.parametrize(
    ("business", "pointer", "code"),
    [
        ({"kind": "new", "documents": ["a"]}, "/business/kind", "field.value"),
        ({"kind": "replace", "documents": []}, "/business/documents", "field.too_short"),
        ({"kind": "replace", "documents": list("abcdef")}, "/business/documents", "field.too_long"),
        ({"kind": "replace", "documents": ["a", "a"]}, "/business/documents", "field.duplicate"),
        ({"kind": "update", "documents": ["a", "b"]}, "/business", "field.too_long"),
    ],
)
async def test_business_that_cannot_be_meant_is_a_field_error(
    world: World, business: dict[str, Any], pointer: str, code: str
) -> None:
    async with world.client(CITY_KEY) as client:
        with pytest.raises(ApiProblem) as refused:
            await client.send_contents(metadata(business=business), LETTER, "k")
    assert (pointer, code) in codes(refused.value.members)
