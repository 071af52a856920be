"""One reading of a file that somebody has in hand: tolerant, in pieces, within the caps of such files."""

from pathlib import Path

from gateway.cli.edxml.source import called, pieces_of
from gateway.cli.errors import Failure
from gateway.cli.orders import Session
from gateway.core.errors import SenderError
from gateway.edxml import Reading, read_tolerantly
from gateway.safe_xml import AT_HAND, Skeleton, Store, read_foreign


def look(session: Session, path: Path, *, store: Store) -> tuple[Skeleton, Reading]:
    """What a file says, and what was noticed of it. Whoever gives the store closes what it opened.

    Raises:
        Failure: it is not there, cannot be read, or is no XML that could be read at all.
        SenderError: `size.limit`.
    """
    with pieces_of(session, path) as pieces:
        try:
            skeleton = read_foreign(pieces, store=store, caps=AT_HAND)
        except SenderError as error:
            if error.code != "envelope.malformed":
                raise
            name = called(session.terminal, path)
            raise Failure("cli.edxml.not_edxml", path=name, reason=error.params.get("reason")) from error
    return skeleton, read_tolerantly(skeleton, store=store)
