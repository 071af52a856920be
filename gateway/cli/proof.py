"""`gateway audit head` and `audit prove`: what the log says of itself, and what it says of one document, for a stranger."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gateway.audit import AuditError, Checkpoint, VerifierKey, log_in_force, verify_checkpoint
from gateway.cli.errors import Failure
from gateway.cli.exits import Exit
from gateway.cli.files import read_file
from gateway.cli.orders import ProofOrder, Session
from gateway.cli.output import Column, Terminal
from gateway.cli.stdin import MARK
from gateway.cli.trace import short_detail
from gateway.cli.written import new_file
from gateway.config import Config, load_config
from gateway.core.clock import evidence_time, parse_rfc3339, rfc3339
from gateway.core.directory import Snapshot
from gateway.core.errors import SiteError
from gateway.core.events import TreeHead
from gateway.core.ids import Digest, GatewayId
from gateway.core.ledgers import UnitOfWork
from gateway.core.plain_text import plain_json
from gateway.evidence import PROOF_BYTES_MAX, CheckedProof, GapError, Proof, check_proof, proof_json, read_proof
from gateway.outside import open_records
from gateway.registry import load_snapshot

Json = dict[str, Any]

_HASH_CHARS: Final = 16
"""Of a hash, on a table for the eye."""


# --- the head ----------------------------------------------------------------------------------------------------------


async def head(terminal: Terminal, path: Path) -> int:
    """Print size and root of the log, the newest checkpoint, and the keys by which strangers know the log.

    Raises:
        GatewayError: the records cannot be opened; `audit.inconsistent` when the checkpoint is not this log's.
    """
    async with open_records(path) as (config, snapshot, store):
        tree, note = await store.read(_read_head)
        log = await store.read(lambda uow: log_in_force(uow, config.log_origin))
    keys = _log_keys(config, snapshot)
    checkpoint = None if note is None else _opened(note, keys)
    if checkpoint is not None and not _is_of(tree, checkpoint):
        raise SiteError("audit.inconsistent", reason="the published checkpoint is not of this log", size=tree.size)
    if terminal.json:
        terminal.value(
            {
                "gateway": config.gateway.id,
                "origin": log.origin,
                "size": tree.size,
                "root": tree.root.hex(),
                "checkpoint": None if note is None else {**_checkpoint_json(checkpoint), "note": note},
                "log_keys": keys,
            }
        )
        return Exit.OK
    terminal.facts(
        [
            ("cli.head.origin", log.origin),
            ("cli.head.size", terminal.number(tree.size)),
            ("cli.head.root", tree.root.hex()),
            ("cli.head.signed", terminal.number(checkpoint.size) if checkpoint else terminal.text("cli.head.unsigned")),
            *(("cli.head.key", key) for key in keys),
        ]
    )
    for line in (note or "").splitlines():
        terminal.print(f"  {line}")
    return Exit.OK


def _read_head(uow: UnitOfWork) -> tuple[TreeHead, str | None]:
    published = uow.log.checkpoint()
    return uow.log.head(), published[1] if published else None


def _is_of(tree: TreeHead, checkpoint: Checkpoint) -> bool:
    """Whether the checkpoint can be of this tree, as far as the heads alone tell (`audit verify` tells the rest)."""
    return checkpoint.size < tree.size or (checkpoint.size, checkpoint.root) == (tree.size, tree.root)


def _opened(note: str, keys: list[str]) -> Checkpoint:
    try:
        return verify_checkpoint(note, keys)
    except AuditError as error:
        raise SiteError("audit.inconsistent", reason=f"published checkpoint: {error}") from error


def _checkpoint_json(checkpoint: Checkpoint | None) -> Json:
    assert checkpoint is not None
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}


def _log_keys(config: Config, snapshot: Snapshot) -> list[str]:
    """By which keys the registry knows this gateway's log."""
    return list(snapshot.gateways[GatewayId(config.gateway.id)].log_keys)


# --- proofs ------------------------------------------------------------------------------------------------------------


async def prove(session: Session, order: ProofOrder) -> int:
    """Make a proof, or check one.

    Raises:
        Failure: neither was asked for, or both.
        GatewayError: `not_found`, or the records cannot be opened.
    """
    if (order.key is None) == (order.check is None):
        raise Failure("cli.prove")
    if order.check is not None:
        return _check(session, order, order.check)
    if order.config is None:
        raise Failure("cli.usage.missing", name="'--config'")
    assert order.key is not None
    proof, keys = await _read(order.key, order.config)
    file = proof_json(proof, keys)
    text = plain_json(file, indent=1) + "\n"
    if proof.leaves:
        _insist(text, keys)
    return _give(session.terminal, order, proof, text)


async def _read(key: str, path: Path) -> tuple[Proof, list[str]]:
    async with open_records(path) as (config, snapshot, store):
        own = GatewayId(config.gateway.id)
        return await store.read(lambda uow: read_proof(uow, key, own)), _log_keys(config, snapshot)


def _insist(text: str, keys: list[str]) -> None:
    """What leaves here as a proof is one: checked as the stranger will check it."""
    try:
        check_proof(text, keys)
    except AuditError as error:
        raise SiteError("audit.inconsistent", reason=str(error)) from error


def _give(terminal: Terminal, order: ProofOrder, proof: Proof, text: str) -> int:
    if order.output is not None and str(order.output) != MARK:
        with new_file(order.output, force=order.force) as file:
            file.write(text.encode())
        terminal.say("cli.prove.written", path=order.output, count=len(proof.leaves))
    if terminal.json or str(order.output) == MARK:
        terminal.out.file.write(text)
    elif order.output is None:
        _print_proof(terminal, proof, json.loads(text))
    else:
        terminal.print(str(order.output))
    if proof.uncovered:
        terminal.note(terminal.text("cli.prove.uncovered", count=proof.uncovered))
    return Exit.OK if proof.leaves else Exit.PROBLEM


