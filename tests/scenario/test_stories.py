"""Named stories: one misfortune each, in a seeded world, and every invariant afterwards, the officer's check included."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from gateway.core.base64url import decode_base64url
from gateway.core.ids import GatewayId, OrganId
from gateway.core.model import PDF
from gateway.core.states import BusinessStatus, DeliveryState, TransferState
from tests.kit.pdfs import tiny_pdf
from tests.kit.seeded.invariants import problems
from tests.kit.seeded.materials import Materials, keyed, newborn, wards
from tests.kit.seeded.network import Weather
from tests.kit.seeded.offices import Letter
from tests.kit.seeded.plan import HOUR, MINUTE, NAMES, WEEKEND, Fault, Plan, What
from tests.kit.seeded.world import Outcome, World, run_world

A, B, C = NAMES[:3]
DAY = 24 * HOUR


def letter(number: int, *recipients: OrganId, at: float = 1.0, gateway: GatewayId = A, **fields: object) -> Letter:
    """From the first body of a gateway, which has entrusted its seal."""
    text = (("cong-van.txt", "text/plain", f"Kinh gui, so {number}".encode()),)
    made = Letter(number=number, gateway=gateway, sender=keyed(gateway)[0], recipients=recipients, files=text, at=at)
    return replace(made, **fields)  # type: ignore[arg-type]


def plan(*letters: Letter, names: tuple[GatewayId, ...] = (A, B), **fields: object) -> Plan:
    made = Plan(seed=1, gateways=names, letters=letters, gossip=0.0, until=HOUR)
    return replace(made, **fields)  # type: ignore[arg-type]


def links(weather: Weather, *names: GatewayId) -> dict[tuple[GatewayId, GatewayId], Weather]:
    return {(one, other): weather for one in names for other in names if one != other}


def told(made: Plan, materials: Materials) -> Outcome:
    """The world of a plan; nothing may be wrong with it."""
    outcome = run_world(made, materials, deep=True)
    assert problems(outcome) == ()
    return outcome


def deliveries(outcome: Outcome) -> Counter[tuple[str, str]]:
    return Counter((row.state.value, row.reason) for kept in outcome.kept for row in kept.deliveries)


def lines(outcome: Outcome, *words: str) -> list[str]:
    return [line for line in outcome.trace if all(word in line.split() for word in words)]


def moment(line: str) -> float:
    return float(line.split(maxsplit=1)[0])


# --- restart mid-step --------------------------------------------------------------------------------------------------

WALK = plan(
    letter(1, keyed(B)[0], keyed(A)[1], files=(("cong-van.pdf", PDF, tiny_pdf()),)),
    gossip=1.0,
    words=2,
    hurry=30.0,
    until=40 * MINUTE,
)
"""One sealed letter to a body here and one there, and what both say of it: every kind of step on both sides."""


def points_of(materials: Materials) -> dict[GatewayId, int]:
    """How many points there are at which the power may go, on each gateway, when nothing goes wrong."""
    counted: dict[GatewayId, int] = {}

    async def story(world: World) -> None:
        await world.run()
        for gateway in world.gateways.values():
            assert gateway.process is not None
            counted[gateway.own] = gateway.process.power.points

    outcome = run_world(WALK, materials, story)
    assert problems(outcome) == ()
    said = [entry.business_status for kept in outcome.kept for entry in kept.entries]
    assert any(status is not BusinessStatus.ARRIVED for status in said), "nobody says anything: choose another seed"
    return counted


@pytest.mark.parametrize("name", [A, B])
def test_the_power_goes_at_every_point_of_a_walk_and_comes_back(world_materials: Materials, name: GatewayId) -> None:
    points = points_of(world_materials)[name]
    assert points > 30, "fewer steps than a document has"
    failed = {}
    for point in range(points):
        cut = Fault(at=0.0, what=What.CUT, gateway=name, amount=point, seconds=10 * MINUTE)
        outcome = run_world(replace(WALK, faults=(cut,)), world_materials)
        found = problems(outcome)
        if found or outcome.counts["restart"] != 1 or set(deliveries(outcome)) != {("delivered", "")}:
            failed[point] = (found, deliveries(outcome), outcome.counts)
    assert failed == {}


def test_the_power_goes_again_and_again(world_materials: Materials) -> None:
    """A gateway that never lives longer than twenty points still gets everything done, a little further each time."""
    cuts = [
        Fault(at=30.0 * turn, what=What.CUT, gateway=name, amount=9 + turn, seconds=4.0)
        for turn in range(20)
        for name in (A, B)
    ]
    outcome = told(replace(WALK, faults=tuple(cuts)), world_materials)
    assert set(deliveries(outcome)) == {("delivered", "")}
    assert outcome.counts["restart"] >= 20


# --- the road ----------------------------------------------------------------------------------------------------------


def test_a_receipt_that_is_lost_again_and_again_is_asked_for(world_materials: Materials) -> None:
    outcome = told(plan(letter(1, keyed(B)[0]), weather={(A, B): Weather(lost_answers=1.0)}), world_materials)
    assert deliveries(outcome) == {("delivered", ""): 1}
    assert len(lines(outcome, "carry")) == 1
    assert len(lines(outcome, "inquire", "no", "answer")) >= 5
    (incoming,) = outcome.kept[1].incoming
    assert incoming.answer == outcome.kept[0].transfers[0].answer


def test_a_peer_is_away_for_a_weekend_and_nobody_else_notices(world_materials: Materials) -> None:
    away = Fault(at=0.0, what=What.PART, gateway=A, other=B, amount=2, seconds=WEEKEND)
    letters = [letter(n, keyed(B)[n % 3], wards(C)[n], at=n * 6 * HOUR) for n in range(1, 9)]
    outcome = told(plan(*letters, names=(A, B, C), faults=(away,), until=WEEKEND + HOUR), world_materials)
    assert deliveries(outcome) == {("delivered", ""): 16}
    others = [line for line in lines(outcome, "carry", C) if "200" in line]
    assert [moment(line) // (6 * HOUR) for line in others] == list(range(1, 9))
    knocks = len(lines(outcome, "unreachable"))
    assert 200 < knocks < 8 * 400, "the road is tried, by its back-off and not by each transfer's"
    back = [moment(line) for line in outcome.trace if f"carry {A} {B}" in line and "200" in line]
    assert max(back) - WEEKEND < 20 * MINUTE, "once it is back, the road is noticed within the cap of the back-off"


def test_after_the_deadline_it_expires_and_says_so(world_materials: Materials) -> None:
    away = Fault(at=0.0, what=What.PART, gateway=A, other=B, amount=2, seconds=6 * DAY)
    outcome = told(plan(letter(1, keyed(B)[0]), faults=(away,), until=6 * DAY + HOUR), world_materials)
    assert deliveries(outcome) == {("expired", "delivery.expired"): 1}
    assert outcome.kept[1].entries == ()


def test_requests_come_twice_and_in_any_order(world_materials: Materials) -> None:
    letters = [letter(n, keyed(B)[0], keyed(B)[1], at=0.1 * n) for n in range(1, 9)]
    weather = links(Weather(duplicates=1.0, delay=(0.01, 80.0)), A, B)
    outcome = told(plan(*letters, weather=weather, until=4 * HOUR), world_materials)
    assert deliveries(outcome) == {("delivered", ""): 16}
    assert len(outcome.kept[1].entries) == 16
    assert outcome.counts["duplicate"] >= 8
    received = sorted(outcome.kept[1].incoming, key=lambda transfer: transfer.received_at)
    carried = [line.sequence for transfer in received for line in transfer.slip.recipients]
    assert carried != sorted(carried), "nothing was reordered: the story tells nothing"
    entered = [entry.sequence for entry in sorted(outcome.kept[1].entries, key=lambda entry: entry.cursor or 0)]
    assert entered == sorted(entered)


def test_the_answer_is_lost_and_the_peer_starts_again(world_materials: Materials) -> None:
    cut = Fault(at=2.0, what=What.CUT, gateway=B, amount=0, seconds=5.0)
    weather = {(A, B): Weather(lost_answers=1.0, delay=(0.05, 0.1))}
    outcome = told(plan(letter(1, *keyed(B)), weather=weather, faults=(cut,), until=30 * MINUTE), world_materials)
    assert deliveries(outcome) == {("delivered", ""): 3}
    assert len(lines(outcome, "carry")) == 1


# --- clocks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("name", [A, B])
def test_a_clock_is_an_hour_wrong_while_letters_travel(world_materials: Materials, name: GatewayId, hours: int) -> None:
    """Whoever's clock it is: letters wait until both clocks agree that they were sent; none is refused for it."""
    step = Fault(at=10.0, what=What.STEP, gateway=name, amount=hours * HOUR, seconds=HOUR)
    letters = [letter(n, keyed(B)[0], keyed(A)[1], at=9.9 + n * 0.2) for n in range(1, 4)]
    back = letter(4, keyed(A)[0], at=20.0, gateway=B)
    weather = links(Weather(delay=(0.1, 3.0)), A, B)
    outcome = told(plan(*letters, back, faults=(step,), weather=weather, until=3 * HOUR), world_materials)
    assert deliveries(outcome) == {("delivered", ""): 7}
    last = max(moment(line) for line in outcome.trace if " carry " in line or " inquire " in line)
    # the wrong hour, once more for what was put off by the wrong clock, and the cap of the back-off
    assert last < 2 * HOUR + 20 * MINUTE


