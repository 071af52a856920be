"""Amendments: what a body says afterwards of a document it has sent: give it back, this is how it reads now, this replaces it.

Whoever sends asks (status 13, or a document of the kinds revoke, update and replace), whoever received agrees or refuses (15,
16) and tells how far the document had come. Both gateways keep a row of it for each recipient, beside the transport state,
the business status and the level of evidence, of which none changes by it. The moves are in `core.states`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Protocol

from gateway.core.clock import VIETNAM, edxml_timestamp
from gateway.core.ids import AmendmentKey, EntryKey, OrganId
from gateway.core.limits import REASON_CHARS_MAX
from gateway.core.states import AmendmentState, BusinessStatus


class Side(StrEnum):
    """Whose row it is."""

    SENT = "sent"
    """Of the gateway whose body sent the earlier document."""
    RECEIVED = "received"


class AmendmentKind(StrEnum):
    """What the sender wants of the earlier document."""

    RECALL = "recall"
    """Thu hồi, lấy lại: as if it had not been sent. The recipient agrees or refuses."""
    UPDATE = "update"
    """Cập nhật: another document says how it reads now. The recipient agrees or refuses."""
    REPLACE = "replace"
    """Thay thế: another document stands in its place. Nobody has to agree."""


_TAKEN_UP: Final = frozenset(
    {BusinessStatus.ACCEPTED, BusinessStatus.ASSIGNED, BusinessStatus.IN_PROGRESS, BusinessStatus.COMPLETED}
)
_NOT_YET: Final = "chưa"
_ABOUT: Final = {AmendmentKind.RECALL: "thu hồi", AmendmentKind.UPDATE: "cập nhật"}
_ANSWER: Final = re.compile(
    r"(?P<words>.*?) ?\[Đã mở: (?P<opened>chưa|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d); "
    r"trạng thái: (?P<standing>\d\d); chuyển tiếp: (?P<forwarded>có|chưa)(?:; về: (?P<about>thu hồi|cập nhật))?\]",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """How far a document had come at its recipient when the recipient answered."""

    opened_at: datetime | None
    """When its file was first fetched from the recipient's gateway, in whole seconds; None: it never was."""
    standing: BusinessStatus
    """What the recipient had said of it before: 01 arrived, 02 refused, 03 accepted ..."""
    forwarded: bool
    """Whether the recipient says that it was passed on."""

    @property
    def taken_up(self) -> bool:
        """Whether others have acted upon it: then a refusal comes of having asked too late."""
        return self.forwarded or self.standing in _TAKEN_UP


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendmentAnswer:
    """What the description of a 15 or 16 says: the recipient's words, and how far the document had come.

    The regulation has no field for the latter, so it stands behind the words in brackets: a clerk reads it as it is, and a
    gateway finds it again. Without the brackets (another program's answer) only the words are known.
    """

    words: str
    handling: Handling | None
    about: AmendmentKind | None = None
    """What the document asks that is answered under its own name; None: a 13 is answered. It tells the two apart where a
    document that asks for something is itself recalled."""

    def text(self) -> str:
        """As it goes over the wire, within the regulation's 500 characters: what is too long of the words is cut off."""
        if self.handling is None:
            return self.words[:REASON_CHARS_MAX]
        opened = edxml_timestamp(self.handling.opened_at) if self.handling.opened_at else _NOT_YET
        forwarded = "có" if self.handling.forwarded else _NOT_YET
        about = f"; về: {_ABOUT[self.about]}" if self.about else ""
        facts = f"[Đã mở: {opened}; trạng thái: {self.handling.standing.value}; chuyển tiếp: {forwarded}{about}]"
        return f"{self.words[: REASON_CHARS_MAX - len(facts) - 1]} {facts}".strip()


def read_answer(description: str) -> AmendmentAnswer:
    """What a description says; whatever has not our form is all words."""
    found = _ANSWER.fullmatch(description)
    if found is None:
        return AmendmentAnswer(words=description, handling=None)
    try:
        handling = Handling(
            opened_at=None if found["opened"] == _NOT_YET else _moment(found["opened"]),
            standing=BusinessStatus(found["standing"]),
            forwarded=found["forwarded"] != _NOT_YET,
        )
    except (ValueError, OverflowError):
        return AmendmentAnswer(words=description, handling=None)
    about = next((kind for kind, words in _ABOUT.items() if words == found["about"]), None)
    return AmendmentAnswer(words=found["words"], handling=handling, about=about)


def _moment(text: str) -> datetime:
    """In UTC: the calendar's first hours in Vietnam are in no year there, and no row could hold them."""
    return datetime.strptime(text, "%Y/%m/%d %H:%M:%S").replace(tzinfo=VIETNAM).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """One recipient's part of it, at one of the two gateways."""

    key: AmendmentKey
    side: Side
    kind: AmendmentKind
    sender: OrganId
    """Of the earlier document and of the amendment: nobody amends what another has sent."""
    recipient: OrganId
    document_id: str
    """Of the earlier document."""
    by: str
    """DocumentId of the document that asks; empty where a status message 13 did."""
    subject: str
    """Key of the earlier document's delivery, or of its inbox entry; empty as long as there is none."""
    carrier: str
    """Key of what asks: of the outgoing row, or of the inbox entry it came as; empty for a 13 that arrived."""
    state: AmendmentState
    reason: str
    """Why, in the sender's words."""
    asked_at: datetime
    """By the sender's signed time, in whole seconds."""
    words: str = ""
    """What the recipient answered."""
    handling: Handling | None = None
    """How far the document had come by then; None: not answered, or by a program that does not tell."""
    answered_at: datetime | None = None
    """By the recipient's signed time, in whole seconds."""
    changed_at: datetime
    reached: str = field(default="", compare=False)
    """Of a row of the sender's side, when it is looked at: the state of the delivery of what asks that was not rerouted."""


class Amendments(Protocol):
    """Amendments of both sides."""

    def add(self, amendments: Sequence[Amendment]) -> None:
        """Store new ones. (side, sender, document_id, recipient, kind, by) MUST be unique (`Conflict`)."""
        ...

    def find(self, like: Amendment) -> Amendment | None:
        """The one of the same side, sender, document_id, recipient, kind and `by`."""
        ...

    def of(self, side: Side, sender: OrganId, document_id: str) -> tuple[Amendment, ...]:
        """All that amend this document, in the order in which they were added."""
        ...

    def about(self, keys: Sequence[str]) -> tuple[Amendment, ...]:
        """Those whose subject or carrier is one of these keys, in the order in which they were added.

        With the delivery state of what asks (`reached`) where that is an outgoing row.
        """
        ...

    def advance(self, amendment: Amendment, *, was: AmendmentState) -> None:
        """Write subject, carrier, state, words, handling, answered_at, changed_at; compare-and-set on `was`.

        Raises:
            StaleStateError: the stored state is another; nothing was written.
        """
        ...

    def entry(self, recipient: OrganId, sender: OrganId, document_id: str) -> EntryKey | None:
        """The inbox entry of that document for that body. MUST NOT change before the unit ends: none arrives meanwhile."""
        ...
