"""What somebody who can write to the database may try, and the words in which it must be found.

Each is a script of SQL statements, divided by semicolons. Numbers are those of the letters of `world`.
"""

from dataclasses import dataclass

from tests.unit.evidence.world import AGAIN

ONE, TWO, THREE = "Z79.UB.25747", "Z79.UB.25750", "Z79.UB.25760"


@dataclass(frozen=True)
class Tampering:
    """One thing that somebody does by hand."""

    name: str
    script: str
    found: str
    """Part of a line of the report."""


def doc(number: int) -> str:
    """Key of a letter."""
    return f"(select key from documents where document_id = 'Z79.VPTU,2026/11/20,{number}/CV/VPTU')"


def to(number: int, *recipients: str) -> str:
    """Condition for deliveries of a letter."""
    return f"document = {doc(number)} and recipient in ({', '.join(repr(str(name)) for name in recipients)})"


def away(*numbers: int) -> str:
    """Condition for the transfers of letters to the other gateway."""
    return f"document in ({', '.join(doc(number) for number in numbers)}) and destination <> origin"


def late(number: int) -> str:
    """Condition for the notice that a letter did not arrive in time."""
    return f"document = {doc(number)}"


def entry(number: int, recipient: str) -> str:
    """Condition for an inbox entry."""
    return f"document_id = 'Z79.VPTU,2026/11/20,{number}/CV/VPTU' and recipient = '{recipient}'"


def came(number: int) -> str:
    """Condition for the first incoming transfer of a letter."""
    return f"document_id = 'Z79.VPTU,2026/11/20,{number}/CV/VPTU' and key <> '{AGAIN}'"


def leaf(event: str, subject: str = "subject") -> str:
    """Hash of an event's leaf, as rows name it."""
    return f"(select lower(hex(hash)) from openings where event = '{event}' and subject = {subject} limit 1)"


def shown(message: str) -> str:
    """Every inbox shows another message, whose digest is right; `message`: SQL over the column of that name."""
    return f"""create temporary table other as select digest as was, {message} as message from inbox_messages;
        update inbox set message_digest = (select sha256(message) from other where was = message_digest);
        update inbox_messages set (digest, message) = (select sha256(other.message), other.message from other
            where was = inbox_messages.digest)"""
