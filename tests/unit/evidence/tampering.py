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


def entry(number: int, recipient: str) -> str:
    """Condition for an inbox entry."""
    return f"document_id = 'Z79.VPTU,2026/11/20,{number}/CV/VPTU' and recipient = '{recipient}'"


def came(number: int) -> str:
    """Condition for the first incoming transfer of a letter."""
    return f"document_id = 'Z79.VPTU,2026/11/20,{number}/CV/VPTU' and key <> '{AGAIN}'"


def leaf(event: str, subject: str = "subject") -> str:
    """Hash of an event's leaf, as rows name it."""
    return f"(select lower(hex(hash)) from openings where event = '{event}' and subject = {subject} limit 1)"
