"""Keys and certificates of the worlds, made once per process, and the first edition of the registry for so many gateways.

Every gateway has keyed bodies (they send, and answer) and wards that only receive. `next` keys wait for a roll-over.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.audit import VerifierKey
from gateway.core.directory import Body, BodyStatus, GatewayEntry, Snapshot
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.crypto import InlineHolder, KeyRef, Trust, certificate_digest
from tests.kit.pki import MOMENT, Pki, ec_key, write_key

GATEWAYS_MAX = 5
KEYED = 3
WARDS = 12
START = MOMENT
DEADLINE = timedelta(days=5)
"""Of a delivery: shorter than the default, so that worlds come to rest in a week."""
GENERATIONS = 2
"""Keys of each kind: today's, and the next one."""


class SteadySigner:
    """Port `Signer` whose ECDSA has no chance in it (RFC 6979): the same receipt has the same bytes in every run."""

    def __init__(self, key: EllipticCurvePrivateKey | Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    async def sign(self, data: bytes) -> bytes:
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(data)
        return self._key.sign(data, ECDSA(SHA256(), deterministic_signing=True))


@dataclass(frozen=True)
class GatewayKeys:
    """The keys of one gateway; generations of those that roll over."""

    log: SteadySigner
    receipts: tuple[SteadySigner, ...]
    tls: tuple[Digest, ...]
    """Pins; the network compares them as TLS would."""


@dataclass(frozen=True)
class Materials:
    """Everything made once."""

    trust: Trust
    holder: InlineHolder
    gateways: tuple[GatewayId, ...]
    keys: MappingProxyType[GatewayId, GatewayKeys]
    transports: MappingProxyType[OrganId, tuple[KeyRef, ...]]
    """By generation; only the first keyed body of a gateway has two."""
    seals: MappingProxyType[OrganId, KeyRef]
    worlds: Path | None = None
    """Where worlds keep their files while they last; somewhere in memory by default."""

    def first_edition(self, count: int) -> Snapshot:
        """Edition 1 with the first so many gateways."""
        names = self.gateways[:count]
        bodies = [self._body(OrganId(code), name) for name in names for code in (*keyed(name), *wards(name))]
        return Snapshot(
            epoch=1,
            digest=edition_digest(1),
            issued_at=START,
            bodies=MappingProxyType({body.organ_id: body for body in bodies}),
            gateways=MappingProxyType({name: self._entry(name) for name in names}),
        )

    def _body(self, organ_id: OrganId, name: GatewayId) -> Body:
        seal = self.seals.get(organ_id)
        return Body(
            organ_id=organ_id,
            name=f"Cơ quan {organ_id}",
            in_charge="Thành phố",
            gateway=name,
            status=BodyStatus.ACTIVE,
            successor=None,
            transport_certificates=tuple(ref.chain[0] for ref in self.transports.get(organ_id, ())[:1]),
            seal_certificates=() if seal is None else (certificate_digest(seal.chain[0]),),
        )

    def _entry(self, name: GatewayId) -> GatewayEntry:
        keys = self.keys[name]
        return GatewayEntry(
            gateway=name,
            name=f"Cổng {name}",
            url=f"https://{name}:8444",
            tls_keys=keys.tls[:1],
            receipt_keys=(keys.receipts[0].public_key,),
            log_keys=(VerifierKey.of(log_origin(name), keys.log.public_key).format(),),
        )

    def rolled_over(self, edition: Snapshot, name: GatewayId) -> Snapshot:
        """The next edition: every key of that gateway has its successor in front of it, the old ones are still known."""
        keys, body_id = self.keys[name], OrganId(keyed(name)[0])
        entry = replace(
            edition.gateways[name],
            tls_keys=tuple(reversed(keys.tls)),
            receipt_keys=tuple(signer.public_key for signer in reversed(keys.receipts)),
        )
        certificates = tuple(ref.chain[0] for ref in reversed(self.transports[body_id]))
        body = replace(edition.bodies[body_id], transport_certificates=certificates)
        return next_edition(edition, bodies={body_id: body}, gateways={name: entry})


def keyed(name: GatewayId) -> tuple[OrganId, ...]:
    """Bodies of that gateway with a transport key of their own; the first has entrusted its seal."""
    number = name.removeprefix("g").partition(".")[0]
    return tuple(OrganId(f"Z7{number}.K{index}") for index in range(KEYED))


def wards(name: GatewayId) -> tuple[OrganId, ...]:
    """Bodies of that gateway that only receive."""
    number = name.removeprefix("g").partition(".")[0]
    return tuple(OrganId(f"Z7{number}.W{index:02}") for index in range(WARDS))


def newborn(name: GatewayId) -> OrganId:
    """A body of that gateway that no edition knows before one brings it."""
    return OrganId(f"{wards(name)[0]}X")


def log_origin(name: GatewayId) -> str:
    return f"{name}/audit"


def edition_digest(epoch: int) -> Digest:
    return Digest(hashlib.sha256(f"edition {epoch}".encode()).hexdigest())


def next_edition(
    edition: Snapshot,
    *,
    bodies: dict[OrganId, Body] | None = None,
    gateways: dict[GatewayId, GatewayEntry] | None = None,
) -> Snapshot:
    """The edition after this one, with some entries changed."""
    return replace(
        edition,
        epoch=edition.epoch + 1,
        digest=edition_digest(edition.epoch + 1),
        issued_at=edition.issued_at + timedelta(hours=1),
        bodies=MappingProxyType({**edition.bodies, **(bodies or {})}),
        gateways=MappingProxyType({**edition.gateways, **(gateways or {})}),
    )


def make_materials(folder: Path, *, gateways: int = GATEWAYS_MAX) -> Materials:
    """Make the keys (a second or two); `folder` keeps the private ones as files, as a key-holder wants them."""
    pki = Pki("World")
    names = tuple(GatewayId(f"g{number}.test") for number in range(gateways))
    files: dict[str, Path] = {}

    def key_ref(purpose: str, organ_id: OrganId, generation: int) -> KeyRef:
        # the kit's PKI has one key for each holder: the next generation is made out to a name of its own
        holder = f"{organ_id}.N{generation}" if generation else organ_id
        leaf = pki.leaf(purpose, organ_id=OrganId(holder))  # type: ignore[arg-type]  # a Literal, from a loop
        key_id = f"{purpose} {organ_id} {generation}"
        files[key_id] = write_key(folder / f"{key_id}.pem", leaf.key)
        return KeyRef(key_id=key_id, chain=leaf.chain)

    transports = {
        organ_id: tuple(key_ref("transport", organ_id, n) for n in range(GENERATIONS if index == 0 else 1))
        for name in names
        for index, organ_id in enumerate(keyed(name))
    }
    seals = {organ_id: key_ref("seal", organ_id, 0) for organ_id in (keyed(name)[0] for name in names)}
    return Materials(
        trust=pki.trust,
        holder=InlineHolder(keys=files, own_files=True),
        gateways=names,
        keys=MappingProxyType({name: _gateway_keys(name) for name in names}),
        transports=MappingProxyType(transports),
        seals=MappingProxyType(seals),
    )


def _gateway_keys(name: GatewayId) -> GatewayKeys:
    return GatewayKeys(
        log=SteadySigner(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"log {name}".encode()).digest())),
        receipts=tuple(SteadySigner(ec_key(f"receipt {name} {n}")) for n in range(GENERATIONS)),
        tls=tuple(Digest(hashlib.sha256(f"tls {name} {n}".encode()).hexdigest()) for n in range(GENERATIONS)),
    )
