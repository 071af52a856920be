"""Structured values as JSON text, and rows as values: what does not read back whole is damage, never a guess.

Strict both ways: a number where a text belongs, a word that is no member of its vocabulary, or a missing field is refused.
The adapters come from the dataclasses of core themselves, so a new field is stored the day it is added.
"""

from collections.abc import Callable
from functools import wraps
from typing import Final, Generic, ParamSpec, TypeVar

from pydantic import TypeAdapter

from gateway.core.errors import SiteError
from gateway.core.ids import OrganId
from gateway.core.message import DocumentMessage, StatusMessage
from gateway.core.model import Attachment, Metadata, SlipRecipient
from gateway.core.principal import Scope

T = TypeVar("T")
P = ParamSpec("P")


class Codec(Generic[T]):
    """One kind of value to JSON text and back."""

    def __init__(self, adapter: TypeAdapter[T], /) -> None:
        self._adapter = adapter

    def encode(self, value: T) -> str:
        """The value as JSON text, every field included."""
        return self._adapter.dump_json(value).decode()

    def decode(self, text: str) -> T:
        """The value of a JSON text that `encode` wrote.

        Raises:
            SiteError: `store.damaged` when it is not one.
        """
        try:
            return self._adapter.validate_json(text, strict=True)
        except ValueError as error:
            raise SiteError("store.damaged", reason="a stored value does not read back") from error


METADATA: Final = Codec(TypeAdapter(Metadata))
STATUS_MESSAGE: Final = Codec(TypeAdapter(StatusMessage))
DOCUMENT_MESSAGE: Final = Codec(TypeAdapter(DocumentMessage))
ATTACHMENTS: Final = Codec(TypeAdapter(tuple[Attachment, ...]))
SLIP_RECIPIENTS: Final = Codec(TypeAdapter(tuple[SlipRecipient, ...]))
REASON_PARAMS: Final = Codec(TypeAdapter(tuple[tuple[str, str], ...]))
TEXTS: Final = Codec(TypeAdapter(tuple[str, ...]))
ORGAN_IDS: Final = Codec(TypeAdapter(tuple[OrganId, ...]))
SCOPES: Final = Codec(TypeAdapter(tuple[Scope, ...]))


def reading(build: Callable[P, T]) -> Callable[P, T]:
    """For functions that build a value from a row: a word outside its vocabulary becomes `store.damaged`."""

    @wraps(build)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return build(*args, **kwargs)
        except (ValueError, OverflowError) as error:  # OverflowError: an instant beyond year 9999
            raise SiteError("store.damaged", reason="a stored row does not read back") from error

    return guarded
