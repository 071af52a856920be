"""`gateway doctor`: everything a gateway needs, looked at from outside, beside the running service or without it.

Each room brings its own probes; here stands which are asked, in which order, and what each is given. A probe whose material
cannot be read reports that, and the others are asked all the same. No document is opened, and nothing is changed but the file
that remembers how far the walk through all rows has come.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.api import ServiceProbe
from gateway.audit import AuditError, LogProbe, VerifierKey
from gateway.config import Config, ListenerSection, load_config
from gateway.core.activation import Activation
from gateway.core.directory import GatewayEntry, Snapshot
from gateway.core.errors import GatewayError, SiteError
from gateway.core.health import Check, Finding, Health, failed, found
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.core.limits import DESCRIPTORS_MIN, START_LOOK_SECONDS_MAX
from gateway.core.ports import Probe, Store
from gateway.core.reasons import Reason
from gateway.crypto import (
    CertificateProbe,
    ConfinementProbe,
    EvidenceStore,
    FetchProbe,
    FileSigner,
    KeyFile,
    KeyProbe,
    KeySource,
    TokenProbe,
    TrustProbe,
    certificate_digest,
    client_context,
    files_of,
    read_certificates,
    read_folder,
    read_trust,
    subject_public_key,
)
from gateway.evidence import InvariantsProbe
from gateway.exchange import HeldProbe, LateProbe, OrderProbe, OwedProbe, ResyncProbe, check_receipt
from gateway.malware import ScannerProbe
from gateway.material import body_keys, fetch_plan, own_bodies, trust_sources
from gateway.observe import DescriptorsProbe, FileTimesProbe, PortProbe, SystemClock, ask, attainable_limit
from gateway.peer import PeerProbe
from gateway.preflight import Inspection, findings_of
from gateway.registry import RegistryProbe, load_snapshot
from gateway.rooms import open_scanner
from gateway.storage import BlobsProbe, DatabaseProbe, FileBlobs, lock_holder, open_store_for_reading
from gateway.watch import disk_watch

FINDINGS_MAX: Final = 20
"""Of the configuration; `config check` has them all."""
SECONDS_MAX: Final = 30.0
"""A probe on a slow disk: reading 338 keys and a large database takes seconds."""


async def examine(path: Path, *, peers: bool = False) -> tuple[Finding, ...]:
    """Every finding, in the order of the checks. `peers`: shake hands with the other gateways, too."""
    looked = await asyncio.to_thread(lambda: list(findings_of(path)))
    wrong = [one for one in looked if one.error is not None]
    try:
        config = load_config(path)
    except SiteError:
        return tuple(_configuration(wrong))
    snapshot = _snapshot(config)
    async with AsyncExitStack() as stack:
        store = await _open_store(config, stack)
        active = await store.read(lambda uow: uow.directory.active()) if store is not None else None
        service = await ask(_service(config))
        probed = [
            *await ask(_files(config, snapshot, active), seconds=SECONDS_MAX),
            *await ask(_state(config, store, snapshot), seconds=SECONDS_MAX),
            *await ask(_machine(config, path)),
        ]
    failing = {finding.check for finding in probed if finding.health is Health.FAIL}
    untold = [one for one in wrong if _PROBED.get(one.name) not in failing]
    own = _configuration(untold) or [found("probe.configuration.read" if wrong else "probe.configuration.good")]
    return (*service, *own, *probed, *(await _peers(config, snapshot) if peers and snapshot is not None else ()))


_PROBED: Final = MappingProxyType(
    {
        **dict.fromkeys(("registry.file", "gateway.id"), Check.REGISTRY),
        **dict.fromkeys(("audit.key", "receipts.key", "office_api.key", "peer.key"), Check.KEYS),
        **dict.fromkeys(("keys.transport", "keys.seals"), Check.KEYS),
        "trust.folder": Check.TRUST,
    }
)
"""Whose probe looks at what a key of the configuration names: where that fails, it has told more than `config check` would."""


def _configuration(wrong: Sequence[Inspection]) -> list[Finding]:
    """What `config check` says of it: the same looks, so the two never disagree."""
    return [_unsound(one) for one in wrong][:FINDINGS_MAX]


def _unsound(one: Inspection) -> Finding:
    assert one.error is not None
    if one.count == 1:
        return failed(Check.CONFIGURATION, one.error)
    reason = Reason(one.error.code, one.error.params)
    return found("probe.configuration.many", name=one.name, what=one.what, count=one.count, reason=reason)


# --- which probes there are, and what they are given ---------------------------------------------------------------------


def _service(config: Config) -> list[Probe]:
    admin = config.admin
    if not (admin.enabled and admin.port):
        return []
    host = f"[{admin.host}]" if ":" in admin.host else admin.host
    return [ServiceProbe(f"http://{host}:{admin.port}/readyz", own=GatewayId(config.gateway.id))]


def _files(config: Config, snapshot: Snapshot | None, active: Activation | None) -> list[Probe]:
    own, clock, section = GatewayId(config.gateway.id), SystemClock(), config.registry
    return [
        RegistryProbe(section.file, expected=Digest(section.sha256), own=own, active=active),
        KeyProbe(keys := list(_keys(config, snapshot))),
        TokenProbe({key.key_id: key.source for key in keys if key.source is not None}),
        CertificateProbe(lambda: list(_certificates(config, snapshot)), clock=clock),
        TrustProbe(
            lambda: read_trust(trust_sources(config), now=clock.now()),
            clock=clock,
            issued=lambda: _issued(config, snapshot),
        ),
        FetchProbe(EvidenceStore(config.revocation_store), lambda: fetch_plan(config), clock=clock),
    ]


def _state(config: Config, store: Store | None, snapshot: Snapshot | None) -> list[Probe]:
    probes: list[Probe] = [DatabaseProbe(config.database_place())]
    key, clock = _log_key(config), SystemClock()
    if store is not None and key is not None:
        probes.append(LogProbe(store=store, memory=config.signer_memory, key=key))
    if store is not None:
        probes += [HeldProbe(store=store), LateProbe(store=store, clock=clock), OrderProbe(store=store, clock=clock)]
        probes += [ResyncProbe(store=store), OwedProbe(store=store, clock=clock)]
    if store is not None and snapshot is not None:
        probes.append(_invariants(config, store, snapshot))
    scanner = ScannerProbe(open_scanner(config.scanner), clock=clock, demo=config.demo)
    return [*probes, scanner, BlobsProbe(config.blobs)]


def _invariants(config: Config, store: Store, snapshot: Snapshot) -> Probe:
    return InvariantsProbe(
        store=store,
        blobs=FileBlobs(config.blobs),
        snapshot=snapshot,
        check_receipt=check_receipt,
        walk=config.gateway.state / "doctor-walk",
        clock=SystemClock(),
    )


def _machine(config: Config, path: Path) -> list[Probe]:
    place = config.database_place()
    files = (place, place.with_name("gateway.db-wal")) if isinstance(place, Path) else ()
    written = (*files, config.signer_memory, path)
    sections = [("office_api", config.office_api), ("peer", config.peer)]
    listeners = [(name, section.host, section.port) for name, section in sections]
    if config.admin.enabled:
        listeners.append(("admin", config.admin.host, config.admin.port))
    return [
        disk_watch(config),
        FileTimesProbe(written, clock=SystemClock()),
        PortProbe(listeners, ours=_served(place)),
        DescriptorsProbe(DESCRIPTORS_MIN, limit=attainable_limit),
        ConfinementProbe(),
    ]


async def _peers(config: Config, snapshot: Snapshot) -> tuple[Finding, ...]:
    section = config.peer
    try:
        context = client_context(certificate=section.certificate, key=section.key, anchors=read_folder(section.anchors))
    except GatewayError as error:
        return (failed(Check.PEERS, error),)
    probe = PeerProbe(snapshot, own=GatewayId(config.gateway.id), ssl_context=context, clock=SystemClock())
    return await ask([probe], seconds=probe.seconds)


# --- material, as far as it can be read ----------------------------------------------------------------------------------


def _snapshot(config: Config) -> Snapshot | None:
    """The edition in the file; None when it is not as it must be, which `RegistryProbe` reports."""
    try:
        return load_snapshot(config.registry.file, expected=Digest(config.registry.sha256))
    except SiteError:
        return None


def _served(place: Path | str) -> bool:
    """Whether a service holds the database; not when it cannot be asked, which `DatabaseProbe` reports."""
    try:
        return lock_holder(place) is not None
    except SiteError:
        return False


async def _open_store(config: Config, stack: AsyncExitStack) -> Store | None:
    """The database for reading; None when there is none or it cannot be read, which `DatabaseProbe` reports."""
    place = config.database_place()
    if isinstance(place, Path) and not place.exists():
        return None
    try:
        store = await asyncio.to_thread(open_store_for_reading, place, patience=START_LOOK_SECONDS_MAX)
    except SiteError:
        return None
    stack.push_async_callback(store.close)
    return store


def _log_key(config: Config) -> VerifierKey | None:
    """The log's verifier key; None when the key cannot be read, which `KeyProbe` reports."""
    try:
        return VerifierKey.of(config.log_origin, FileSigner(config.audit.key, key_id="audit").public_key)
    except (SiteError, AuditError):
        return None


