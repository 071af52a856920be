"""Everything that is wrong with a configuration and the files it names, told at once: for `config check` and for `doctor`.

First every wrong key, with its path. Then registry, trust, keys and certificates, as `serve` will insist on them before it
listens, as far as their keys can be read. No database is opened, no port, and no key is touched but to see that it is there,
its owner's alone, and the one that the registry and the certificate name. What `read_material` would refuse and no look here
has found is told at the end, so nothing is called sound that would not start.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from gateway.audit import AuditError, VerifierKey
from gateway.config import Config, ConfigProblem, Examined, examine_config
from gateway.core.directory import Body, GatewayEntry, Snapshot
from gateway.core.errors import GatewayError, SiteError
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.core.reasons import Reason, because
from gateway.crypto import (
    FileSigner,
    check_source,
    office_context,
    read_certificates,
    read_folder,
    read_trust,
    refuse_demo,
    spki_digest,
)
from gateway.material import body_keys, own_bodies, refusal, trust_sources
from gateway.observe import SystemClock
from gateway.registry import load_snapshot, refuse_demo_codes

NAMES_MAX: Final = 3
"""Of many bodies with one and the same mistake: the first few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """One thing that was looked at, and what is wrong with it (`error` None: nothing)."""

    name: str
    """The key of the configuration it is about; empty for the file itself."""
    what: str
    error: GatewayError | None = None
    problem: ConfigProblem | None = None
    """When it is the file itself that is wrong."""
    count: int = 1
    """How many have this mistake."""


def findings_of(path: Path) -> Iterator[Inspection]:
    """Everything there is to say about a configuration file without starting anything."""
    try:
        examined = examine_config(path)
    except SiteError as unreadable:
        yield Inspection(name="", what=str(path), error=unreadable)
        return
    for one in examined.problems:
        invalid = SiteError("config.invalid", path=one.path, reason=one.reason)
        yield Inspection(name=one.path, what=str(path), error=invalid, problem=one)
    if examined.config is None:
        return
    if not examined.problems:
        yield Inspection(name="", what=str(path))
    found = [*_of_files(examined, examined.config)]
    yield from found
    if not examined.problems and all(one.error is None for one in found):
        refused = refusal(examined.config)  # what no look looks at
        yield from (Inspection(name="", what=str(path), error=one) for one in (refused,) if one is not None)


def _of_files(examined: Examined, config: Config) -> Iterator[Inspection]:
    snapshot: Snapshot | None = None
    own: GatewayEntry | None = None
    if examined.knows("registry.file", "registry.sha256"):
        registry = _Look(lambda: load_snapshot(config.registry.file, expected=Digest(config.registry.sha256)))
        yield registry.finding("registry.file", config.registry.file)
        snapshot = registry.found
    if snapshot is not None and examined.knows("gateway.id"):
        own = snapshot.gateways.get(GatewayId(config.gateway.id))
        if own is None:
            reason = because("not_listed", name=config.gateway.id)
            error = SiteError("registry.invalid", path="gateways", problem=reason)
            yield Inspection(name="gateway.id", what=config.gateway.id, error=error)
    for check in _own_checks(config, own):
        if examined.knows(*check.needs):
            yield _Look(check.look).finding(check.name, check.what)
    yield from _of_bodies(examined, config, snapshot)


class _Look:
    """One look: what it found, or what stood in the way."""

    def __init__(self, look: Callable[[], Any], /) -> None:
        self.found: Any = None
        self.error: GatewayError | None = None
        try:
            self.found = look()
        except GatewayError as error:
            self.error = error

    def finding(self, name: str, what: object) -> Inspection:
        """What to tell of it."""
        return Inspection(name=name, what=str(what), error=self.error)


# --- what serve insists on, one by one ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Check:
    """A look at one thing that the configuration names."""

    name: str
    what: object
    look: Callable[[], object]
    more: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """The keys without which it cannot be looked at."""
        return (self.name, *self.more)


def _own_checks(config: Config, own: GatewayEntry | None) -> Iterator[_Check]:
    office, peer, state = config.office_api, config.peer, config.gateway.state
    demo = ("gateway.environment",)
    yield _Check("gateway.state", state, lambda: _state(state))
    sources = trust_sources(config)
    listed = ("trust.list", "trust.list_keys", "trust.list_signatures", "trust.policy", "revocation.store")
    now = SystemClock().now()
    yield _Check("trust.folder", config.trust.folder, lambda: read_trust(sources, now=now), (*demo, *listed))
    pair = ("office_api.certificate",)
    yield _Check(
        "office_api.key", office.key, lambda: office_context(certificate=office.certificate, key=office.key), pair
    )
    if office.client_anchors is not None:
        yield _Check("office_api.client_anchors", office.client_anchors, lambda: read_folder(office.client_anchors))
    yield _Check("peer.anchors", peer.anchors, lambda: _anchors(peer.anchors))
    yield _Check("peer.key", peer.key, lambda: _peer(config, own), ("peer.certificate",))
    yield _Check("receipts.key", config.receipts.key, lambda: _receipts(config.receipts.key, own))
    yield _Check("audit.key", config.audit.key, lambda: _log(config, own), ("gateway.id",))
    if not config.demo:
        certificates = ("office_api.certificate", "peer.certificate", "peer.anchors")
        yield _Check("gateway.environment", config.gateway.environment, lambda: _no_demo(config), certificates)


