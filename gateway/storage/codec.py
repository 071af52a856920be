"""Structured values as JSON text, and rows as values: what does not read back whole is damage, never a guess.

Strict both ways: a number where a text belongs, a word that is no member of its vocabulary, a missing field, or one that
nobody knows is refused: one flipped bit in a field's name would else leave its default in the place of its value.
The adapters come from the dataclasses of core themselves, so a new field is stored the day it is added.
"""

from collections.abc import Callable
from functools import wraps
from typing import Final, Generic, ParamSpec, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter

from gateway.core.errors import SiteError
from gateway.core.ids import OrganId
from gateway.core.message import DocumentMessage, StatusMessage
from gateway.core.model import Attachment, Metadata, SlipRecipient
from gateway.core.principal import Scope

T = TypeVar("T")
P = ParamSpec("P")
_KNOWN_FIELDS_ONLY: Final = ConfigDict(extra="forbid")


class Codec(Generic[T]):
    """One kind of value to JSON text and back."""

    def __init__(self, kind: type[T], /) -> None:
        # Pydantic takes a configuration for dataclasses only where they stand within another type.
        self._adapter = TypeAdapter(cast("type[T]", kind | None), config=_KNOWN_FIELDS_ONLY)

    def encode(self, value: T) -> str:
        """The value as JSON text, every field included."""
        return self._adapter.dump_json(value).decode()

    def decode(self, text: str) -> T:
        """The value of a JSON text that `encode` wrote.

        Raises:
            SiteError: `store.damaged` when it is not one.
        """
        try:
            value = self._adapter.validate_json(text, strict=True)
        except ValueError as error:
            raise SiteError("store.damaged", reason="a stored value does not read back") from error
        if value is None:
            raise SiteError("store.damaged", reason="nothing is stored as NULL, never as a text")
        return value


METADATA: Final = Codec(Metadata)
STATUS_MESSAGE: Final = Codec(StatusMessage)
DOCUMENT_MESSAGE: Final = Codec(DocumentMessage)
ATTACHMENTS: Final = Codec(tuple[Attachment, ...])
SLIP_RECIPIENTS: Final = Codec(tuple[SlipRecipient, ...])
REASON_PARAMS: Final = Codec(tuple[tuple[str, str], ...])
TEXTS: Final = Codec(tuple[str, ...])
ORGAN_IDS: Final = Codec(tuple[OrganId, ...])
SCOPES: Final = Codec(tuple[Scope, ...])


def reading(build: Callable[P, T]) -> Callable[P, T]:
    """For functions that build a value from a row: a word outside its vocabulary becomes `store.damaged`."""

    @wraps(build)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return build(*args, **kwargs)
        except (ValueError, OverflowError) as error:  # OverflowError: an instant beyond year 9999
            raise SiteError("store.damaged", reason="a stored row does not read back") from error

    return guarded
