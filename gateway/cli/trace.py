"""`gateway trace`: the story (Hành trình) of a document that was sent or that arrived, and how it stands now."""

import json
from typing import Any

from gateway.api import ApiProblem, OfficeClient
from gateway.cli.entry import entry_key
from gateway.cli.exits import Exit
from gateway.cli.link import office_client
from gateway.cli.orders import Session
from gateway.cli.outcome import addressed, business_words, delivery_lines, document_said, lines_of
from gateway.cli.output import Column, Terminal
from gateway.core.clock import local_time, parse_rfc3339
from gateway.core.ids import DIGEST
from gateway.core.states import DeliveryState

Json = dict[str, Any]


async def trace(session: Session, key: str) -> int:
    """Print how a document stands, its events, and what the recipients said; verbosely, with the facts of each event."""
    async with office_client(session) as client:
        story = await _story(client, key)
    terminal = session.terminal
    if terminal.json:
        terminal.value(story)
        return Exit.OK
    subject = story.get("document") or story["entry"]
    terminal.say("cli.trace.head", document=subject["document_id"], state=_standing(terminal, story))
    print_events(terminal, story["events"])
    if "document" in story:
        reason = [document_said(terminal, subject)] if subject["reason"] else []
        for line in (*lines_of(terminal, reason), *delivery_lines(terminal, story["deliveries"])):
            terminal.print(line)
    return Exit.OK


async def _story(client: OfficeClient, key: str) -> Json:
    """Everything the gateway tells: of the document with that key, or else of the entry."""
    if not key.isdigit():
        try:
            return {
                "document": await client.document(key),
                "deliveries": await client.deliveries(key),
                "events": await client.history(key),
            }
        except ApiProblem as problem:
            if problem.status != 404:
                raise
    key = await entry_key(client, key)
    return {"entry": await client.entry(key), "events": await client.entry_history(key)}


def _standing(terminal: Terminal, story: Json) -> str:
    if "entry" in story:
        return business_words(terminal, story["entry"])
    document = story["document"]
    state, deliveries = terminal.word(f"document.{document['state']}"), document["deliveries"]
    delivered = deliveries["counts"].get(DeliveryState.DELIVERED.value, 0)
    return f"{state} · {terminal.text('cli.trace.delivered', delivered=delivered, total=addressed(deliveries))}"


def print_events(terminal: Terminal, events: list[Json]) -> None:
    """The events as a table. What was committed to the log is for machines and auditors: only on demand."""
    columns = [
        Column(heading="cli.column.time", whole=True),
        Column(heading="cli.column.event"),
        Column(heading="cli.column.recipient"),
        *([Column(heading="cli.column.detail")] if terminal.verbose else []),
    ]
    terminal.table(columns, [event_row(terminal, event)[: len(columns)] for event in events])


def event_row(terminal: Terminal, event: Json) -> tuple[str, ...]:
    """One line of the story; a time in it may have to serve as evidence, so with seconds."""
    at = local_time(parse_rfc3339(event["at"]), seconds=True)
    return at, terminal.word(f"event.{event['event']}"), event["recipient"] or "", short_detail(event["detail"])


def short_detail(detail: str) -> str:
    """What was committed to the log, for the eye: empty facts left out, digests cut. `--json` has it whole."""
    try:
        facts = json.loads(detail)
    except ValueError:
        return detail
    if not isinstance(facts, dict):
        return detail
    shown = {name: str(value) for name, value in facts.items() if value not in ("", None)}
    return " ".join(f"{name}={value[:12] if DIGEST.fullmatch(value) else value}" for name, value in shown.items())
