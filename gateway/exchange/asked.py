"""Asked: what makes two orders the same, as one digest. It stands in the leaf of acceptance."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from gateway.core.ids import Digest
from gateway.core.model import Attachment, BlobRef, Metadata


def request_digest(metadata: Metadata, attachments: Sequence[Attachment]) -> Digest:
    """The metadata and the files, names included, not their order of arrival in time."""
    files = [(file.name, file.content_type, file.blob.digest) for file in attachments]
    said = asdict(metadata)
    if metadata.business is None:
        del said["business"]  # as before there was one: an order that is repeated after an upgrade is the same order
    return _digest({"metadata": said, "files": files})


def envelope_digest(envelope: BlobRef) -> Digest:
    """Of an order that came as a finished envelope."""
    return _digest({"envelope": envelope.digest})


def _digest(order: Mapping[str, object]) -> Digest:
    canonical = json.dumps(order, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return Digest(hashlib.sha256(canonical.encode()).hexdigest())