def _keys(config: Config, snapshot: Snapshot | None) -> Iterator[KeyFile]:
    """Every private key that the configuration names. Without a registry no key is a stranger."""
    entry = snapshot.gateways.get(GatewayId(config.gateway.id)) if snapshot is not None else None
    yield KeyFile(
        key_id="audit",
        path=config.audit.key,
        certificate=None,
        known=lambda key: entry is None or _is_log_key(key, config.log_origin, entry),
    )
    yield KeyFile(
        key_id="receipts",
        path=config.receipts.key,
        certificate=None,
        known=lambda key: entry is None or key in entry.receipt_keys,
    )
    yield _listener_key("office_api", config.office_api, None)
    yield _listener_key("peer", config.peer, entry)
    if snapshot is not None:
        yield from _body_keys(config, snapshot)


def _is_log_key(key: bytes, origin: str, entry: GatewayEntry) -> bool:
    try:
        return VerifierKey.of(origin, key).format() in entry.log_keys
    except (AuditError, ValueError):
        return False  # of another algorithm


def _listener_key(name: str, section: ListenerSection, entry: GatewayEntry | None) -> KeyFile:
    return KeyFile(
        key_id=name,
        path=section.key,
        certificate=section.certificate,
        known=lambda key: entry is None or Digest(hashlib.sha256(key).hexdigest()) in entry.tls_keys,
    )


