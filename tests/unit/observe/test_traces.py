import pytest

from gateway.observe import TraceParent, new_parent_id, new_trace_id, parse_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def test_a_good_header_is_read_and_written_back() -> None:
    header = f"00-{TRACE}-{PARENT}-01"
    found = parse_traceparent(header)
    assert found == TraceParent(trace_id=TRACE, parent_id=PARENT, sampled=True)
    assert found.header() == header
    assert TraceParent(trace_id=TRACE, parent_id=PARENT, sampled=False).header().endswith("-00")


def test_a_later_version_may_say_more() -> None:
    assert parse_traceparent(f"cc-{TRACE}-{PARENT}-00-what-the-future-will-be") == TraceParent(
        trace_id=TRACE, parent_id=PARENT, sampled=False
    )


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        TRACE,
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
        f" 00-{TRACE}-{PARENT}-01",
        f"01-{TRACE}-{PARENT}-01-" + "x" * 1000,
        f"00-{'g' * 32}-{PARENT}-01",
    ],
)
def test_a_bad_header_is_no_header(header: str | None) -> None:
    assert parse_traceparent(header) is None


def test_new_ids_use_the_entropy_they_are_given_and_are_never_zero() -> None:
    assert new_trace_id(lambda size: bytes(range(1, size + 1))) == "0102030405060708090a0b0c0d0e0f10"
    assert parse_traceparent(f"00-{new_trace_id(bytes)}-{new_parent_id(bytes)}-01") is not None
