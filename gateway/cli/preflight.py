"""`gateway config check`: everything that is wrong with a configuration and the files it names, told at once.

First every wrong key, with its path. When the file itself is good: registry, trust, keys and certificates, as `serve` will
insist on them before it listens. No database is opened, no port, and no key is touched but to see that it is there, its
owner's alone, and the one that the registry and the certificate name.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.audit import AuditError, VerifierKey
from gateway.cli.errors import Exit, Report, details, of_gateway_error, report_json
from gateway.cli.output import Terminal
from gateway.config import Config, ConfigProblem, examine_config
from gateway.core.directory import Body, GatewayEntry, Snapshot
from gateway.core.errors import GatewayError, SiteError
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.crypto import (
    FileSigner,
    load_trust,
    office_context,
    read_certificates,
    read_folder,
    read_key_files,
    refuse_demo,
    spki_digest,
)
from gateway.material import refusal
from gateway.observe import text
from gateway.registry import load_snapshot, refuse_demo_codes

Json = dict[str, Any]

_KINDS: Final = {
    "file": "cli.config.file",
    "missing": "cli.config.missing",
    "extra_forbidden": "cli.config.extra_forbidden",
}
"""Mistakes that have words of their own; of the others pydantic says in the detail what it expected."""
_OTHER_KEY: Final = "another key than the registry names for this gateway"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what is wrong with it (None: nothing)."""

    name: str
    """The key of the configuration it is about; empty for the file itself."""
    what: str
    report: Report | None


def check(terminal: Terminal, path: Path) -> int:
    """Print what was looked at and what is wrong; 8 when anything is."""
    findings = list(findings_of(path))
    sound = all(one.report is None for one in findings)
    if terminal.json:
        terminal.value({"file": str(path), "sound": sound, "checks": [_finding_json(one) for one in findings]})
    else:
        for one in findings:
            _print_finding(terminal, one)
    terminal.say("cli.config.sound" if sound else "cli.config.unsound")
    return Exit.OK if sound else Exit.CONFIGURATION


def findings_of(path: Path) -> Iterator[Finding]:
    """Everything there is to say about a configuration file without starting anything."""
    config, problems = examine_config(path)
    yield from (Finding(one.path, str(path), _of_problem(one, path)) for one in problems)
    if config is None:
        return
    yield Finding("", str(path), None)
    registry = _Look(lambda: load_snapshot(config.registry.file, expected=Digest(config.registry.sha256)))
    yield registry.finding("registry.file", config.registry.file)
    snapshot: Snapshot | None = registry.found
    own = snapshot.gateways.get(GatewayId(config.gateway.id)) if snapshot else None
    if snapshot and own is None:
        unknown = SiteError("registry.invalid", path="gateways", problem=f"{config.gateway.id} is not in it")
        yield Finding("gateway.id", config.gateway.id, of_gateway_error(unknown))
    looks = (*_own_checks(config, own), *_body_checks(config, snapshot))
    found = [_Look(look).finding(name, what) for name, what, look in looks]
    yield from found
    if snapshot and own and all(one.report is None for one in found):
        error = refusal(config)  # what no look looks at
        yield from (Finding("", str(path), of_gateway_error(one)) for one in (error,) if one is not None)


class _Look:
    """One look: what it found, or what stood in the way."""

    def __init__(self, look: Callable[[], Any], /) -> None:
        self.found: Any = None
        self._report: Report | None = None
        try:
            self.found = look()
        except GatewayError as error:
            self._report = of_gateway_error(error)

    def finding(self, name: str, what: object) -> Finding:
        """What to tell of it."""
        return Finding(name, str(what), self._report)


# --- what serve insists on, one by one ---------------------------------------------------------------------------------

Check = tuple[str, object, Callable[[], object]]
"""Key of the configuration, what it names, and how it is looked at."""


def _own_checks(config: Config, own: GatewayEntry | None) -> Iterator[Check]:
    office, peer = config.office_api, config.peer
    yield "gateway.state", config.gateway.state, lambda: _state(config.gateway.state)
    yield "trust.folder", config.trust.folder, lambda: load_trust(config.trust.folder, config.demo)
    yield "office_api.key", office.key, lambda: office_context(certificate=office.certificate, key=office.key)
    if office.client_anchors is not None:
        yield "office_api.client_anchors", office.client_anchors, lambda: read_folder(office.client_anchors)
    yield "peer.anchors", peer.anchors, lambda: read_folder(peer.anchors)
    yield "peer.key", peer.key, lambda: _peer(config, own)
    yield "receipts.key", config.receipts.key, lambda: _receipts(config.receipts.key, own)
    yield "audit.key", config.audit.key, lambda: _log(config, own)
    if not config.demo:
        yield "gateway.environment", config.gateway.environment, lambda: _no_demo(config)


