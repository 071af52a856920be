"""`--dry-run`: what a change would do, from everything that can be seen without doing it. Only ever reads.

What is checked is what the gateway would refuse at once: who asks, which bodies, which state. What a judge or a peer would
say of a file nobody knows beforehand, and the answer says so.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from gateway.api import ApiProblem, OfficeClient
from gateway.cli.entry import entry_named
from gateway.cli.errors import of_gateway_error, report_json
from gateway.cli.exits import Exit, exit_code
from gateway.cli.large import Content, sha256_of, size_of
from gateway.cli.link import office_client
from gateway.cli.office import content_key, contents_of, envelope_key, envelope_of, metadata_of
from gateway.cli.orders import EnvelopeOrder, SendOrder, Session
from gateway.cli.output import Terminal
from gateway.core.amendments import AmendmentKind
from gateway.core.errors import AccessError, Conflict, GatewayError, SenderError
from gateway.core.fields import FieldFault, wrong_fields
from gateway.core.limits import ANSWER_WORDS_CHARS_MAX, DOCUMENT_BYTES_MAX, FILES_MAX, REASON_CHARS_MAX, RECIPIENTS_MAX
from gateway.core.principal import Scope
from gateway.core.sizes import LARGEST
from gateway.core.states import AmendmentState, BusinessStatus, DeliveryState, DocumentState, MessageKind

Json = dict[str, Any]
Problems = list[GatewayError]

LOOKUPS_AT_ONCE: Final = 8
_UNSEEN: Final = frozenset({403, 429})
"""This key may not read, or has asked enough for now: not known, and no reason why the document could not be sent."""
_HTTP_NOT_FOUND: Final = 404


async def send(session: Session, order: SendOrder) -> int:
    """Whether the gateway would take this document in, and whether it knows everybody it is addressed to."""
    metadata, contents = metadata_of(order), contents_of(session, order)
    problems = _file_problems(contents)
    if len(order.recipients) > RECIPIENTS_MAX:
        problems.append(_too_many("recipients", len(order.recipients), RECIPIENTS_MAX))
    async with office_client(session) as client:
        problems += await _principal_problems(client, Scope.SEND, order.sender)
        unseen = await _address_problems(client, order, problems)
    files = [{"name": name, "size": size_of(data), "sha256": sha256_of(data)} for name, data in contents]
    request = {
        "metadata": metadata,
        "files": files,
        "idempotency_key": order.idempotency_key or content_key(metadata, contents),
        "recipients_not_looked_up": unseen,
    }
    terminal = session.terminal
    what = terminal.text(
        "cli.dry_run.send",
        code=f"{order.number}/{order.notation}",
        sender=order.sender,
        recipients=len(order.recipients),
        files=len(files),
        size=terminal.number(sum(size_of(data) for _, data in contents)),
    )
    return _told(terminal, "send", request, what, problems)


async def send_envelope(session: Session, order: EnvelopeOrder) -> int:
    """Whether the gateway would take a finished edXML file, as far as that can be told without opening it."""
    name, envelope = envelope_of(session, order)
    problems = _file_problems([(name, envelope)])
    async with office_client(session) as client:
        problems += await _principal_problems(client, Scope.SEND)
    request = {
        "envelope": {"name": name, "size": len(envelope), "sha256": hashlib.sha256(envelope).hexdigest()},
        "idempotency_key": order.idempotency_key or envelope_key(envelope),
    }
    terminal = session.terminal
    what = terminal.text("cli.dry_run.envelope", file=name, size=terminal.number(len(envelope)))
    return _told(terminal, "send", request, what, problems)


def _file_problems(contents: Sequence[tuple[str, Content]]) -> Problems:
    problems: Problems = [SenderError("file.empty", file=name) for name, data in contents if not data]
    if len(contents) > FILES_MAX:
        problems.append(_too_many("files", len(contents), FILES_MAX))
    limit = LARGEST.document_bytes if any(isinstance(data, Path) for _, data in contents) else DOCUMENT_BYTES_MAX
    if sum(size_of(data) for _, data in contents) > limit:  # how much more than usual is taken only the gateway knows
        problems.append(SenderError("size.limit", limit=limit, what="files"))
    return problems


def _too_many(what: str, count: int, limit: int) -> SenderError:
    return SenderError("count.limit", what=what, count=count, limit=limit)


async def _principal_problems(client: OfficeClient, scope: Scope, organ: str | None = None) -> Problems:
    me = await client.me()
    problems: Problems = []
    if scope.value not in me["scopes"]:
        problems.append(AccessError("access.scope", scope=scope.value))
    if organ is not None and organ not in me["organs"]:
        problems.append(AccessError("access.organ", organ=organ))
    return problems


async def _address_problems(client: OfficeClient, order: SendOrder, problems: Problems) -> int:
    """Look everybody up, a few at a time; how many could not be."""
    gate = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def look(code: str, role: str) -> GatewayError | bool:
        """What is wrong with the code; else whether it could be looked up."""
        async with gate:
            try:
                return _body_problem(await client.organization(code), role) or True
            except ApiProblem as problem:
                if problem.status == _HTTP_NOT_FOUND:
                    return SenderError(f"{role}.unknown", organ=code)
                if problem.status in _UNSEEN:
                    return False
                raise

    asked = [(order.sender, "sender"), *((code, "recipient") for code in order.recipients[:RECIPIENTS_MAX])]
    found = await asyncio.gather(*(look(code, role) for code, role in asked))
    problems += [one for one in found if isinstance(one, GatewayError)]
    return sum(one is False for one in found)


def _body_problem(body: Json, role: str) -> GatewayError | None:
    if body["status"] == "active":
        return None
    if role == "sender":
        return SenderError("sender.closed", organ=body["organ_id"])
    if body["status"] == "locked":
        return SenderError("recipient.locked", organ=body["organ_id"])
    return SenderError("recipient.closed", organ=body["organ_id"], successor=body["successor"])


async def accept(session: Session, key: str) -> int:
    """Whether the document could be accepted now."""
    return await _answer(session, key, BusinessStatus.ACCEPTED, [])


async def refuse(session: Session, key: str, *, reason: str) -> int:
    """Whether the document could be refused now, with this reason."""
    problems = [*_word_problems(reason, REASON_CHARS_MAX)]
    return await _answer(session, key, BusinessStatus.REFUSED, problems, reason=" ".join(reason.split()))


async def _answer(session: Session, key: str, wanted: BusinessStatus, problems: Problems, *, reason: str = "") -> int:
    terminal = session.terminal
    async with office_client(session) as client:
        async with entry_named(client, key) as named:
            entry = await client.entry(named)
        problems += await _principal_problems(client, Scope.ACT, entry["recipient"])
    now = entry["business_status"]
    if now not in (BusinessStatus.ARRIVED.value, wanted.value):
        problems.append(Conflict("conflict.state", state=now))
    request = {"key": entry["key"], "document_id": entry["document_id"], "business_status": wanted.value}
    if reason:
        request["reason"] = reason
    what = terminal.text(
        "cli.dry_run.again" if now == wanted else "cli.dry_run.answer",
        document=entry["document_id"],
        now=terminal.word(f"business.{now}"),
        then=terminal.word(f"business.{wanted}"),
    )
    return _told(terminal, "accept" if wanted is BusinessStatus.ACCEPTED else "refuse", request, what, problems)


async def release(session: Session, key: str) -> int:
    """Whether anything of the document is held."""
    terminal = session.terminal
    async with office_client(session) as client:
        document = await client.document(key)
        problems = await _principal_problems(client, Scope.SEND, document["sender"])
    held = document["deliveries"]["counts"].get(DeliveryState.HELD.value, 0)
    if document["state"] != DocumentState.HELD and not held:
        problems.append(Conflict("conflict.state", state=document["state"]))
    request = {"key": document["key"], "document_id": document["document_id"], "held_deliveries": held}
    what = terminal.text("cli.dry_run.release", document=document["document_id"])
    return _told(terminal, "release", request, what, problems)


async def recall(terminal: Terminal, client: OfficeClient, key: str, reason: str) -> int:
    """Whom a recall would stop, and whom it would ask."""
    document = await client.document(key)
    problems = [*_word_problems(reason, REASON_CHARS_MAX)]
    problems += await _principal_problems(client, Scope.SEND, document["sender"])
    reason_code = (document["reason"] or {}).get("code")
    if document["kind"] != MessageKind.DOCUMENT:
        problems.append(Conflict("conflict.state", state=document["kind"]))
    elif document["state"] == DocumentState.REFUSED and reason_code != "document.recalled":
        problems.append(Conflict("conflict.state", state=document["state"]))
    counts = document["deliveries"]["counts"]
    request = {"key": document["key"], "document_id": document["document_id"], "deliveries": counts}
    what = terminal.text("cli.dry_run.recall", document=document["document_id"], total=sum(counts.values()))
    return _told(terminal, "recall", request, what, problems)


async def answer_amendment(terminal: Terminal, client: OfficeClient, key: str, said: tuple[str, str]) -> int:
    """Whether there is something to agree to, or to decline (`said`: which, and the words)."""
    wish, words = said
    entry = await client.entry(key)
    problems = [*(_word_problems(words, ANSWER_WORDS_CHARS_MAX) if wish == "decline" else ())]
    problems += await _principal_problems(client, Scope.ACT, entry["recipient"])
    asked = [one["state"] for one in entry["amendments"] if one["kind"] != AmendmentKind.REPLACE]
    if all(state == AmendmentState.WAITING for state in asked):
        problems.append(Conflict("amendment.none"))
    elif wish == "decline" and all(state == AmendmentState.AGREED for state in asked):
        problems.append(Conflict("conflict.state", state=AmendmentState.AGREED.value))
    request = {"key": entry["key"], "document_id": entry["document_id"], "amendments": asked}
    text = "cli.dry_run.agree" if wish == "agree" else "cli.dry_run.decline"
    what = terminal.text(text, document=entry["document_id"])
    return _told(terminal, wish, request, what, problems)


def _word_problems(reason: str, limit: int) -> Iterator[GatewayError]:
    words = " ".join(reason.split())
    if not words:
        yield SenderError("reason.missing")
    if len(words) > limit:
        yield wrong_fields([FieldFault(path="reason", code="field.too_long", params={"limit": limit})])


def _told(terminal: Terminal, command: str, request: Json, what: str, problems: Problems) -> int:
    """Print what would happen; 0 when nothing speaks against it, else the exit code of the first problem."""
    reports = [of_gateway_error(problem) for problem in problems]
    if terminal.json:
        terminal.value(
            {
                "dry_run": True,
                "command": command,
                "possible": not problems,
                "request": request,
                "problems": [report_json(report) for report in reports],
            }
        )
    else:
        terminal.print(what)
        for report in reports:
            terminal.print(f"✘ {terminal.choose(report.what)} [{report.code}]", style="red")
            terminal.print(f"  {terminal.text('cli.line.todo')} {terminal.choose(report.todo)}")
    terminal.say("cli.dry_run.nothing")
    return exit_code(problems[0].code, problems[0].facts.status) if problems else Exit.OK
