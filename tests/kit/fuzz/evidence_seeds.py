"""Good files for every entry of evidence that takes bytes: proofs, receipts, files of any kind: `entry`, line feed, file."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from gateway.audit import (
    Checkpoint,
    KeyType,
    VerifierKey,
    empty_head,
    format_checkpoint,
    leaf_hash,
    make_leaf,
    sign_note,
)
from gateway.audit.tree import extend, inclusion_paths
from gateway.core.directory import Snapshot
from gateway.core.ids import GatewayId
from gateway.core.model import TransferSlip
from gateway.crypto import FileSigner, prepare_slip
from gateway.edxml import SLIP_NAME, SLIP_TYPE, assemble, slip_of, write_skeleton, write_slip
from gateway.evidence import Proof, ProvenLeaf, proof_json
from tests.kit.certomancer.declared import leaf as leaf_of
from tests.kit.exchange_world import exchange_world, letter, make_materials
from tests.kit.fuzz.crypto_seeds import good_envelopes, good_pdfs
from tests.kit.log_signer import LogSigner
from tests.kit.pdfs import compressed_pdf, tiny_pdf
from tests.kit.pki import MOMENT
from tests.unit.audit.world import ORIGIN, event, salt
from tests.unit.crypto.envelopes import signed as signed_envelope
from tests.unit.crypto.sealing import raw_signature
from tests.unit.edxml.samples import DOCUMENT, attachment, attachments, envelope

_LEAVES: Final = 5


@cache
def log_key() -> str:
    """Of the log whose proofs are seeds."""
    key = VerifierKey(ORIGIN, KeyType.ED25519, LogSigner().public_key[-32:])
    return key.format()


@cache
def proof() -> bytes:
    """The story of one document, and the checkpoint over it."""
    leaves, previous = [], ""
    for number in range(_LEAVES):
        leaves.append(make_leaf(event(number, previous=previous), salt=salt(number)))
        previous = leaves[-1].hash.hex()
    head, nodes = extend(empty_head(), [leaf_hash(one.data) for one in leaves])
    text = format_checkpoint(Checkpoint(origin=ORIGIN, size=head.size, root=head.root))
    note = asyncio.run(sign_note(text, key=VerifierKey.parse(log_key()), signer=LogSigner()))
    paths = inclusion_paths(range(len(leaves)), head.size, lambda _: nodes)
    proven = tuple(
        ProvenLeaf(
            subject="entry",
            recipient=None,
            index=at,
            data=one.data,
            salt=one.salt,
            private=one.private,
            path=paths[at],
        )
        for at, one in enumerate(leaves)
    )
    made = Proof(gateway=GatewayId("gw.example"), key="transfer 1", note=note, leaves=proven, uncovered=0)
    return json.dumps(proof_json(made, [log_key()])).encode()


@dataclass(frozen=True)
class Receipted:
    """A transfer with its receipt, and the key that signs receipts there."""

    slip: TransferSlip
    snapshot: Snapshot
    signer: FileSigner
    receipt: bytes

    @property
    def claims(self) -> bytes:
        """What the receipt says."""
        payload = self.receipt.split(b".")[1]
        return urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))


@cache
def receipted() -> Receipted:
    """Of a letter to two bodies."""
    with TemporaryDirectory() as made:
        return asyncio.run(_receipted(Path(made)))


async def _receipted(folder: Path) -> Receipted:
    for name in ("materials", "world"):
        (folder / name).mkdir()
    materials = make_materials(folder / "materials")
    async with exchange_world(materials, folder / "world") as world:
        wards = tuple(ward for ward in world.wards if ".UB." in ward)[:2]
        await world.party.submit(letter(world.sender, wards, await world.party.file("a.pdf", tiny_pdf())))
        await world.settle()
        (transfer,) = await world.party.store.read(lambda uow: uow.transfers.page(None, 10))
        assert transfer.answer is not None
        key = materials.pki.gateways[world.government.own].files.receipt_key
        signer = FileSigner(key, key_id="receipt")
        return Receipted(transfer.slip, world.party.directory.current(), signer, transfer.answer)


@cache
def with_slip() -> bytes:
    """A signed envelope with a signed seal slip among its files."""
    own, bodies = leaf_of("seal"), (tiny_pdf(), b"a table")
    files = attachments(*bodies)
    prepared = prepare_slip(write_slip(slip_of(DOCUMENT, files)), chain=own.chain, moment=MOMENT)
    slip = prepared.filled(raw_signature(own, prepared.to_sign))
    named = (*files, attachment(len(files) + 1, slip, name=SLIP_NAME, content_type=SLIP_TYPE))
    skeleton = signed_envelope(write_skeleton(DOCUMENT, named), own)
    return b"".join(assemble(skeleton, [(one, [data]) for one, data in zip(named, (*bodies, slip), strict=True)]))


@cache
def vectors() -> Mapping[str, bytes]:
    """Every seed by its name."""
    note = json.loads(proof())["checkpoint"].encode()
    found = {"proof/whole": proof(), "note/checkpoint": note}
    found |= {"claims/two": receipted().claims, "jws/two": receipted().receipt}
    found |= {f"file/{name}": data for name, data in good_pdfs().items()}
    found |= {f"file/{name}": data for name, data in good_envelopes().items()}
    found |= {
        "file/slip": with_slip(),
        "file/unsigned": envelope(files=(tiny_pdf(), b"x")),
        "file/pdf": compressed_pdf(),
    }
    found |= {f"stored/{name}": data for name, data in good_pdfs().items()}
    return {name: name.partition("/")[0].encode() + b"\n" + data for name, data in found.items()}
