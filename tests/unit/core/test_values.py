"""Small values that everything stands on: identifiers, instants, codes, errors."""

import pickle
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.clock import VIETNAM, edxml_timestamp, from_millis, parse_rfc3339, rfc3339, to_millis
from gateway.core.errors import CATALOGUE, SenderError, SiteError
from gateway.core.ids import KEY, ORGAN_ID, uuid7
from gateway.core.message import Code

# Bounds without a zone are what hypothesis wants.
MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - see above
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - see above
    timezones=st.just(UTC),
)


@given(MOMENTS, st.binary(min_size=10, max_size=10))
def test_a_uuid7_is_one_and_says_its_millisecond(moment: datetime, random: bytes) -> None:
    made = uuid7(moment, lambda count: random[:count])
    assert KEY.fullmatch(made)
    parsed = uuid.UUID(made)
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == to_millis(moment)


def test_uuids_of_later_moments_sort_later() -> None:
    start = datetime(2026, 11, 21, tzinfo=UTC)
    made = [uuid7(start + timedelta(milliseconds=step), lambda count: b"\xff" * count) for step in range(50)]
    assert made == sorted(made)


@given(MOMENTS)
@example(datetime(2038, 2, 1, 0, 0, 0, 2000, tzinfo=UTC))
def test_instants_go_through_rows_and_wires_unharmed(moment: datetime) -> None:
    millis = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert from_millis(to_millis(millis)) == millis
    assert parse_rfc3339(rfc3339(millis)) == millis
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", rfc3339(millis))


def test_vietnam_time_is_written_without_a_zone_and_naive_times_are_refused() -> None:
    assert edxml_timestamp(datetime(2026, 11, 21, 18, 30, tzinfo=UTC)) == "2026/11/22 01:30:00"
    assert VIETNAM.utcoffset(None) == timedelta(hours=7)
    with pytest.raises(ValueError, match="offset"):
        parse_rfc3339("2026-11-21T18:30:00")


@pytest.mark.parametrize("code", ["H29", "H29.16", "Z79.UB.25747", "G01.0.A1"])
def test_codes_of_bodies_have_their_form(code: str) -> None:
    assert ORGAN_ID.fullmatch(code)


@pytest.mark.parametrize("code", ["", "h29", "29.H", "H2", "H29.", "H29..1", "H29.16\n", "H29.é", "000.00.00.H29"])
def test_what_is_no_code_is_none(code: str) -> None:
    assert not ORGAN_ID.fullmatch(code)


def test_number_and_symbol_are_joined_as_each_side_writes_them() -> None:
    assert Code(number="12", notation="QĐ-UBND").text() == "12/QĐ-UBND"
    assert Code(number="12", notation="CV/VPTU").text() == "12-CV/VPTU"


def test_errors_travel_between_processes_whole() -> None:
    error = SenderError("size.limit", limit=7, what="a.pdf")
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), back.code, dict(back.params)) == (SenderError, "size.limit", {"limit": 7, "what": "a.pdf"})
    assert str(back) == "size.limit limit=7 what=a.pdf"


def test_a_code_that_is_not_in_the_catalogue_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        SiteError("made.up")
    assert all(400 <= facts.status < 600 for facts in CATALOGUE.values())
