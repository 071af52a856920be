"""The plan of deliveries: every recipient gets one answer, whatever the registry holds."""

from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.directory import Body, BodyStatus, GatewayEntry, Snapshot
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.core.limits import SUCCESSOR_STEPS_MAX
from gateway.routing import Plan, Refusal, Route, plan

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
PARTY, STATE = GatewayId("dang.demo.internal"), GatewayId("chinhquyen.demo.internal")
ACTIVE, LOCKED, CLOSED = BodyStatus.ACTIVE, BodyStatus.LOCKED, BodyStatus.CLOSED


def body(code: str, *, gateway: GatewayId = PARTY, status: BodyStatus = ACTIVE, successor: str | None = None) -> Body:
    return Body(
        organ_id=OrganId(code),
        name=code,
        in_charge="",
        gateway=gateway,
        status=status,
        successor=OrganId(successor) if successor else None,
        transport_certificates=(),
        seal_certificates=(),
    )


def edition(*bodies: Body, epoch: int = 7) -> Snapshot:
    gateways = {
        name: GatewayEntry(
            gateway=name, name=name, url=f"https://{name}:8444", tls_keys=(), receipt_keys=(), log_keys=()
        )
        for name in (PARTY, STATE)
    }
    return Snapshot(
        epoch=epoch,
        digest=Digest("0" * 64),
        issued_at=NOW,
        bodies=MappingProxyType({one.organ_id: one for one in bodies}),
        gateways=MappingProxyType(gateways),
    )


def planned(snapshot: Snapshot, *codes: str) -> Plan:
    return plan(recipients=[OrganId(code) for code in codes], snapshot=snapshot, moment=NOW)


def test_each_recipient_goes_to_the_gateway_that_hosts_it_in_the_order_given() -> None:
    result = planned(edition(body("Z79.A"), body("Z79.B", gateway=STATE), body("Z79.C")), "Z79.C", "Z79.B", "Z79.A")
    assert [(route.recipient, route.destination) for route in result.routes] == [
        ("Z79.C", PARTY),
        ("Z79.B", STATE),
        ("Z79.A", PARTY),
    ]
    assert {route.reason for route in result.routes} == {"registry.hosted"}
    assert (result.refusals, result.epoch, result.at) == ((), 7, NOW)


def test_routes_are_grouped_by_gateway() -> None:
    result = planned(edition(body("Z79.A"), body("Z79.B", gateway=STATE), body("Z79.C")), "Z79.C", "Z79.B", "Z79.A")
    groups = result.by_destination()
    assert {key: [route.recipient for route in group] for key, group in groups.items()} == {
        PARTY: ["Z79.C", "Z79.A"],
        STATE: ["Z79.B"],
    }
    assert list(groups) == sorted([PARTY, STATE])


def test_gateways_come_in_one_order_whatever_that_of_the_recipients() -> None:
    """Found by attack on PostgreSQL: two circulars took the rows of their streams the other way round, and one was undone."""
    known = edition(body("Z79.A"), body("Z79.B", gateway=STATE))
    orders = [list(planned(known, *names).by_destination()) for names in (("Z79.A", "Z79.B"), ("Z79.B", "Z79.A"))]
    assert orders[0] == orders[1]


@pytest.mark.parametrize(
    ("status", "code"), [(None, "recipient.unknown"), (LOCKED, "recipient.locked"), (CLOSED, "recipient.closed")]
)
def test_one_bad_recipient_is_refused_and_the_others_are_served(status: BodyStatus | None, code: str) -> None:
    bodies = [body("Z79.A")] + ([body("Z79.X", status=status)] if status else [])
    result = planned(edition(*bodies), "Z79.X", "Z79.A")
    assert result.refusals == (Refusal(recipient=OrganId("Z79.X"), code=code, successor=None),)
    assert result.routes == (Route(recipient=OrganId("Z79.A"), destination=PARTY, reason="registry.hosted"),)


def chain(length: int, end: BodyStatus) -> Snapshot:
    """`length` closed bodies, each naming the next, and then the end."""
    closed = [body(f"Z79.{n}", status=CLOSED, successor=f"Z79.{n + 1}") for n in range(length)]
    return edition(*closed, body(f"Z79.{length}", status=end))


@pytest.mark.parametrize("length", [1, 2, SUCCESSOR_STEPS_MAX])
def test_a_closed_code_names_the_active_body_at_the_end_of_the_chain(length: int) -> None:
    (refusal,) = planned(chain(length, ACTIVE), "Z79.0").refusals
    assert (refusal.code, refusal.successor) == ("recipient.closed", f"Z79.{length}")


@pytest.mark.parametrize(
    "snapshot",
    [
        chain(SUCCESSOR_STEPS_MAX + 1, ACTIVE),
        chain(2, CLOSED),
        chain(1, LOCKED),
        edition(body("Z79.0", status=CLOSED, successor="Z79.0")),
        edition(body("Z79.0", status=CLOSED, successor="Z79.1"), body("Z79.1", status=CLOSED, successor="Z79.0")),
        edition(body("Z79.0", status=CLOSED, successor="Z79.9")),
        edition(
            body("Z79.0", status=CLOSED, successor="Z79.1"),
            body("Z79.1", status=LOCKED, successor="Z79.2"),
            body("Z79.2"),
        ),
    ],
    ids=["too long", "ends closed", "ends locked", "itself", "circle", "unknown", "locked on the way"],
)
def test_a_chain_without_an_active_end_names_no_successor(snapshot: Snapshot) -> None:
    (refusal,) = planned(snapshot, "Z79.0").refusals
    assert (refusal.code, refusal.successor) == ("recipient.closed", None)


def test_a_locked_body_is_not_passed_over_to_its_successor() -> None:
    snapshot = edition(body("Z79.A", status=LOCKED, successor="Z79.B"), body("Z79.B"))
    (refusal,) = planned(snapshot, "Z79.A").refusals
    assert (refusal.code, refusal.successor) == ("recipient.locked", None)


def test_a_recipient_named_twice_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        planned(edition(body("Z79.A")), "Z79.A", "Z79.A")


codes = st.sampled_from([f"Z79.{n}" for n in range(6)])
bodies = st.builds(
    lambda code, status, successor, gateway: body(code, status=status, successor=successor, gateway=gateway),
    codes,
    st.sampled_from(BodyStatus),
    st.none() | codes,
    st.sampled_from([PARTY, STATE]),
)


@given(st.lists(bodies, max_size=6), st.lists(codes, unique=True))
def test_every_recipient_gets_exactly_one_answer(held: list[Body], recipients: list[str]) -> None:
    snapshot = edition(*held)
    result = planned(snapshot, *recipients)
    answered = [route.recipient for route in result.routes] + [refusal.recipient for refusal in result.refusals]
    assert sorted(answered) == sorted(recipients)
    assert all(snapshot.bodies[route.recipient].status is ACTIVE for route in result.routes)
    assert all(snapshot.bodies[refusal.successor].status is ACTIVE for refusal in result.refusals if refusal.successor)
    assert sum(len(group) for group in result.by_destination().values()) == len(result.routes)
