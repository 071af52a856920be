"""One reading of a file that somebody has in hand: tolerant, in pieces, within the caps of such files."""

from pathlib import Path

from gateway.cli.edxml.source import pieces_of
from gateway.cli.orders import Session
from gateway.edxml import Reading, read_tolerantly
from gateway.safe_xml import AT_HAND, Skeleton, Store, read_foreign


def look(session: Session, path: Path, *, store: Store) -> tuple[Skeleton, Reading]:
    """What a file says, and what was noticed of it. Whoever gives the store closes what it opened.

    Raises:
        Failure: it is not there or cannot be read.
        SenderError: `envelope.malformed`, `size.limit`: it is no XML that could be read at all.
    """
    with pieces_of(session, path) as pieces:
        skeleton = read_foreign(pieces, store=store, caps=AT_HAND)
    return skeleton, read_tolerantly(skeleton, store=store)
