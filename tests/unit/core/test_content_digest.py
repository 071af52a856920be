import pytest

from gateway.core.content_digest import format_content_digest, parse_content_digest

# RFC 9530 appendix B.1: the digest of {"hello": "world"} and an LF.
HELLO = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


def test_a_digest_goes_both_ways() -> None:
    digest = parse_content_digest(HELLO)
    assert digest is not None
    assert digest.hex() == "44aff4ab2d7c3250525675a08f0cfa9591168cffe51791c5f5bbc417c15a6c38"
    assert format_content_digest(digest) == HELLO


@pytest.mark.parametrize("value", [f"sha-512=:AAAA:, {HELLO}", f"{HELLO},md5=:AAAA:", f"what=ever , {HELLO} "])
def test_other_algorithms_are_passed_over(value: str) -> None:
    assert parse_content_digest(value) == parse_content_digest(HELLO)


@pytest.mark.parametrize(
    "value",
    [
        "",
        ",",
        "sha-256",
        "sha-256=RK",
        "sha-256=:AAAA:",
        "sha-256=:!!:",
        "md5=:AAAA:",
        "sha-256=:" + "A" * 43 + ":",
        "sha-256=:" + "A" * 44 + ":",
        HELLO.upper(),
        HELLO + ";q=1",
        f"{HELLO}, {HELLO}",
    ],
)
def test_what_has_not_exactly_one_sha_256_says_nothing(value: str) -> None:
    assert parse_content_digest(value) is None