def test_work_that_runs_while_its_lease_is_stepped_away_is_done_once(world_materials: Materials) -> None:
    """An hour forward in the middle of an attempt: the item is claimed again, and the first holder has lost it."""
    step = Fault(at=2.0, what=What.STEP, gateway=A, amount=HOUR, seconds=2 * HOUR)
    second = letter(2, keyed(A)[1], at=3.0)  # wakes the engine up
    weather = {(A, B): Weather(delay=(20.0, 40.0))}
    outcome = told(plan(letter(1, keyed(B)[0]), second, weather=weather, faults=(step,)), world_materials)
    assert deliveries(outcome) == {("delivered", ""): 2}
    (transfer,) = [row.slip.transfer for row in outcome.kept[0].transfers if row.slip.destination == B]
    assert len(lines(outcome, "claim", transfer)) >= 2


# --- keys and editions -------------------------------------------------------------------------------------------------


def test_every_key_of_a_gateway_rolls_over_while_letters_travel(world_materials: Materials) -> None:
    """Transport key, receipt key and TLS pin; the others have the edition sooner or later than the keys are in use."""
    roll = Fault(at=10 * MINUTE, what=What.ROLL, gateway=A, seconds=HOUR)
    out = [letter(n, keyed(B)[0], keyed(C)[0], at=n * 5 * MINUTE) for n in range(1, 20)]
    back = [letter(n, keyed(A)[0], at=(n - 29) * 20 * MINUTE, gateway=B) for n in range(30, 37)]
    made = plan(*out, *back, names=(A, B, C), faults=(roll,), weather=links(Weather(lost_answers=0.3), A, B, C))
    outcome = told(replace(made, until=3 * HOUR), world_materials)
    assert set(deliveries(outcome)) == {("delivered", "")}
    assert {kept.activations[-1].epoch for kept in outcome.kept} == {2}
    signers = {_key_of(row.answer) for row in outcome.kept[0].incoming if row.answer}
    assert len(signers) == 2, "receipts by the old key and by the new one"


