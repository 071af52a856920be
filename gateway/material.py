"""What a gateway is made of, read from its files and found to fit together; nothing of it is in use yet.

Read once at start, again at each reload (SIGHUP), by `doctor` and by `config check` (`refusal`): so what one of them refuses,
the others refuse for the same reason. Whatever is wrong is a `GatewayError` that names it.
"""

import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.audit import VerifierKey
from gateway.config import Config, KeysSection
from gateway.core.directory import Body, GatewayEntry, Snapshot
from gateway.core.errors import GatewayError, SiteError
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.core.reasons import because
from gateway.crypto import (
    EvidenceSource,
    FetchPlan,
    FileSigner,
    KeyFiles,
    KeySource,
    ListSource,
    PemFile,
    Pkcs11Key,
    Pkcs12File,
    Token,
    Trust,
    TrustSources,
    allowed_hosts,
    client_context,
    office_context,
    read_certificates,
    read_folder,
    read_key_files,
    read_trust,
    refuse_demo,
    server_context,
    spki_digest,
)
from gateway.observe import SystemClock
from gateway.registry import load_snapshot_of, refuse_demo_codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One consistent reading of everything that can be exchanged while the gateway runs."""

    config: Config
    snapshot: Snapshot
    trust: Trust
    transports: KeyFiles
    seals: KeyFiles
    peer_server: ssl.SSLContext
    peer_client: ssl.SSLContext
    office: ssl.SSLContext
    peer_anchors: tuple[bytes, ...]
    client_anchors: tuple[bytes, ...]
    peer_certificate: tuple[bytes, ...]
    office_certificate: tuple[bytes, ...]

    @property
    def entry(self) -> GatewayEntry:
        """What the registry says of us."""
        return self.snapshot.gateways[GatewayId(self.config.gateway.id)]

    def certificates(self) -> list[tuple[str, bytes]]:
        """Own certificates that others look at, by what they are for."""
        own = {**{ref.key_id: ref.chain[0] for ref, _ in (*self.transports.values(), *self.seals.values())}}
        return [("office_api", self.office_certificate[0]), ("peer", self.peer_certificate[0]), *own.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSigners:
    """The two keys that sign in the service itself; they live as long as it does."""

    log: FileSigner
    receipts: FileSigner

    def check(self, config: Config, entry: GatewayEntry) -> None:
        """They must be those that the registry tells everybody to expect.

        Raises:
            SiteError: `key.missing`, before anything is signed that no peer would believe.
        """
        for key_id, known in (
            ("audit", VerifierKey.of(config.log_origin, self.log.public_key).format() in entry.log_keys),
            ("receipts", self.receipts.public_key in entry.receipt_keys),
        ):
            if not known:
                raise stranger(key_id)


def stranger(key_id: str) -> SiteError:
    """A key that is not the one the registry names."""
    return SiteError("key.missing", key=key_id, reason=because("other_key"))


def open_signers(config: Config) -> OwnSigners:
    """Load both keys.

    Raises:
        SiteError: `key.missing`.
    """
    return OwnSigners(
        log=FileSigner(config.audit.key, key_id="audit"), receipts=FileSigner(config.receipts.key, key_id="receipts")
    )


def read_material(config: Config) -> Material:
    """Read and check it all.

    Raises:
        GatewayError: registry, trust, a certificate or a key is not as it must be.
    """
    snapshot = load_snapshot_of(config.gateway.id, config.registry.file, expected=Digest(config.registry.sha256))
    peer, office = config.peer, config.office_api
    anchors, clients = read_folder(peer.anchors), read_folder(office.client_anchors)
    if not anchors:
        raise SiteError("config.invalid", path=str(peer.anchors), reason=because("no_anchor"))
    material = Material(
        config=config,
        snapshot=snapshot,
        trust=read_trust(trust_sources(config), now=SystemClock().now()),
        transports=_transports(config, snapshot),
        seals=_seals(config),
        peer_server=server_context(certificate=peer.certificate, key=peer.key, client_anchors=anchors),
        peer_client=client_context(certificate=peer.certificate, key=peer.key, anchors=anchors),
        office=office_context(certificate=office.certificate, key=office.key, client_anchors=clients),
        client_anchors=clients,
        peer_anchors=anchors,
        peer_certificate=read_certificates(peer.certificate),
        office_certificate=read_certificates(office.certificate),
    )
    if config.timestamps.urls and not material.trust.authorities:
        raise SiteError("config.invalid", path="timestamps.urls", reason=because("no_authority"))
    if spki_digest(material.peer_certificate[0]) not in material.entry.tls_keys:
        raise stranger("peer")
    if not config.demo:
        _refuse_demo(material)
    return material


def trust_sources(config: Config) -> TrustSources:
    """Where the configuration says that trust is read from."""
    section = config.trust
    listed = None
    if section.list is not None:
        assert section.list_keys is not None, "the configuration insists on them"
        listed = ListSource(
            file=section.list, keys=section.list_keys, needed=section.list_signatures, memory=config.trust_memory
        )
    return TrustSources(
        folder=section.folder,
        demo=config.demo,
        policy=section.policy,
        list=listed,
        store=config.revocation_store,
    )


def fetch_plan(config: Config) -> FetchPlan:
    """What revocation evidence the configuration says to fetch."""
    section = config.revocation
    sources = (
        EvidenceSource(url=one.url, mirror=one.mirror, every_seconds=one.every_seconds) for one in section.sources
    )
    return FetchPlan(sources=tuple(sources), allowed=allowed_hosts(section.hosts, section.private_hosts))


def refusal(config: Config) -> GatewayError | None:
    """Why `serve` would not start with these files; None when it would.

    For those who look at the files one by one, to say everything at once: what they leave out is still refused.
    """
    try:
        open_signers(config).check(config, read_material(config).entry)
    except GatewayError as error:
        return error
    return None


def own_bodies(config: Config, snapshot: Snapshot) -> Iterator[Body]:
    """The bodies that this gateway speaks for."""
    return (body for body in snapshot.bodies.values() if body.gateway == config.gateway.id)


def _transports(config: Config, snapshot: Snapshot) -> KeyFiles:
    own = list(own_bodies(config, snapshot))
    transports = body_keys(config, config.keys.transport, (body.organ_id for body in own), purpose="transport")
    for body in own:
        ref, _ = transports[body.organ_id]
        if ref.chain[0] not in body.transport_certificates:
            raise SiteError("key.missing", key=ref.key_id, reason=because("other_certificate"))
    return transports


def _seals(config: Config) -> KeyFiles:
    if not config.keys.entrusted:
        return {}
    if config.keys.seals is None:
        raise SiteError("config.invalid", path="keys.seals", reason=because("no_seals"))
    return body_keys(config, config.keys.seals, map(OrganId, config.keys.entrusted), purpose="seal")


def body_keys(config: Config, folder: Path, organs: Iterable[OrganId], *, purpose: str) -> KeyFiles:
    """Certificates of bodies, and where the configuration says that their keys lie.

    Raises:
        SiteError: `config.invalid`: a certificate cannot be read.
    """

    def elsewhere(organ: OrganId, certificate: Digest) -> KeySource | None:
        return _source(config.keys, purpose, organ, certificate)

    return read_key_files(folder, organs, purpose=purpose, elsewhere=elsewhere)


def _source(keys: KeysSection, purpose: str, organ: OrganId, certificate: Digest) -> KeySource | None:
    """What an entry of `keys.sources` says of that key; None when there is none."""
    entry = keys.source(purpose, organ)
    if entry is None:
        return None
    if entry.pem is not None:
        return PemFile(path=entry.pem, password_file=entry.password_file)
    if entry.pkcs12 is not None:
        assert entry.password_file is not None, "the configuration was checked"
        return Pkcs12File(path=entry.pkcs12, password_file=entry.password_file, certificate=certificate)
    named = next(one for one in keys.tokens if one.name == entry.token)
    token = Token(
        module=named.module,
        pin_file=named.pin_file,
        label=named.label,
        serial=named.serial,
        environment=named.variables(),
    )
    return Pkcs11Key(token=token, certificate=certificate, object_id=entry.object_id)


def _refuse_demo(material: Material) -> None:
    """A demo certificate in a real installation is refused before anything listens (house.md)."""
    shown = [
        *material.certificates(),
        *(("peer anchor", anchor) for anchor in material.peer_anchors),
        *(("client anchor", anchor) for anchor in material.client_anchors),
        *((body.organ_id, der) for body in material.snapshot.bodies.values() for der in body.transport_certificates),
    ]
    for what, certificate in shown:
        refuse_demo(certificate, what=what)
    refuse_demo_codes(material.snapshot)
