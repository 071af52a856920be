"""Assembly: the files are spliced into a signed skeleton as text, before the closing tag of the root.

Nothing is parsed and nothing before the splice is touched, so the signature's bytes stay what they were. Files pass
through in pieces; each is hashed on its way, for the manifest that was signed speaks of exactly these bytes.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pybase64 import b64encode

from gateway.core.errors import SiteError
from gateway.core.model import Attachment
from gateway.edxml.manifest import content_id
from gateway.edxml.namespaces import PREFIX
from gateway.edxml.writer import escape
from gateway.safe_xml import QCVN

_CLOSING: Final = b"</edXML>"


def assemble(skeleton: bytes, attachments: Sequence[tuple[Attachment, Iterable[bytes]]]) -> Iterator[bytes]:
    """The whole envelope in pieces: the signed skeleton with each file (an iterable of its bytes) as one line of base64.

    The attachments are those the skeleton was written for, in that order.

    Raises:
        SiteError: `blob.damaged` when a file's bytes are not the ones its `blob` names.
    """
    end = skeleton.rfind(_CLOSING)
    assert end >= 0, "not a skeleton of ours"
    assert not skeleton[end + len(_CLOSING) :].strip(), "not a skeleton of ours"
    yield skeleton[:end]
    if attachments:
        yield b"  <AttachmentEncoded>\n"
        for attachment, chunks in attachments:
            yield _opening(attachment).encode()
            yield from _base64(_verified(attachment, chunks))
            yield f"</{PREFIX}:ContentTransferEncoded>\n    </Attachment>\n".encode()
        yield b"  </AttachmentEncoded>\n"
    yield skeleton[end:]


def _opening(attachment: Attachment) -> str:
    """Everything of an Attachment up to its base64; the last element declares the prefix anew, as the vendor does."""
    fields = (
        ("ContentId", content_id(attachment)),
        ("AttachmentName", attachment.name),
        ("ContentType", attachment.content_type),
    )
    lines = "".join(f"      <{name}>{escape(text)}</{name}>\n" for name, text in fields if text)
    return f'    <Attachment>\n{lines}      <{PREFIX}:ContentTransferEncoded xmlns:{PREFIX}="{QCVN}">'


def _verified(attachment: Attachment, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks unchanged; at their end the digest must be the blob's."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != attachment.blob.digest:
        raise SiteError("blob.damaged", digest=attachment.blob.digest)


def _base64(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Base64 of the chunks as one text: what does not fill three bytes waits for the next chunk (RFC 4648 section 4)."""
    rest = b""
    for chunk in chunks:
        data = rest + chunk if rest else chunk
        whole = len(data) - len(data) % 3
        rest = data[whole:]
        yield b64encode(memoryview(data)[:whole])
    yield b64encode(rest)