def _key_of(receipt: bytes) -> str:
    header = json.loads(decode_base64url(receipt.split(b".")[0].decode()))
    return str(header["kid"])


def test_registry_editions_are_out_of_step(world_materials: Materials) -> None:
    """Nobody is refused because one gateway has an edition that another has not yet."""
    born, locked, closed = newborn(B), wards(C)[0], wards(A)[0]
    news = (
        Fault(at=10 * MINUTE, what=What.BORN, gateway=B, seconds=HOUR),
        Fault(at=20 * MINUTE, what=What.LOCK, gateway=C, seconds=HOUR),
        Fault(at=30 * MINUTE, what=What.CLOSE, gateway=A, seconds=HOUR),
    )
    letters = [letter(n, born, locked, at=n * 4 * MINUTE) for n in range(1, 30)]
    back = [letter(n, closed, at=n * 4 * MINUTE, gateway=C) for n in range(1, 30)]
    outcome = told(plan(*letters, *back, names=(A, B, C), faults=news, until=4 * HOUR), world_materials)
    reasons = deliveries(outcome)
    assert set(reasons) <= {
        ("delivered", ""),
        ("refused", "recipient.unknown"),
        ("refused", "recipient.locked"),
        ("refused", "recipient.closed"),
    }
    assert reasons["delivered", ""] > 2
    assert outcome.ledger.unserved == {born, locked, closed}, "the doors told most of it"


