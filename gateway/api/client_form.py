"""A submission as its caller writes it: multipart/form-data (RFC 7578)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that is at the gateway already."""

    upload: str


def encode_form(metadata: Mapping[str, Any], files: Sequence[tuple[str, bytes | Uploaded]]) -> tuple[str, bytes]:
    """A submission as multipart/form-data (RFC 7578): its content type and its bytes.

    The boundary is a digest of everything that is sent: nobody can write a file that contains its own boundary.
    """
    head = json.dumps(dict(metadata), ensure_ascii=False).encode()
    digest = hashlib.sha256(head)
    parts = [_field(content) for _, content in files]
    for (name, _), (_, content) in zip(files, parts, strict=True):
        digest.update(name.encode("utf-8", "surrogatepass"))
        digest.update(hashlib.sha256(content).digest())
    boundary = digest.hexdigest()
    pieces = [_part(boundary, 'name="metadata"', "application/json", head)]
    for (name, _), (field_name, content) in zip(files, parts, strict=True):
        kind = "application/pdf" if name.lower().endswith(".pdf") else "application/octet-stream"
        # quotes in the name as browsers write them (WHATWG HTML, multipart/form-data encoding algorithm)
        quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "%0D").replace("\n", "%0A")
        pieces.append(_part(boundary, f'name="{field_name}"; filename="{quoted}"', kind, content))
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(pieces)


def _field(content: bytes | Uploaded) -> tuple[str, bytes]:
    """Name and bytes of a part."""
    return ("upload", content.upload.encode()) if isinstance(content, Uploaded) else ("file", content)


def _part(boundary: str, disposition: str, content_type: str, content: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {content_type}\r\n\r\n"
    return head.encode("utf-8", "surrogatepass") + content + b"\r\n"
