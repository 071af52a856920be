"""Finished edXML files as an office's own program makes them: written, signed with the body's transport key, assembled."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

from gateway.core.free_texts import with_texts
from gateway.core.ids import OrganId
from gateway.core.message import DocumentMessage, Message, StatusMessage
from gateway.core.model import Attachment, Metadata
from gateway.core.secrecy import find_mark
from gateway.edxml import Flavour, assemble, schema_faults, write_skeleton
from gateway.exchange import EnvelopeOrder
from gateway.exchange.messages import document_message
from gateway.safe_xml import parse_signed
from tests.kit import rows
from tests.kit.blobs import stored
from tests.kit.exchange_world import Node

File = tuple[str, str, bytes]
"""Name, media type, bytes."""


def message_of(node: Node, metadata: Metadata) -> DocumentMessage:
    """The message that an office's program writes for this."""
    document = rows.document(
        metadata=metadata,
        document_id=metadata.document_id(),
        accepted_at=node.desk.clock.now(),
    )
    return document_message(document, node.directory.current())


def unaware_skeleton(message: Message, attachments: Sequence[Attachment]) -> bytes:
    """As a program writes it that knows nothing of marks of secrecy: ours does not write them."""
    marked: dict[str, str] = {}

    def hidden(text: str) -> str:
        return marked.setdefault(text, f"xx{len(marked)}xx") if find_mark(text) else text

    clean = with_texts(message, lambda _, text: hidden(text))
    skeleton = write_skeleton(clean, [replace(one, name=hidden(one.name)) for one in attachments])
    for text, stand_in in marked.items():
        skeleton = skeleton.replace(f">{stand_in}<".encode(), f">{escape(text)}<".encode())
    return skeleton


async def finished(
    node: Node, message: Message, files: Sequence[File], *, signed_by: OrganId | None = None, signed: bool = True
) -> bytes:
    """The whole file; `signed_by` another body than the one it is from."""
    attachments = [
        Attachment(position=position, name=name, content_type=kind, blob=await stored(node.blobs, data))
        for position, (name, kind, data) in enumerate(files, 1)
    ]
    skeleton = unaware_skeleton(message, () if isinstance(message, StatusMessage) else attachments)
    assert schema_faults(parse_signed(skeleton), Flavour.STRICT) == ()
    if signed:
        skeleton = await node.desk.sealer.sign_envelope(skeleton, signed_by or message.sender.organ_id)
    parts = [(attachment, [data]) for attachment, (_, _, data) in zip(attachments, files, strict=True)]
    return b"".join(assemble(skeleton, parts))


async def sealed(node: Node, pdf: bytes, organ: OrganId, folder: Path) -> bytes:
    """The PDF with that body's seal."""
    path = folder / "to-seal.pdf"
    path.write_bytes(pdf)
    return (await node.desk.sealer.seal(path, organ)).pdf


async def order_of(node: Node, envelope: bytes, *, key: str = "envelope-1") -> EnvelopeOrder:
    """What the door makes of the upload."""
    return EnvelopeOrder(envelope=await stored(node.blobs, envelope), idempotency_key=key)
