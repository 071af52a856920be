"""An operator's desk that does nothing and remembers what it was asked."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.core.interventions import Action, Pause, Request
from gateway.exchange.saying import said_words

AT = datetime(2026, 11, 22, 7, tzinfo=UTC)


@dataclass
class OperatorsDesk:
    """Remembers what it was asked; `fault` is raised instead."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    fault: Exception | None = None
    transfers: int = 1
    """How many of them each subject has."""

    def note(self, *said: str) -> None:
        self.asked.append(said)
        if self.fault:
            raise self.fault

    async def pause(self, by: str, destination: str, reason: str) -> Pause:
        reason = said_words(reason)
        self.note("pause", by, destination, reason)
        return Pause(destination=destination, by=by, reason=reason, at=AT)

    async def resume(self, by: str, destination: str) -> None:
        self.note("resume", by, destination)

    async def retry(self, by: str, subject: str) -> int:
        self.note("retry", by, subject)
        return 2

    async def reroute(self, by: str, subject: str) -> int:
        self.note("reroute", by, subject)
        return 2

    async def ask_void(self, by: str, subject: str, reason: str) -> tuple[Request, ...]:
        reason = said_words(reason)
        self.note("ask", by, subject, reason)
        return (Request(action=Action.VOID, subject=subject, by=by, reason=reason, at=AT),) * self.transfers

    async def confirm_void(self, by: str, subject: str) -> int:
        self.note("confirm", by, subject)
        return 1
