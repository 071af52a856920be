"""The story: one letter to every body of every unit; one ward accepts, one refuses, one answers with a letter of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from gateway.api import OfficeClient
from gateway.core.errors import SiteError
from gateway.core.ids import OrganId
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState
from gateway.demo.letters import CITY_LETTER, WARD_REPLY, DemoLetter
from gateway.demo.network import Network
from gateway.demo.resources import demo_resource

REFUSAL: Final = "Văn bản không thuộc thẩm quyền giải quyết của đơn vị (lý do mẫu của bản DEMO)"
PATIENCE_SECONDS: Final = 90.0
_LOOK_SECONDS: Final = 0.2
_FINAL: Final = frozenset(
    {DeliveryState.DELIVERED, DeliveryState.REFUSED, DeliveryState.EXPIRED, DeliveryState.VOID, DeliveryState.REROUTED}
)
_STUCK: Final = frozenset({DocumentState.REFUSED, DocumentState.HELD})

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""Hears (what, done, of)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the story has brought about, as its offices saw it."""

    letter: str
    """Key of the letter at the Party gateway."""
    delivered: int
    recipients: int
    statuses: Mapping[str, str]
    """Code of the answering body -> status code that arrived."""
    reply: str
    """Key of the answer in the Party office's inbox."""


class Story:
    """Tells the story through the two office APIs, as the offices' own systems would."""

    def __init__(self, network: Network, *, on_progress: Progress) -> None:
        self._network = network
        self._on_progress = on_progress
        self._clients: dict[OrganId, OfficeClient] = {}

    async def tell(self) -> Told:
        """The whole story.

        Raises:
            GatewayError: a step was refused; SiteError `internal` when something did not happen in time.
        """
        async with AsyncExitStack() as stack:
            context = self._network.client_context()
            for office in self._network.offices.values():
                url = self._network.sides[office.side].url
                client = OfficeClient(url, office.api_key, context)
                self._clients[office.organ_id] = await stack.enter_async_context(client)
            return await self._chapters()

    async def _chapters(self) -> Told:
        world = self._network.world
        sender = world.sender.organ_id
        recipients = [body.organ_id for body in world.recipients]
        letter = await self._send(sender, CITY_LETTER, recipients)
        delivered = await self._until_delivered(sender, letter, len(recipients))
        answering, accepting, refusing = list(self._network.offices)[1:4]
        await self._keep_copies(answering, sender)
        await self._accept_and_refuse(accepting, refusing, sender)
        await self._send(answering, WARD_REPLY, [sender], response_for=await self._letter_at(answering, sender))
        wanted = {accepting: BusinessStatus.ACCEPTED.value, refusing: BusinessStatus.REFUSED.value}
        statuses = await self._until_answered(sender, letter, wanted)
        reply = await self._until_arrived(sender, answering)
        return Told(
            letter=letter, delivered=delivered, recipients=len(recipients), statuses=statuses, reply=reply["key"]
        )

    async def _send(
        self,
        sender: OrganId,
        letter: DemoLetter,
        recipients: list[OrganId],
        response_for: Mapping[str, Any] | None = None,
    ) -> str:
        metadata = {
            "sender": sender,
            "recipients": recipients,
            "code": {"number": letter.code.number, "notation": letter.code.notation},
            "promulgation_place": letter.promulgation_place,
            "promulgation_date": letter.promulgation_date.isoformat(),
            "subject": letter.subject,
            "signer": {
                "competence": letter.signer.competence,
                "position": letter.signer.position,
                "full_name": letter.signer.full_name,
            },
            "page_amount": letter.page_amount,
            "response_for": [response_for] if response_for else [],
        }
        path = demo_resource(letter.resource)
        sent = await self._clients[sender].send(metadata, [path], idempotency_key=f"demo-{letter.resource}")
        self._on_progress("submitted", 1, 1)
        return str(sent["key"])

    async def _until_delivered(self, sender: OrganId, letter: str, total: int) -> int:
        async def look() -> int | None:
            view = await self._clients[sender].document(letter)
            if view["state"] in _STUCK:
                raise SiteError("internal", reason=f"the letter is {view['state']}: {view['reason']}")
            counts = {DeliveryState(state): count for state, count in view["deliveries"]["counts"].items()}
            delivered = counts.get(DeliveryState.DELIVERED, 0)
            self._on_progress("delivered", delivered, total)
            final = sum(count for state, count in counts.items() if state in _FINAL)
            return delivered if final == total else None

        return await _until(look, "deliveries")

    async def _letter_at(self, ward: OrganId, sender: OrganId) -> Mapping[str, Any]:
        """What the ward answers to, read from its own inbox."""
        entry = await self._entry(ward, sender)
        return {"organ_id": sender, "document_id": entry["document_id"], "code": CITY_LETTER.code.text()}

    async def _keep_copies(self, ward: OrganId, sender: OrganId) -> None:
        """What the ward received, beside the demo's other files: for whoever wants to look at it with other programs."""
        key = (await self._entry(ward, sender))["key"]
        await self._clients[ward].attachment(key, 1, self._network.letter)
        await self._clients[ward].content(key, self._network.envelope)

    async def _accept_and_refuse(self, accepting: OrganId, refusing: OrganId, sender: OrganId) -> None:
        await self._clients[accepting].accept((await self._entry(accepting, sender))["key"])
        await self._clients[refusing].refuse((await self._entry(refusing, sender))["key"], REFUSAL)

    async def _entry(self, ward: OrganId, sender: OrganId) -> Mapping[str, Any]:
        for entry in (await self._clients[ward].inbox())["entries"]:
            if entry["sender"] == sender:
                return dict(entry)
        raise SiteError("internal", reason=f"the letter is not in the inbox of {ward}")

    async def _until_answered(self, sender: OrganId, letter: str, wanted: Mapping[OrganId, str]) -> Mapping[str, str]:
        async def look() -> Mapping[str, str] | None:
            deliveries = await self._clients[sender].deliveries(letter)
            answered = {
                delivery["recipient"]: delivery["business_status"]
                for delivery in deliveries
                if delivery["business_status"]
            }
            self._on_progress("statuses", len(answered), len(wanted))
            return answered if len(answered) >= len(wanted) else None

        return await _until(look, "business statuses")

    async def _until_arrived(self, office: OrganId, sender: OrganId) -> Mapping[str, Any]:
        async def look() -> Mapping[str, Any] | None:
            entries = (await self._clients[office].inbox())["entries"]
            found = next((entry for entry in entries if entry["sender"] == sender), None)
            self._on_progress("replies", int(found is not None), 1)
            return found

        return await _until(look, "the ward's answer")


async def _until(look: Callable[[], Awaitable[T | None]], what: str) -> T:
    """Look again and again until there is something to see."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found = await look()
        if found is not None:
            return found
        await asyncio.sleep(_LOOK_SECONDS)
    raise SiteError("internal", reason=f"{what} did not come within {PATIENCE_SECONDS:.0f} s")
