"""Files and envelopes in disguise, between two whole gateways: what another program would see is what is judged."""

from collections.abc import Callable

import pytest

from gateway.core.model import Attachment
from gateway.core.states import DocumentState
from gateway.edxml import assemble, write_skeleton
from gateway.exchange.messages import document_message
from tests.kit.exchange_world import World, letter
from tests.kit.pdfs import tiny_pdf
from tests.scenario.test_trouble import arrived, prepared, receive, ub

Change = Callable[[bytes], bytes]
TEXT = b"Kinh gui"


async def forged(world: World, data: bytes, change: Change, *, name: str, content_type: str) -> list[tuple[str, str]]:
    """An envelope with this file, truly signed by its sender and changed on its way; the outcomes of its reception."""
    transfer, _ = await prepared(world)
    file = await world.party.file(name, data)
    attachment = Attachment(position=1, name=name, content_type=content_type, blob=file.blob)
    (document,) = await world.party.store.read(lambda uow: uow.documents.page(None, 1))
    message = document_message(document, world.party.directory.current())
    signed = await world.party.desk.sealer.sign_envelope(write_skeleton(message, (attachment,)), world.sender)
    return await receive(world, transfer, change(b"".join(assemble(signed, [(attachment, [data])]))))


def insert(what: bytes, before: bytes) -> Change:
    def change(envelope: bytes) -> bytes:
        assert envelope.count(before) == 1
        return envelope.replace(before, what + before)

    return change


async def test_the_envelope_as_it_was_sent_arrives(world: World) -> None:
    trace = b"<edXML:TraceHeader><edXML:OrganId>null</edXML:OrganId></edXML:TraceHeader><edXML:TraceHeader/>"
    for_a_hub = insert(trace, b"</edXML:TraceHeaderList>")
    assert await forged(world, TEXT, for_a_hub, name="a.txt", content_type="text/plain") == [("received", "")]
    assert await arrived(world.government, ub(world)) == 1


@pytest.mark.parametrize(
    ("what", "before"),
    [
        (b"<edXML:To><edXML:OrganId>Z79.X</edXML:OrganId></edXML:To>", b"<edXML:TraceHeaderList"),
        (b"<edXML:StatusCode>06</edXML:StatusCode>", b"</edXML:TraceHeaderList>"),
        (b'<Foo><x:Attachment xmlns:x="urn:x"><ContentId>1</ContentId></x:Attachment></Foo>', b"</edXML>"),
        (b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>', b"</AttachmentEncoded>"),
        (b"Thay the", b"</edXML>"),
    ],
)
async def test_what_was_added_beside_the_signed_parts_is_refused(world: World, what: bytes, before: bytes) -> None:
    outcomes = await forged(world, TEXT, insert(what, before), name="a.txt", content_type="text/plain")
    assert outcomes == [("refused", "envelope.signature")]
    assert await arrived(world.government, ub(world)) == 0


@pytest.mark.parametrize("junk", [b"\n", b"\xef\xbb\xbf", bytes(1019)])
async def test_an_unsealed_letter_in_the_clothes_of_a_text_is_refused(world: World, junk: bytes) -> None:
    outcomes = await forged(world, junk + tiny_pdf(), bytes, name="a.txt", content_type="text/plain")
    assert outcomes == [("refused", "file.unreadable")]
    assert await arrived(world.government, ub(world)) == 0


async def test_a_letter_in_the_clothes_of_a_text_is_not_sent(world: World) -> None:
    file = await world.party.file("a.txt", b"\n" + tiny_pdf(), "text/plain")
    document = await world.party.submit(letter(world.sender, (ub(world),), file))
    assert document.attachments[0].content_type == "application/pdf"
    await world.settle()
    view = await world.party.store.read(lambda uow: uow.documents.find(document.key))
    assert view is not None
    assert (view.state, view.reason) == (DocumentState.REFUSED, "file.unreadable")


async def test_a_letter_inside_a_zip_is_carried(world: World) -> None:
    data = b"PK\x03\x04 stored" + tiny_pdf()
    assert await forged(world, data, bytes, name="a.zip", content_type="application/zip") == [("received", "")]