def _body_keys(config: Config, snapshot: Snapshot) -> Iterator[KeyFile]:
    for body in own_bodies(config, snapshot):
        known = frozenset(map(subject_public_key, body.transport_certificates))
        yield _body_key(config, "transport", body.organ_id, known)
    for organ in map(OrganId, config.keys.entrusted if config.keys.seals is not None else ()):
        assert config.keys.seals is not None
        seal = config.keys.seals / f"{organ}.crt"
        listed = snapshot.bodies[organ].seal_certificates if organ in snapshot.bodies else ()
        known = frozenset(subject_public_key(der) for der in _readable(seal) if certificate_digest(der) in listed)
        yield _body_key(config, "seal", organ, known)


def _body_key(config: Config, purpose: str, organ: OrganId, known: frozenset[bytes]) -> KeyFile:
    folder = config.keys.transport if purpose == "transport" else config.keys.seals
    assert folder is not None, "asked for bodies that have entrusted their seals"
    source = _placed(config, folder, organ, purpose)
    return KeyFile(
        key_id=f"{purpose}:{organ}",
        path=files_of(source)[0] if source is not None else folder / f"{organ}.pem",
        certificate=folder / f"{organ}.crt",
        known=known.__contains__,
        source=source,
    )


def _placed(config: Config, folder: Path, organ: OrganId, purpose: str) -> KeySource | None:
    """Where the key lies; None when its certificate cannot be read, which `KeyProbe` reports."""
    try:
        return body_keys(config, folder, [organ], purpose=purpose)[organ][1]
    except SiteError:
        return None


def _issued(config: Config, snapshot: Snapshot | None) -> list[bytes]:
    """Certificates that somebody will judge: those that the registry names, and the seals of our own bodies."""
    bodies = snapshot.bodies.values() if snapshot is not None else ()
    listed = [der for body in bodies for der in body.transport_certificates]
    seals = config.keys.seals
    own = [der for organ in config.keys.entrusted for der in _readable(seals / f"{organ}.crt")[:1]] if seals else []
    return [*listed, *own]


def _readable(path: Path) -> tuple[bytes, ...]:
    """Certificates of a file; none when it cannot be read, which `KeyProbe` reports."""
    try:
        return read_certificates(path)
    except SiteError:
        return ()


def _certificates(config: Config, snapshot: Snapshot | None) -> Iterator[tuple[str, bytes]]:
    """Own certificates, by what they are for.

    Raises:
        SiteError: `config.invalid`: one cannot be read.
    """
    yield "office_api", read_certificates(config.office_api.certificate)[0]
    yield "peer", read_certificates(config.peer.certificate)[0]
    for body in own_bodies(config, snapshot) if snapshot is not None else ():
        yield f"transport:{body.organ_id}", read_certificates(config.keys.transport / f"{body.organ_id}.crt")[0]
    for organ in config.keys.entrusted if config.keys.seals is not None else ():
        assert config.keys.seals is not None
        yield f"seal:{organ}", read_certificates(config.keys.seals / f"{organ}.crt")[0]
