"""A second verifier of logs and receipts, written from docs/PROTOCOL.md section 6 and RFC 6962 alone.

It shares no line with the gateway: what both accept, two readers of the pages would accept. Standard library and
`cryptography` only; slow and simple on purpose.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key


class BadError(Exception):
    """It does not hold."""


def tree_root(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is written there."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree_root(hashes[:split]) + tree_root(hashes[split:])).digest()


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def open_note(note: str, keys: Sequence[str]) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint that one of the keys has signed.

    Raises:
        BadError: none has.
    """
    body, _, signatures = note.rpartition("\n\n")
    text = (body + "\n").encode()
    for key in keys:
        name, key_id, material = key.split("+", 2)
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(material)[1:])
        for line in signatures.splitlines():
            _, signer, signature = line.split(" ")
            raw = base64.b64decode(signature)
            if signer != name or raw[:4].hex() != key_id:
                continue
            try:
                public.verify(raw[4:], text)
            except InvalidSignature:
                continue
            origin, size, root = body.split("\n")
            if origin == name:
                return origin, int(size), base64.b64decode(root)
    raise BadError("the checkpoint is not signed by the log")


def check_log(
    leaves: Sequence[bytes], openings: Sequence[tuple[bytes, bytes, bytes]], note: str | None, keys: Sequence[str]
) -> Iterator[str]:
    """Whatever does not hold of a whole log; `openings`: leaf hash, salt, private part."""
    hashes = [leaf_hash(leaf) for leaf in leaves]
    where = {digest: index for index, digest in enumerate(hashes)}
    if len(where) != len(hashes):
        yield "a leaf stands in the log twice"
    for index, leaf in enumerate(leaves):
        previous = json.loads(leaf)["p"]
        if previous and where.get(_unb64(previous), index) >= index:
            yield f"leaf {index} names a previous one that does not stand before it"
    yield from _check_openings(leaves, where, openings)
    if note is None:
        if leaves:
            yield "no checkpoint"
        return
    try:
        _, size, root = open_note(note, keys)
    except BadError as error:
        yield str(error)
        return
    if size > len(leaves) or tree_root(hashes[:size]) != root:
        yield f"the checkpoint of size {size} is not this log's"


def _check_openings(
    leaves: Sequence[bytes], where: dict[bytes, int], openings: Sequence[tuple[bytes, bytes, bytes]]
) -> Iterator[str]:
    opened = set()
    for digest, salt, private in openings:
        if digest not in where:
            yield "an opening without a leaf"
            continue
        opened.add(digest)
        if not _opens(leaves[where[digest]], salt, private):
            yield f"the opening of leaf {where[digest]} does not fit"
    if len(opened) != len(leaves):
        yield f"{len(leaves) - len(opened)} leaves have no opening"


def check_receipt(receipt: bytes, receipt_keys: Sequence[bytes], log_keys: Sequence[str]) -> dict[str, Any]:
    """The claims of a receipt, every line proven.

    Raises:
        BadError: it is none.
    """
    try:
        head, payload, signature = receipt.split(b".")
        raw = _unb64(signature.decode())
        der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        kid = json.loads(_unb64(head.decode()))["kid"]
        (key,) = [key for key in receipt_keys if hashlib.sha256(key).hexdigest() == kid]
        public = load_der_public_key(key)
        assert isinstance(public, EllipticCurvePublicKey)
        public.verify(der, head + b"." + payload, ECDSA(SHA256()))
        claims: dict[str, Any] = json.loads(_unb64(payload.decode()))
    except (ValueError, KeyError, InvalidSignature) as error:
        raise BadError(f"the receipt's signature: {type(error).__name__}") from error
    _, size, root = open_note(claims["checkpoint"], log_keys)
    for line in claims["recipients"]:
        _check_line(claims, line, size, root)
    return claims


def _check_line(claims: dict[str, Any], line: dict[str, Any], size: int, root: bytes) -> None:
    private = {name: claims[name] for name in ("destination", "document_id", "origin", "registry_epoch")}
    private |= {name: claims[name] for name in ("sender", "transfer")}
    private |= {"code": line["code"], "outcome": line["outcome"], "recipient": line["organ_id"]}
    private["envelope"] = claims["envelope"]["sha256"]
    text = json.dumps(private, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    leaf = line["leaf"].encode()
    if not _opens(leaf, _unb64(line["salt"]), text):
        raise BadError(f"the leaf of {line['organ_id']} says something else")
    fields = json.loads(leaf)
    if fields["e"] != {"received": "received", "refused": "receive.refused"}[line["outcome"]]:
        raise BadError(f"the leaf of {line['organ_id']} is of another event")
    if fields["q"] != line["sequence"]:
        raise BadError(f"the leaf of {line['organ_id']} has another number")
    if _root_from(leaf_hash(leaf), line["index"], size, [_unb64(node) for node in line["path"]]) != root:
        raise BadError(f"the leaf of {line['organ_id']} does not stand in the log")


def _root_from(digest: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """RFC 9162 section 2.1.3.2."""
    at, last = index, size - 1
    for node in path:
        if at & 1 or at == last:
            digest = hashlib.sha256(b"\x01" + node + digest).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            digest = hashlib.sha256(b"\x01" + digest + node).digest()
        at, last = at >> 1, last >> 1
    return digest if last == 0 else b""


def _opens(leaf: bytes, salt: bytes, private: bytes) -> bool:
    commitment = hashlib.sha256(b"edoc-audit/c1\n" + salt + private).digest()
    return _unb64(json.loads(leaf)["c"]) == commitment


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