def _of_bodies(examined: Examined, config: Config, snapshot: Snapshot | None) -> Iterator[Inspection]:
    """A key for every body of this gateway; those that are good are told as one, and so are those with one mistake."""
    demo = config.demo
    placed = ("keys.sources", "keys.tokens", "gateway.environment")
    if snapshot is not None and examined.knows("keys.transport", "gateway.id", *placed):
        transports = {str(one.organ_id): _transport(config, one) for one in own_bodies(config, snapshot)}
        yield from _each("keys.transport", config.keys.transport, transports)
    if examined.knows("keys.seals", "keys.entrusted", *placed):
        entrusted = map(OrganId, config.keys.entrusted)
        seals = {str(organ): _seal(config, organ) for organ in entrusted}
        yield from _each("keys.seals", config.keys.seals, seals)
    if snapshot is not None and examined.knows("gateway.environment") and not demo:
        yield _Look(lambda: refuse_demo_codes(snapshot)).finding("registry.file", "codes")


def _each(name: str, folder: Path | None, looks: Mapping[str, Callable[[], object]]) -> Iterator[Inspection]:
    errors = {what: error for what, look in looks.items() if (error := _Look(look).error) is not None}
    if good := len(looks) - len(errors):
        yield Inspection(name=name, what=f"{folder} ({good})")
    kinds = {what: _kind(error) for what, error in errors.items()}
    for _, group in groupby(sorted(errors, key=lambda what: (kinds[what], what)), key=kinds.__getitem__):
        names = list(group)
        shown = ", ".join(names[:NAMES_MAX]) + (f" … ({len(names)})" if len(names) > NAMES_MAX else "")
        yield Inspection(name=name, what=shown, error=errors[names[0]], count=len(names))


def _kind(error: GatewayError) -> tuple[str, str]:
    return error.code, str(error.params.get("reason", ""))


def _state(folder: Path) -> None:
    there = next(step for step in (folder, *folder.parents) if step.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise SiteError("config.invalid", path="gateway.state", reason=because("not_writable", path=there))


def _anchors(folder: Path) -> None:
    if not read_folder(folder):
        raise SiteError("config.invalid", path=str(folder), reason=because("no_anchor"))


def _peer(config: Config, own: GatewayEntry | None) -> None:
    peer = config.peer
    office_context(certificate=peer.certificate, key=peer.key)  # the anchors are looked at on their own
    known = own is None or spki_digest(read_certificates(peer.certificate)[0]) in own.tls_keys
    _insist(known, "peer", because("other_key"))


def _receipts(path: Path, own: GatewayEntry | None) -> None:
    key = FileSigner(path, key_id="receipts").public_key
    _insist(own is None or key in own.receipt_keys, "receipts", because("other_key"))


def _log(config: Config, own: GatewayEntry | None) -> None:
    key = FileSigner(config.audit.key, key_id="audit").public_key
    try:
        verifier = VerifierKey.of(config.log_origin, key).format()
    except AuditError as error:
        raise SiteError("key.missing", key="audit", reason=because("not_log_key")) from error
    _insist(own is None or verifier in own.log_keys, "audit", because("other_key"))


def _transport(config: Config, body: Body) -> Callable[[], None]:
    def look() -> None:
        known = _pair(config, config.keys.transport, body.organ_id, purpose="transport") in body.transport_certificates
        _insist(known, f"transport:{body.organ_id}", because("other_certificate"))

    return look


def _seal(config: Config, organ: OrganId) -> Callable[[], None]:
    def look() -> None:
        if config.keys.seals is None:
            raise SiteError("config.invalid", path="keys.seals", reason=because("no_seals"))
        _pair(config, config.keys.seals, organ, purpose="seal")

    return look


def _pair(config: Config, folder: Path, organ: OrganId, *, purpose: str) -> bytes:
    """The certificate of a body, and its key if that lies in a file: then the two are compared. No token is opened."""
    ref, source = body_keys(config, folder, [organ], purpose=purpose)[organ]
    check_source(source, ref.chain[0], key_id=ref.key_id)
    if not config.demo:
        refuse_demo(ref.chain[0], what=str(folder / f"{organ}.crt"))
    return ref.chain[0]


def _no_demo(config: Config) -> None:
    for what, read in (
        (str(config.office_api.certificate), lambda: read_certificates(config.office_api.certificate)[:1]),
        (str(config.peer.certificate), lambda: read_certificates(config.peer.certificate)[:1]),
        ("peer anchor", lambda: read_folder(config.peer.anchors)),
        ("client anchor", lambda: read_folder(config.office_api.client_anchors)),
    ):
        for certificate in _Look(read).found or ():  # what cannot be read is told under its own key
            refuse_demo(certificate, what=what)


def _insist(good: bool, key: str, reason: Reason) -> None:
    if not good:
        raise SiteError("key.missing", key=key, reason=reason)
