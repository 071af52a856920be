"""Permission: what a principal may do, and what is its own. One answer for what is not there and what is not its own.

What stands in a door's table (gateway.api.routes) is asked again here: a second door cannot forget it (security.md 11, 43).
"""

from gateway.core.errors import AccessError, NotFound
from gateway.core.ids import DocumentKey, EntryKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import Document, InboxEntry
from gateway.core.principal import Principal, Scope


def require(principal: Principal, scope: Scope) -> None:
    """Let a principal with that scope pass.

    Raises:
        AccessError: `access.scope`.
    """
    if not principal.may(scope):
        raise AccessError("access.scope", scope=scope)


def own_document(uow: UnitOfWork, principal: Principal, key: DocumentKey) -> Document:
    """The outgoing document of a body the principal acts for.

    Raises:
        NotFound: there is none, or it is another's.
    """
    document = uow.documents.find(key)
    if document is None or document.sender not in principal.organs:
        raise NotFound("not_found")
    return document


def own_entry(uow: UnitOfWork, principal: Principal, key: EntryKey) -> InboxEntry:
    """The inbox entry of a body the principal acts for. One that is staged has not come into any inbox.

    Raises:
        NotFound: there is none, or it is another's.
    """
    entry = uow.inbox.find(key)
    if entry is None or not entry.cursor or entry.recipient not in principal.organs:
        raise NotFound("not_found")
    return entry