def _body_checks(config: Config, snapshot: Snapshot | None) -> Iterator[Check]:
    """A key for every body of this gateway; those that are good are told as one."""
    bodies = [one for one in snapshot.bodies.values() if one.gateway == config.gateway.id] if snapshot else []
    folder = config.keys.transport
    yield from _each(
        "keys.transport", folder, {str(one.organ_id): _transport(folder, one, config.demo) for one in bodies}
    )
    entrusted = map(OrganId, config.keys.entrusted)
    seals = {str(organ): _seal(config.keys.seals, organ, config.demo) for organ in entrusted}
    yield from _each("keys.seals", config.keys.seals, seals)
    if snapshot and not config.demo:
        yield "registry.file", "codes", lambda: refuse_demo_codes(snapshot)


def _each(name: str, folder: Path | None, looks: Mapping[str, Callable[[], object]]) -> Iterator[Check]:
    bad = [(what, look) for what, look in looks.items() if _Look(look).finding(name, what).report is not None]
    if looks and not bad:
        yield name, f"{folder} ({len(looks)})", lambda: None
    yield from ((name, what, look) for what, look in bad)


def _state(folder: Path) -> None:
    there = next(step for step in (folder, *folder.parents) if step.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise SiteError("config.invalid", path="gateway.state", reason=f"{there} is no folder that we may write to")


def _peer(config: Config, own: GatewayEntry | None) -> None:
    peer = config.peer
    office_context(certificate=peer.certificate, key=peer.key)  # the anchors are looked at on their own
    _insist(own is None or spki_digest(read_certificates(peer.certificate)[0]) in own.tls_keys, "peer", _OTHER_KEY)


def _receipts(path: Path, own: GatewayEntry | None) -> None:
    key = FileSigner(path, key_id="receipts").public_key
    _insist(own is None or key in own.receipt_keys, "receipts", _OTHER_KEY)


def _log(config: Config, own: GatewayEntry | None) -> None:
    key = FileSigner(config.audit.key, key_id="audit").public_key
    try:
        verifier = VerifierKey.of(config.log_origin, key).format()
    except AuditError as error:
        raise SiteError("key.missing", key="audit", reason=str(error)) from error
    _insist(own is None or verifier in own.log_keys, "audit", _OTHER_KEY)


def _transport(folder: Path, body: Body, demo: bool) -> Callable[[], None]:
    def look() -> None:
        known = _pair(folder, body.organ_id, "transport", demo=demo) in body.transport_certificates
        _insist(known, f"transport:{body.organ_id}", "another certificate than the registry names")

    return look


def _seal(folder: Path | None, organ: OrganId, demo: bool) -> Callable[[], None]:
    def look() -> None:
        if folder is None:
            raise SiteError("config.invalid", path="keys.seals", reason="bodies are entrusted, but there is no folder")
        _pair(folder, organ, "seal", demo=demo)

    return look


def _pair(folder: Path, organ: OrganId, purpose: str, *, demo: bool) -> bytes:
    """The certificate of a body, its key beside it: OpenSSL loads both as it would for a listener, and so compares them."""
    ref, path = read_key_files(folder, [organ], purpose=purpose)[organ]
    office_context(certificate=folder / f"{organ}.crt", key=path)
    if not demo:
        refuse_demo(ref.chain[0], what=str(path))
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


def _insist(good: bool, key: str, reason: str) -> None:
    if not good:
        raise SiteError("key.missing", key=key, reason=reason)


# --- telling -----------------------------------------------------------------------------------------------------------


def _of_problem(problem: ConfigProblem, path: Path) -> Report:
    return Report(
        code="config.invalid",
        what=text(_KINDS.get(problem.kind, "cli.config.value"), {"key": problem.path, "path": path}),
        why=details("config.invalid", {"key": problem.path, "reason": problem.reason}),
        todo=text("cli.config.todo", {"path": path}),
        exit=Exit.CONFIGURATION,
    )


def _print_finding(terminal: Terminal, one: Finding) -> None:
    head = ": ".join(filter(None, (one.name, one.what)))
    if one.report is None:
        terminal.print(f"✔ {head}", style="green")
        return
    terminal.print(f"✘ {head}", style="bold red")
    lines: Iterable[tuple[str, str]] = (
        ("", terminal.choose(one.report.what)),
        (terminal.text("cli.line.why") + " ", one.report.why),
        (terminal.text("cli.line.todo") + " ", terminal.choose(one.report.todo)),
    )
    for lead, line in lines:
        terminal.print(f"  {lead}{line}")


def _finding_json(one: Finding) -> Json:
    problem = None if one.report is None else report_json(one.report)
    return {"key": one.name, "what": one.what, "good": one.report is None, "problem": problem}
