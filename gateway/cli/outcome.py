"""How the deliveries of a document stand, in words: who does not have it and why, and what each recipient said."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

from gateway.cli.exits import Exit
from gateway.cli.output import Terminal
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState

Json = dict[str, Any]
Said = tuple[str, str]
"""A line, and what to do next; empty when nothing is to be done."""

_UNDONE: Final = frozenset({DocumentState.REFUSED.value, DocumentState.HELD.value})


def tell_ending(terminal: Terminal, document: Json, deliveries: Sequence[Json]) -> int:
    """How a submission ended, in words on stderr (who did not get it, and why) and as an exit code."""
    counts = document["deliveries"]["counts"]
    for state, count in counts.items():
        terminal.say("cli.send.count", state=terminal.word(f"delivery.{state}"), count=count)
    said = [_undelivered(terminal, delivery) for delivery in deliveries if lacks(delivery)]
    if document["state"] in _UNDONE:
        said.append(document_said(terminal, document))
    for line in lines_of(terminal, said):
        terminal.note(line)
    all_delivered = counts.get(DeliveryState.DELIVERED.value, 0) == addressed(document["deliveries"])
    return Exit.OK if all_delivered and document["state"] not in _UNDONE else Exit.PROBLEM


def lacks(delivery: Json) -> bool:
    """Whether its recipient does not have it; one that was rerouted has another delivery in its place."""
    return delivery["state"] not in (DeliveryState.DELIVERED, DeliveryState.REROUTED)


def addressed(progress: Json) -> int:
    """How many deliveries there are to arrive, of the document's count."""
    return int(progress["total"]) - int(progress["counts"].get(DeliveryState.REROUTED.value, 0))


def document_said(terminal: Terminal, document: Json) -> Said:
    """How an outgoing document itself stands."""
    return _said(terminal, terminal.word(f"document.{document['state']}"), document["reason"])


def delivery_lines(terminal: Terminal, deliveries: Sequence[Json]) -> list[str]:
    """Everything about the deliveries that is not simply "arrived": what stands in the way, then what recipients said."""
    undelivered = [row for row in deliveries if row["state"] != DeliveryState.DELIVERED]
    reasoned = [_undelivered(terminal, delivery) for delivery in undelivered if delivery["reason"]]
    waiting = Counter((row["state"], row["destination"]) for row in undelivered if not row["reason"])
    return [
        *lines_of(terminal, reasoned),
        *(
            terminal.text(
                "cli.trace.waiting", state=terminal.word(f"delivery.{state}"), count=count, gateway=destination
            )
            for (state, destination), count in waiting.items()
        ),
        *(
            f"{delivery['recipient']}: {business_words(terminal, delivery)}"
            for delivery in deliveries
            if delivery["business_status"] not in (None, BusinessStatus.ARRIVED)
        ),
    ]


def business_words(terminal: Terminal, row: Json) -> str:
    """What the recipient says of the document, with its own words (the reason of a refusal) where it wrote any."""
    status = terminal.word(f"business.{row['business_status']}")
    words = " ".join(row["business_description"].split())
    return status if words in ("", status) else f"{status} — {words}"


def lines_of(terminal: Terminal, said: Iterable[Said]) -> list[str]:
    """The lines; after those that have the same remedy, the remedy, once."""
    lines: list[str] = []
    for (line, todo), (_, following) in pairwise((*said, ("", ""))):
        lines.append(line)
        if todo and todo != following:
            lines.append(f"  {terminal.text('cli.line.todo')} {todo}")
    return lines


def _undelivered(terminal: Terminal, delivery: Json) -> Said:
    state = terminal.word(f"delivery.{delivery['state']}")
    return _said(terminal, f"{delivery['recipient']}: {state}", delivery["reason"])


def _said(terminal: Terminal, head: str, reason: Json | None) -> Said:
    """A state with the reason the gateway gives, if it gives one."""
    if not reason:
        return head, ""
    return f"{head} — {reason_words(terminal, reason)}", reason.get(f"todo_{terminal.language}") or ""


def reason_words(terminal: Terminal, reason: Json) -> str:
    """What happened, in the reader's language; a code that the gateway has no words for, as it is."""
    return str(reason.get(f"what_{terminal.language}") or reason["code"])
