"""Listings: an office's own documents, newest first, and every body of the registry by a part of its name."""

import asyncio

import pytest

from gateway.core.errors import AccessError
from gateway.core.ids import DocumentKey, OrganId
from gateway.core.model import Document
from gateway.core.principal import Scope
from gateway.core.states import DeliveryState, DocumentState
from tests.kit.exchange_world import World, letter
from tests.scenario.test_trouble import ub

NOBODYS_SCOPES = frozenset({Scope.SEND, Scope.ACT})


async def three_documents(world: World) -> list[Document]:
    made = []
    for number in ("1", "2", "3"):
        file = await world.party.file(f"{number}.txt", number.encode(), "text/plain")
        made.append(await world.party.submit(letter(world.sender, (ub(world),), file, number=number)))
        await world.settle()
        world.clock.advance(1)
    return made


async def test_documents_are_listed_newest_first_page_by_page(world: World) -> None:
    made = await three_documents(world)
    principal, queries = world.party.principal(world.sender), world.party.queries
    found: list[DocumentKey] = []
    more = True
    while more:
        before = found[-1] if found else None
        page = await queries.documents(principal, before=before, limit=2, state=None)
        found += [view.document.key for view in page.documents]
        more = page.more
        assert more is (len(found) < 3)
    assert found == [document.key for document in reversed(made)]
    routed = await queries.documents(principal, before=None, limit=9, state=DocumentState.ROUTED)
    held = await queries.documents(principal, before=None, limit=9, state=DocumentState.HELD)
    assert (len(routed.documents), len(held.documents)) == (3, 0)
    for view in routed.documents:
        assert view == await queries.document(principal, view.document.key)
        assert view.counts == {DeliveryState.DELIVERED: view.total}


async def test_nobody_lists_another_body_s_documents_nor_status_messages(world: World) -> None:
    await three_documents(world)
    ward = world.government.principal(ub(world))
    (entry, *_) = (await world.government.queries.inbox(ward, 0, 10)).entries
    await world.government.statuses.accept(ward, entry.key, trace_id="1" * 32)
    for node, organ in ((world.party, ub(world)), (world.government, ub(world))):
        page = await node.queries.documents(node.principal(organ), before=None, limit=9, state=None)
        assert (page.documents, page.more) == ((), False)
    blind = world.party.principal(world.sender, scopes=NOBODYS_SCOPES)
    with pytest.raises(AccessError):
        await world.party.queries.documents(blind, before=None, limit=9, state=None)


async def test_bodies_are_found_by_a_part_of_their_name_in_the_edition_in_force(world: World) -> None:
    queries, principal = world.party.queries, world.party.principal(world.sender)

    async def found(text: str, after: OrganId | None = None, limit: int = 50) -> list[OrganId]:
        bodies = await queries.organs(principal, text=text, after=after, limit=limit)
        return [body.organ_id for body in bodies]

    everybody = sorted(world.party.directory.current().bodies)
    asked = await asyncio.gather(*(found("") for _ in range(5)))
    assert asked == [everybody] * 5
    assert await found("uy ban nhan dan phuong") == sorted(ward for ward in world.wards if ".UB." in ward)
    assert await found("", after=everybody[0], limit=2) == everybody[1:3]
    assert await found("đổi tên") == []
    world.replace_body(ub(world), name="Phường mới đổi tên")
    assert await found("doi ten") == [ub(world)]
    blind = world.party.principal(world.sender, scopes=NOBODYS_SCOPES)
    with pytest.raises(AccessError):
        await queries.organs(blind, text="a", after=None, limit=1)