def _print_proof(terminal: Terminal, proof: Proof, file: Json) -> None:
    """Leaf by leaf: what happened, where it stands, and the way to the root; then who vouches for the root."""
    for told in file["leaves"]:
        at = evidence_time(parse_rfc3339(told["at"]))
        terminal.print(f"#{told['index']}  {at}  {terminal.word('event.' + told['event'])}", style="bold")
        terminal.facts(
            [
                ("cli.column.recipient", told["recipient"]),
                ("cli.prove.leaf", told["leaf_hash"]),
                *(("cli.prove.path", node) for node in told["path"]),
                ("cli.column.detail", short_detail(told["private"]) if terminal.verbose else ""),
            ],
            indent="  ",
        )
    terminal.print(terminal.text("cli.prove.checkpoint"), style="bold")
    for line in proof.note.splitlines():
        terminal.print(f"  {line}")


def _check(session: Session, order: ProofOrder, path: Path) -> int:
    """Check a file that somebody gave us, offline; 0 only when the log's key is known from elsewhere.

    Shown is what the leaves commit to, and nothing that the file merely says.
    """
    terminal, keys = session.terminal, _trusted_keys(order)
    option = "--check"
    data = session.stdin.read(PROOF_BYTES_MAX, option=option) if str(path) == MARK else read_file(path, PROOF_BYTES_MAX)
    try:
        proof = check_proof(data, keys)
    except GapError as error:
        raise Failure("cli.proof_gap", path=path, reason=str(error)) from error
    except AuditError as error:
        raise Failure("cli.proof", path=path, reason=str(error)) from error
    if terminal.json:
        terminal.value(_checked_json(proof, signer_known=bool(keys)))
    else:
        _print_checked(terminal, proof, signer_known=bool(keys))
    if not keys:
        terminal.note(terminal.text("cli.prove.no_key", origin=proof.checkpoint.origin))
    return Exit.OK if keys else Exit.PROBLEM


def _trusted_keys(order: ProofOrder) -> list[str]:
    """Verifier keys from the command line, else those of every gateway in the registry of the configuration."""
    for key in order.log_keys:
        try:
            VerifierKey.parse(key)
        except AuditError as error:
            raise Failure("cli.log_key", value=key, reason=str(error)) from error
    if order.log_keys or order.config is None:
        return list(order.log_keys)
    config = load_config(order.config)
    snapshot = load_snapshot(config.registry.file, expected=Digest(config.registry.sha256))
    return [key for entry in snapshot.gateways.values() for key in entry.log_keys]


def _print_checked(terminal: Terminal, proof: CheckedProof, *, signer_known: bool) -> None:
    mark, style = ("✔", "bold green") if signer_known else ("!", "bold yellow")
    holds = terminal.text("cli.prove.holds", origin=proof.checkpoint.origin, count=len(proof.leaves))
    terminal.print(f"{mark} {holds}", style=style)
    for line in _limits(terminal, proof):
        terminal.print(f"  {line}")
    terminal.table(
        (
            Column(heading="cli.column.leaf", whole=True),
            Column(heading="cli.column.time", whole=True),
            Column(heading="cli.column.event"),
            Column(heading="cli.column.leaf_hash"),
            Column(heading="cli.column.detail"),
        ),
        [
            (
                leaf.index,
                evidence_time(leaf.at),
                terminal.word(f"event.{leaf.event}"),
                leaf.hash[:_HASH_CHARS] if terminal.for_people else leaf.hash,
                short_detail(json.dumps(dict(leaf.private))),
            )
            for leaf in proof.leaves
        ],
    )


def _limits(terminal: Terminal, proof: CheckedProof) -> Iterator[str]:
    """How far it goes: what is proven, what is not, and what of it is only the word of who made the file."""
    size, keys = terminal.number(proof.checkpoint.size), ", ".join(proof.signers)
    yield terminal.text("cli.prove.proven", size=size, keys=keys)
    yield terminal.text("cli.prove.not_proven")
    if not proof.begins:
        yield terminal.text("cli.prove.not_begun")
    if proof.document_id:
        yield terminal.text("cli.prove.document", document=proof.document_id)
    yield terminal.text("cli.prove.key_said" if proof.key_said else "cli.prove.key_claimed", key=proof.key)
    yield terminal.text("cli.prove.gateway_claimed", gateway=proof.gateway)


def _not_proven(proof: CheckedProof) -> list[str]:
    """The same as codes."""
    return [
        *("complete", "clock", "signing_time", "same_log", "claimed.gateway"),
        *(() if proof.key_said else ("claimed.key",)),
        *(() if proof.begins else ("beginning",)),
    ]


def _checked_json(proof: CheckedProof, *, signer_known: bool) -> Json:
    return {
        "holds": True,
        "signer_known": signer_known,
        "claimed": {"gateway": proof.gateway, "key": proof.key},
        "not_proven": _not_proven(proof),
        "document_id": proof.document_id,
        "checkpoint": _checkpoint_json(proof.checkpoint),
        "signers": list(proof.signers),
        "leaves": [
            {
                "index": leaf.index,
                "leaf_hash": leaf.hash,
                "event": leaf.event,
                "at": rfc3339(leaf.at),
                "private": dict(leaf.private),
            }
            for leaf in proof.leaves
        ],
    }
