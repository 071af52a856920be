"""What the operator's door asks of the conductors. `by` is the login name of who asks, as the kernel knows it."""

from typing import Protocol

from gateway.core.interventions import Pause, Request


class OperatorDesk(Protocol):
    """Does by hand what the gateway does not do by itself. Every verb leaves its leaf."""

    async def pause(self, by: str, destination: str, reason: str) -> Pause:
        """Let nothing go there until it is resumed; one that is paused already stays as it was.

        Raises:
            NotFound: no gateway of the registry has that name, and nothing waits for it.
            SenderError: `reason.missing`.
        """
        ...

    async def resume(self, by: str, destination: str) -> None:
        """Let it go on.

        Raises:
            Conflict: `conflict.not_paused`.
        """
        ...

    async def retry(self, by: str, subject: str) -> int:
        """Try a document or a transfer at once, waiting or given up; how many transfers (or 1: the document's next step).

        With it whatever else was given up of it (a notice, a timestamp), also when it has ended. `subject` may be the
        key of any dead letter.

        Raises:
            NotFound: there is no such document or transfer, and no dead letter of that key.
            Conflict: `conflict.state` when there is nothing to try.
        """
        ...

    async def reroute(self, by: str, subject: str) -> int:
        """Send what was held, refused or has expired, or still waits, where the registry says by now; how many deliveries.

        `subject`: a document, a transfer, or one delivery. What the registry names no other place for stays as it is.

        Raises:
            NotFound: there is nothing of that key.
            Conflict: `conflict.no_other_place`; `conflict.recalled`; `conflict.at_work` while it is being attempted.
        """
        ...

    async def ask_void(self, by: str, subject: str, reason: str) -> tuple[Request, ...]:
        """Ask to give up for good what is left of a document, or one transfer: what was asked for, also by others before.

        Raises:
            NotFound: there is no such document or transfer.
            Conflict: `conflict.state` when there is nothing to give up.
            SenderError: `reason.missing`.
        """
        ...

    async def confirm_void(self, by: str, subject: str) -> int:
        """Give it up, as another person asked within a day; how many transfers.

        Raises:
            NotFound: there is no such document or transfer.
            Conflict: `conflict.same_person`; `conflict.not_asked`, also when it was asked too long ago; `conflict.at_work`
                while it is being attempted; `conflict.state`.
        """
        ...
