"""Signing any file beside itself: the service hashes it, a key-holder signs the attributes, a judge sees what came of it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.core.ports import Clock, Judge, TimestampAuthority
from gateway.core.reasons import because, of_os
from gateway.core.validation import Indication
from gateway.crypto.cades.cms import assemble, seal_attributes
from gateway.crypto.cades.content import hash_file
from gateway.crypto.cades.timestamped import with_signature_timestamp
from gateway.crypto.cades.verify import judge_detached
from gateway.crypto.keys.holders import KeyHolder
from gateway.crypto.keys.own_key import KeyRef, sign_with
from gateway.crypto.paths.subject import certificate_digest
from gateway.crypto.paths.trust import Trust
from gateway.crypto.stamping import SignatureOrder, SignedFile, at_level


async def sign_beside(  # noqa: PLR0913 - the parts by name
    path: Path,
    key: KeyRef,
    order: SignatureOrder,
    *,
    holder: KeyHolder,
    judge: Judge,
    trust: Trust,
    clock: Clock,
    authority: TimestampAuthority | None,
) -> SignedFile:
    """A detached CAdES signature over a file, judged TOTAL-PASSED; the key's own certificate was judged by the caller.

    Raises:
        SenderError: `size.limit`, `file.unreadable`.
        SiteError: `key.missing`; where the order insists also `timestamp.unavailable`.
    """
    digests = await asyncio.to_thread(_hash, path)
    attributes = seal_attributes(digests["sha256"], key.chain[0], signed_at=clock.now())
    signature = assemble(attributes, await sign_with(holder, key, attributes.to_sign), key.chain)
    signed = await at_level(signature, order, with_signature_timestamp, authority=authority)
    verdict = await judge.run(judge_detached, signed.data, digests=digests, trust=trust, moment=clock.now())
    own = verdict.signatures[0].certificate if verdict.signatures else None
    if verdict.indication is not Indication.TOTAL_PASSED or own != certificate_digest(key.chain[0]):
        raise SenderError("file.unreadable", reason=because("not_good_after", detail=verdict.reason))
    return signed


def _hash(path: Path) -> Mapping[str, bytes]:
    """The digest of a file of any kind, which nobody here opens for more than that."""
    try:
        if path.stat().st_size > limits.DETACHED_CONTENT_BYTES_MAX:
            raise SenderError("size.limit", limit=limits.DETACHED_CONTENT_BYTES_MAX, what="file")
        return hash_file(path, {"sha256"})
    except OSError as error:
        raise SenderError("file.unreadable", reason=of_os(error)) from error
