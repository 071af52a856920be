"""The machines: every state is known, endings end, and a move that is not in the table is our own mistake."""

import pytest

from gateway.core.states import (
    DELIVERY_MOVES,
    DOCUMENT_MOVES,
    TRANSFER_MOVES,
    DeliveryState,
    DocumentState,
    TransferState,
    advance,
    is_final,
)

MACHINES = [(DocumentState, DOCUMENT_MOVES), (DeliveryState, DELIVERY_MOVES), (TransferState, TRANSFER_MOVES)]


@pytest.mark.parametrize(("states", "moves"), MACHINES)
def test_the_table_knows_every_state_and_every_ending_can_be_reached(states: type, moves: dict) -> None:
    assert set(moves) == set(states)
    reached = {next(iter(states))}
    while True:
        further = reached | {target for state in reached for target in moves[state]}
        if further == reached:
            break
        reached = further
    # rerouting and voiding begin at any waiting delivery; nothing stands outside of the machine
    assert reached == set(states)


@pytest.mark.parametrize(("states", "moves"), MACHINES)
def test_only_moves_of_the_table_are_made(states: type, moves: dict) -> None:
    for state in states:
        assert is_final(state) == (moves[state] <= {DeliveryState.REROUTED}), "what only a person moves on has ended"
        for target in states:
            if target in moves[state]:
                assert advance(state, target) is target
            else:
                with pytest.raises(AssertionError):
                    advance(state, target)


def test_what_is_delivered_stays_delivered() -> None:
    assert is_final(DeliveryState.DELIVERED)
    assert is_final(DeliveryState.REFUSED)
    assert not is_final(DeliveryState.QUEUED)
    assert is_final(TransferState.RECEIPTED)
    assert is_final(DocumentState.ROUTED)
    assert not is_final(DocumentState.HELD)