def test_judges_out_of_order_hold_what_they_cannot_decide(world_materials: Materials) -> None:
    """Eight failures, then it is held; mended and released, it goes on as if nothing had been."""
    broken = Fault(at=0.5, what=What.BROKEN, gateway=A, seconds=HOUR)
    judged = letter(1, keyed(B)[0], files=(("cong-van.pdf", PDF, tiny_pdf("So 1")),))
    outcome = told(plan(judged, faults=(broken,), until=2 * HOUR), world_materials)
    assert deliveries(outcome) == {("delivered", ""): 1}
    assert "held" in {row.event for row in outcome.kept[0].openings}
    assert lines(outcome, "released")
    assert not outcome.kept[0].dead, "its dead letter went away when it was let go on"


@pytest.mark.parametrize("name", [A, B])
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_disk_is_full_for_a_while(world_materials: Materials, name: GatewayId, share: float) -> None:
    """Nothing is acknowledged that was not kept, and nothing is given up for want of space."""
    full = Fault(at=5.0, what=What.FULL, gateway=name, amount=share, seconds=10 * MINUTE)
    letters = [letter(n, keyed(B)[0], keyed(A)[1], at=n * 2.0) for n in range(1, 6)]
    outcome = told(plan(*letters, faults=(full,), gossip=1.0, until=3 * HOUR), world_materials)
    assert set(deliveries(outcome)) == {("delivered", "")}


def test_sixty_recipients_on_five_gateways_in_bad_weather(world_materials: Materials) -> None:
    known = [code for name in NAMES for code in (*keyed(name), *wards(name))][1:61]
    weather = links(Weather(loss=0.2, lost_answers=0.2, lies=0.2, duplicates=0.2, garbled=0.1), *NAMES)
    outcome = told(plan(letter(1, *known), names=NAMES, weather=weather, until=6 * HOUR), world_materials)
    assert deliveries(outcome) == {("delivered", ""): 60}
    assert Counter(row.state for row in outcome.kept[0].transfers) == {TransferState.RECEIPTED: 5}
    assert {row.state for row in outcome.kept[0].deliveries} == {DeliveryState.DELIVERED}


def test_a_story_is_nothing_without_its_world(world_materials: Materials) -> None:
    """What these stories rest on: a letter that nobody disturbs is delivered, at once, and the world then rests."""
    outcome = told(plan(letter(1, keyed(B)[0])), world_materials)
    assert deliveries(outcome) == {("delivered", ""): 1}
    assert not [name for name, count in outcome.counts.items() if count]
    (carried,) = lines(outcome, "carry")
    assert moment(carried) < 2.0
