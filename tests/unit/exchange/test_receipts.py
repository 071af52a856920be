"""A receipt is believed only whole: every claim, every line, every proof, in its one form."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import PeerError
from gateway.core.model import Transfer
from gateway.crypto import FileSigner, sign_jws
from gateway.exchange import ReceiptForm, receipts
from tests.kit.exchange_world import Materials, World, exchange_world, letter, make_materials
from tests.kit.pdfs import tiny_pdf


@pytest.fixture(scope="module")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Materials:
    return make_materials(tmp_path_factory.mktemp("materials"))


@pytest.fixture(params=list(ReceiptForm), ids=lambda form: form.name.lower())
async def world(request: pytest.FixtureRequest, materials: Materials, tmp_path: Path) -> AsyncIterator[World]:
    async with exchange_world(materials, tmp_path) as made:
        made.party.road.form = request.param
        yield made


async def receipted(world: World) -> Transfer:
    """A transfer of two recipients with its receipt."""
    wards = tuple(ward for ward in world.wards if ".UB." in ward)[:2]
    await world.party.submit(letter(world.sender, wards, await world.party.file("a.pdf", tiny_pdf())))
    await world.settle()
    (transfer,) = await world.party.store.read(lambda uow: uow.transfers.page(None, 10))
    assert transfer.answer is not None
    return transfer


def claims_of(receipt: bytes) -> dict[str, Any]:
    payload = receipt.split(b".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    return found


def header_of(receipt: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(urlsafe_b64decode(receipt.split(b".")[0] + b"=="))
    return found


def signed_at(receipt: bytes) -> datetime | None:
    text = header_of(receipt).get("sigT")
    return datetime.fromisoformat(text) if text else None


async def signed_again(world: World, claims: dict[str, Any], at: datetime | None) -> bytes:
    """The same claims, changed, under the destination's true key: what a gateway that lies would send."""
    assert world.materials
    key = world.materials.pki.gateways[world.government.own].files.receipt_key
    signer = FileSigner(key, key_id="receipt")
    payload = json.dumps(claims, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    return await sign_jws(payload, kid=sha256(signer.public_key).hexdigest(), signer=signer, signed_at=at)


def refuse(world: World, transfer: Transfer, receipt: bytes) -> str:
    with pytest.raises(PeerError) as caught:
        receipts.check(receipt, transfer.slip, world.party.directory.current())
    assert caught.value.code == "peer.receipt"
    return str(caught.value.params["step"])


Change = Callable[[dict[str, Any]], object]
RELAY = "http://uri.etsi.org/19522/Event/Relay"


def flip(text: str) -> str:
    """The same text with one base64url digit changed in its middle."""
    at = len(text) // 2
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


LIES: dict[str, Change] = {
    "another transfer": lambda c: c.update(transfer=c["transfer"][:-1] + ("1" if c["transfer"].endswith("0") else "0")),
    "another envelope": lambda c: c["envelope"].update(sha256="0" * 64),
    "another size": lambda c: c["envelope"].update(size=c["envelope"]["size"] + 1),
    "another epoch": lambda c: c.update(registry_epoch=2),
    "an epoch that equals but is no integer": lambda c: c.update(registry_epoch=True),
    "another sender": lambda c: c.update(sender="Z79.UBND"),
    "another origin": lambda c: c.update(origin=c["destination"]),
    "another version": lambda c: c.update(version=3 - c["version"]),
    "a version of tomorrow": lambda c: c.update(version=3),
    "the event of the other outcome": lambda c: c["recipients"][0].update(event=RELAY + "Rejection"),
    "an event of no list": lambda c: c["recipients"][0].update(event="RelayAcceptance"),
    "an event more or less": lambda c: (
        c["recipients"][0].pop("event", None) or c["recipients"][0].update(event=RELAY + "Acceptance")
    ),
    "no event, or one that is nothing": lambda c: (
        c["recipients"][0].pop("event", None) or c["recipients"][0].update(event=None)
    ),
    "an unknown claim": lambda c: c.update(note="trust me"),
    "a missing claim": lambda c: c.pop("received_at"),
    "no recipients": lambda c: c.update(recipients=[]),
    "one recipient less": lambda c: c["recipients"].pop(),
    "one recipient twice": lambda c: c["recipients"].append(c["recipients"][0]),
    "recipients in another order": lambda c: c["recipients"].reverse(),
    "another sequence": lambda c: c["recipients"][0].update(sequence=2),
    "refused, by a leaf that says received": lambda c: c["recipients"][0].update(outcome="refused"),
    "an outcome nobody knows": lambda c: c["recipients"][0].update(outcome="perhaps"),
    "a code that the leaf does not commit to": lambda c: c["recipients"][0].update(code="seal.broken"),
    "another salt": lambda c: c["recipients"][0].update(salt=flip(c["recipients"][0]["salt"])),
    "another leaf": lambda c: c["recipients"][0].update(leaf=c["recipients"][1]["leaf"]),
    "a leaf with a space": lambda c: c["recipients"][0].update(leaf=c["recipients"][0]["leaf"] + " "),
    "another index": lambda c: c["recipients"][0].update(index=c["recipients"][0]["index"] + 1),
    "an index that is no integer": lambda c: c["recipients"][0].update(index="0"),
    "a negative index": lambda c: c["recipients"][0].update(index=-1),
    "a huge index": lambda c: c["recipients"][0].update(index=2**70),
    "a shorter path": lambda c: c["recipients"][0]["path"].pop(),
    "a longer path": lambda c: c["recipients"][0]["path"].append(c["recipients"][0]["path"][0]),
    "a changed path": lambda c: c["recipients"][0]["path"].__setitem__(0, flip(c["recipients"][0]["path"][0])),
    "an endless path": lambda c: c["recipients"][0].update(path=c["recipients"][0]["path"] * 50),
    "a path of numbers": lambda c: c["recipients"][0].update(path=[1, 2]),
    "another tree size": lambda c: c.update(checkpoint=c["checkpoint"].replace("\n", "\n1", 1)),
    "no checkpoint": lambda c: c.update(checkpoint=""),
    "an unsigned checkpoint": lambda c: c.update(checkpoint=c["checkpoint"].split("\n\n")[0] + "\n"),
    "a line that is a list": lambda c: c["recipients"].__setitem__(0, []),
    "recipients that are a mapping": lambda c: c.update(recipients={}),
    "a leaf that is a number": lambda c: c["recipients"][0].update(leaf=7),
    "a leaf that is a list": lambda c: c["recipients"][0].update(leaf=["x"]),
    "a leaf that is nothing": lambda c: c["recipients"][0].update(leaf=None),
    "a version that equals but is no integer": lambda c: c.update(version=True),
    "a sequence with a fraction": lambda c: c["recipients"][0].update(sequence=1.0),
    "a time that is none": lambda c: c.update(received_at={"year": 2999}),
    "an unknown member of a line": lambda c: c["recipients"][0].update(extra=1),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_gateway_that_lies_in_its_receipt_is_not_believed(world: World, lie: str) -> None:
    transfer = await receipted(world)
    assert transfer.answer
    claims = claims_of(transfer.answer)
    LIES[lie](claims)
    refuse(world, transfer, await signed_again(world, claims, signed_at(transfer.answer)))


async def test_the_true_receipt_is_believed_also_when_signed_again(world: World) -> None:
    transfer = await receipted(world)
    assert transfer.answer
    again = await signed_again(world, claims_of(transfer.answer), signed_at(transfer.answer))
    lines = receipts.check(again, transfer.slip, world.party.directory.current())
    assert [line.outcome for line in lines] == ["received", "received"]


async def test_each_form_says_what_it_must(world: World) -> None:
    transfer = await receipted(world)
    assert transfer.answer
    header, claims = header_of(transfer.answer), claims_of(transfer.answer)
    events = [line.get("event") for line in claims["recipients"]]
    if world.party.road.form is ReceiptForm.FIRST:
        assert set(header) == {"alg", "kid", "typ"}
        assert (claims["version"], events) == (1, [None, None])
        return
    assert set(header) == {"alg", "iat", "kid", "sigT", "typ"}
    assert (claims["version"], events) == (2, [RELAY + "Acceptance"] * 2)
    when = signed_at(transfer.answer)
    assert when is not None
    assert header["iat"] == when.timestamp()


async def test_neither_form_passes_for_the_other(world: World) -> None:
    """Claims of one version under the header of the other: neither an old reader nor a new one believes them."""
    transfer = await receipted(world)
    assert transfer.answer
    when = signed_at(transfer.answer)
    received = datetime.fromisoformat(claims_of(transfer.answer)["received_at"])
    other = None if when else received + timedelta(seconds=1)
    refuse(world, transfer, await signed_again(world, claims_of(transfer.answer), other))


@pytest.mark.parametrize(
    ("seconds", "believed"), [(-1, False), (-0.999, False), (0, True), (0.5, True), (7 * 86_400, True)]
)
async def test_it_is_signed_no_earlier_than_received_and_perhaps_much_later(
    world: World,
    seconds: float,
    believed: bool,
) -> None:
    """The power may fail between the two, and an answer be made days later; what is written are whole seconds."""
    transfer = await receipted(world)
    assert transfer.answer
    if world.party.road.form is ReceiptForm.FIRST:
        return
    claims = claims_of(transfer.answer)
    second = datetime.fromisoformat(claims["received_at"]).replace(microsecond=0)
    token = await signed_again(world, claims, second + timedelta(seconds=seconds))
    if believed:
        assert receipts.check(token, transfer.slip, world.party.directory.current())
    else:
        assert "signed before" in refuse(world, transfer, token)


async def test_a_clock_that_is_set_back_before_signing_spoils_no_receipt(world: World) -> None:
    transfer = await receipted(world)
    incoming = await world.government.store.read(lambda uow: uow.transfers.incoming(transfer.slip.transfer))
    assert incoming is not None
    later = replace(incoming, received_at=incoming.received_at + timedelta(hours=1), answer=None)
    answer = await world.government.reception._answer(later, world.party.road.form)
    assert (
        answer == transfer.answer
    )  # the first one stored is the one that counts; the other one was made without complaint


async def test_a_stored_receipt_is_given_again_whatever_the_asker_reads_by_then(world: World) -> None:
    transfer = await receipted(world)
    for form in ReceiptForm:
        again = await world.government.reception.answer_of(world.party.own, transfer.slip.transfer, form=form)
        assert again == transfer.answer


async def test_every_changed_byte_of_a_receipt_is_noticed(world: World) -> None:
    transfer = await receipted(world)
    assert transfer.answer
    for at in range(0, len(transfer.answer), 41):
        changed = bytearray(transfer.answer)
        changed[at] ^= 1
        refuse(world, transfer, bytes(changed))


async def test_rubbish_is_no_receipt(world: World) -> None:
    transfer = await receipted(world)
    deep = urlsafe_b64encode(b"[" * 100_000).rstrip(b"=")
    for rubbish in (b"", b"..", b"a.b.c", b"\xff" * 100, b"e30." + deep + b".AAAA", b"x" * 3_000_000):
        refuse(world, transfer, rubbish)


async def test_a_receipt_by_the_sender_s_own_gateway_is_none_of_the_destination(world: World) -> None:
    transfer = await receipted(world)
    assert transfer.answer
    assert world.materials
    key = world.materials.pki.gateways[world.party.own].files.receipt_key
    signer = FileSigner(key, key_id="receipt")
    payload = json.dumps(claims_of(transfer.answer), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    forged = await sign_jws(payload, kid=sha256(signer.public_key).hexdigest(), signer=signer)
    assert "header" in refuse(world, transfer, forged)
