"""The encoder against an independent one, over the whole subset."""

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import LeafError, private_bytes
from gateway.core.states import Outcome

names = st.text(st.characters(max_codepoint=127), max_size=8)
values = st.one_of(st.text(), st.integers(-(2**53) + 1, 2**53 - 1))


@given(st.dictionaries(names, values))
def test_bytes_are_those_of_an_independent_encoder(fields: dict[str, str | int]) -> None:
    assert private_bytes(fields) == rfc8785.dumps(fields)


def test_a_member_of_a_vocabulary_is_its_text() -> None:
    assert private_bytes({"outcome": Outcome.RECEIVED}) == b'{"outcome":"received"}'


@pytest.mark.parametrize(
    "fields",
    [
        {"a": 2**53},
        {"a": -(2**53)},
        {"a": True},
        {"a": None},
        {"a": 1.5},
        {"a": ["x"]},
        {"đ": 1},
        {1: "x"},
        {"a": "\ud800"},
    ],
)
def test_what_another_language_could_write_otherwise_is_refused(fields: dict[str, str | int]) -> None:
    with pytest.raises(LeafError):
        private_bytes(fields)
