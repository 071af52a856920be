"""`gateway trust`: whom an installation believes; making, signing and checking a list of anchors; fetching evidence."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from gateway.cli.errors import Failure
from gateway.cli.exits import Exit
from gateway.cli.files import read_file
from gateway.cli.orders import ListCheckOrder, ListDraftOrder, ListSignOrder, Session
from gateway.cli.output import Column, Terminal
from gateway.config import load_config
from gateway.core.clock import evidence_time, rfc3339
from gateway.crypto import (
    ROLES,
    DraftOrder,
    EvidenceFetcher,
    EvidenceStore,
    Fetched,
    JudgePool,
    Kept,
    Trust,
    TrustList,
    add_signature,
    certificates_believed,
    check_content,
    draft_list,
    evidence_of,
    missing_anchors,
    parse_list,
    read_list_bytes,
    read_list_keys,
    read_signing_key,
    read_trust,
    split_list,
    write_durably,
)
from gateway.evidence import Speech
from gateway.material import fetch_plan, trust_sources
from gateway.observe import SystemClock
from gateway.preload import JUDGE_PRELOAD

Json = dict[str, Any]

_PASSWORD_BYTES_MAX: Final = 1_000
_ROLE, _WHO, _PIN = (
    Column(heading=heading) for heading in ("cli.trust.column.role", "cli.trust.column.who", "cli.trust.column.pin")
)
_UNTIL, _ISSUED, _ABOUT = (
    Column(heading=heading)
    for heading in ("cli.trust.column.until", "cli.trust.column.issued", "cli.trust.column.about")
)
_SOURCE, _RESULT = (Column(heading=heading) for heading in ("cli.trust.column.source", "cli.trust.column.result"))
_ROLE_WORDS: Final = MappingProxyType(
    {
        "bodies": "trust.bodies",
        "people": "trust.people",
        "authorities": "trust.authorities",
        "intermediates": "trust.intermediates",
    }
)
_RESULT_WORDS: Final = MappingProxyType(
    {"new": "fetch.new", "same": "fetch.same", "older": "fetch.older", "failed": "fetch.failed"}
)


# --- what is in force ------------------------------------------------------------------------------------------------------


def show(terminal: Terminal, config: Path) -> int:
    """Print whom the configuration says to believe, by which policy, and how old the revocation evidence is.

    Raises:
        SiteError: it is not to be believed, or cannot be read.
    """
    now = SystemClock().now()
    trust = read_trust(trust_sources(load_config(config)), now=now)
    if terminal.json:
        terminal.value(_trust_json(trust, now))
        return Exit.OK
    policy = trust.policy.used
    terminal.facts(
        [
            ("cli.trust.policy", f"{policy.name} {policy.version} (SHA-256 {policy.digest})"),
            ("cli.trust.number", "-" if trust.number is None else trust.number),
            ("cli.trust.expires", "-" if trust.expires_at is None else evidence_time(trust.expires_at)),
        ]
    )
    speech = Speech(terminal.language)
    rows = [
        (terminal.word(_ROLE_WORDS[role]), speech.subject(seen.subject), seen.digest, evidence_time(seen.not_after))
        for role, seen in ((one.role, one.certificate) for one in certificates_believed(trust))
    ]
    terminal.table((_ROLE, _WHO, _PIN, _UNTIL), rows)
    for one in missing_anchors(trust):
        terminal.say("cli.trust.missing", role=terminal.word(_ROLE_WORDS[one.role]), digest=one.digest)
    evidence = [
        (one.kind.upper(), speech.subject(one.about), evidence_time(one.issued_at), _until(one.next_update))
        for one in evidence_of(trust)
    ]
    terminal.table((_ROLE, _ABOUT, _ISSUED, _UNTIL), evidence)
    return Exit.OK


def _until(moment: datetime | None) -> str:
    return "-" if moment is None else evidence_time(moment)


def _trust_json(trust: Trust, now: datetime) -> Json:
    policy = trust.policy.used
    return {
        "policy": {"name": policy.name, "version": policy.version, "sha256": policy.digest},
        "missing": [{"role": one.role, "sha256": one.digest} for one in missing_anchors(trust)],
        "number": trust.number,
        "expires_at": None if trust.expires_at is None else rfc3339(trust.expires_at),
        "certificates": [
            {
                "role": one.role,
                "subject": one.certificate.subject,
                "sha256": one.certificate.digest,
                "not_after": rfc3339(one.certificate.not_after),
            }
            for one in certificates_believed(trust)
        ],
        "evidence": [
            {
                "kind": one.kind,
                "about": one.about,
                "issued_at": rfc3339(one.issued_at),
                "next_update": None if one.next_update is None else rfc3339(one.next_update),
                "age_seconds": int((now - one.issued_at).total_seconds()),
            }
            for one in evidence_of(trust)
        ],
    }


# --- lists -----------------------------------------------------------------------------------------------------------------


def check(terminal: Terminal, order: ListCheckOrder) -> int:
    """Check a list as a gateway would that has never seen one, and print what it says.

    Raises:
        SiteError: `trust.*`: it is not to be believed; `config.invalid`: list or keys cannot be read.
    """
    keys = read_list_keys(order.keys)
    data = read_list_bytes(order.file)
    now = SystemClock().now()
    _tell_list(terminal, parse_list(data, keys=keys, needed=order.signatures, now=now, path=str(order.file)))
    return Exit.OK


def draft(terminal: Terminal, order: ListDraftOrder) -> int:
    """Write a list of the certificates in a folder, to be signed.

    Raises:
        SiteError: `trust.invalid`, `config.invalid`; Failure: the file is there already.
    """
    now = SystemClock().now()
    wanted = DraftOrder(
        name=order.name, number=order.number, issued_at=now, expires_at=now + timedelta(days=order.days)
    )
    data = draft_list(order.folder, wanted)
    _write(order.output, data, force=order.force)
    if not terminal.json:
        _print_list(terminal, check_content(split_list(data, path=str(order.output))[0], path=str(order.output)))
    if terminal.json:
        terminal.value({"file": str(order.output), "number": order.number})
    else:
        terminal.say("cli.trust.drafted", file=order.output, number=order.number)
    return Exit.OK


def sign(terminal: Terminal, order: ListSignOrder) -> int:
    """Add one signature to a list, after telling what is signed.

    Raises:
        SiteError: `trust.invalid`, `key.missing`; Failure: the file is there already.
    """
    key = read_signing_key(order.key, password=lambda: _password(order.password_file))
    signed, said = add_signature(read_list_bytes(order.file), key, path=str(order.file))
    if not terminal.json:
        _print_list(terminal, said)
    _write(order.output, signed, force=order.force)
    if terminal.json:
        terminal.value({"file": str(order.output), "number": said.number, "sha256": said.digest})
    else:
        terminal.say("cli.trust.signed", file=order.output, number=said.number)
    return Exit.OK


def _password(path: Path | None) -> bytes:
    if path is None:
        raise Failure("cli.trust.password")
    return read_file(path, _PASSWORD_BYTES_MAX).strip(b"\r\n")


def _write(path: Path, data: bytes, *, force: bool) -> None:
    if path.exists() and not force:
        raise Failure("cli.exists", path=str(path))
    write_durably(path, data)


def _tell_list(terminal: Terminal, said: TrustList) -> None:
    if not terminal.json:
        _print_list(terminal, said)
        return
    terminal.value(
        {
            "name": said.name,
            "number": said.number,
            "sha256": said.digest,
            "issued_at": rfc3339(said.issued_at),
            "expires_at": rfc3339(said.expires_at),
            "signers": list(said.signers),
            "certificates": [
                {"role": role, "name": one.name, "source": one.source, "sha256": one.digest}
                for role in ROLES
                for one in getattr(said, role)
            ],
        }
    )


def _print_list(terminal: Terminal, said: TrustList) -> None:
    terminal.facts(
        [
            ("cli.trust.name", said.name),
            ("cli.trust.number", said.number),
            ("cli.trust.expires", evidence_time(said.expires_at)),
            ("cli.trust.signers", ", ".join(said.signers) or "-"),
        ]
    )
    rows = [
        (terminal.word(_ROLE_WORDS[role]), one.name, one.digest, one.source)
        for role in ROLES
        for one in getattr(said, role)
    ]
    terminal.table((_ROLE, _WHO, _PIN, _SOURCE), rows)


# --- fetching --------------------------------------------------------------------------------------------------------------


async def fetch(session: Session, config: Path) -> int:
    """Ask every source of revocation evidence now; 1 when one of them brought nothing.

    Raises:
        SiteError: configuration, trust or the store is not as it must be.
    """
    found, clock = load_config(config), SystemClock()
    trust = read_trust(trust_sources(found), now=clock.now())
    judge = JudgePool(size=1, preload=JUDGE_PRELOAD)
    await judge.start()
    try:
        done = await EvidenceFetcher(
            store=EvidenceStore(found.revocation_store),
            plan=lambda: fetch_plan(found),
            trust=lambda: trust,
            judge=judge,
            clock=clock,
        ).fetch_all()
    finally:
        await judge.close()
    _tell_fetched(session.terminal, done)
    return Exit.OK if all(one.kept not in {None, Kept.OLDER} for one in done) else Exit.PROBLEM


def _tell_fetched(terminal: Terminal, done: Sequence[Fetched]) -> None:
    if terminal.json:
        terminal.value({"sources": [_fetched_json(one) for one in done]})
        return
    if not done:
        terminal.facts([("cli.trust.column.source", 0)])
        terminal.say("cli.trust.no_source")
        return
    rows = [(one.url, terminal.word(_RESULT_WORDS[_result(one)]), one.issuer or one.reason) for one in done]
    terminal.table((_SOURCE, _RESULT, _ABOUT), rows)
    if any(one.kept is Kept.NEW for one in done):
        terminal.say("cli.trust.fetched")


def _result(one: Fetched) -> str:
    return "failed" if one.kept is None else one.kept.value


def _fetched_json(one: Fetched) -> Json:
    return {
        "url": one.url,
        "result": _result(one),
        "reason": one.reason,
        "issuer": one.issuer,
        "issued_at": None if one.issued_at is None else rfc3339(one.issued_at),
    }
