import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.base64url import decode_base64url, encode_base64url


@given(st.binary(max_size=100))
def test_bytes_go_there_and_back(data: bytes) -> None:
    text = encode_base64url(data)
    assert "=" not in text
    assert decode_base64url(text) == data


def test_the_letters_are_those_of_the_url() -> None:
    assert encode_base64url(b"\xfb\xff") == "-_8"


@pytest.mark.parametrize(
    "text",
    ["A", "AA=", "AA==", "AB", "AAB", "-_9", "+/8", "AA AA", "AAAA\n", "AAAA=AAAA", "ĀĀĀĀ", "\udcff", "AAAA\x00"],
)
def test_every_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_base64url(text)


@given(st.text(max_size=20))
def test_what_is_read_is_what_would_be_written(text: str) -> None:
    try:
        data = decode_base64url(text)
    except ValueError:
        return
    assert encode_base64url(data) == text
