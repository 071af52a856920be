"""Codes and verifier keys as texts."""

import base64
import json
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.core.ids import ORGAN_ID
from gateway.core.limits import ORGAN_ID_CHARS_MAX
from gateway.registry.verifier_key import check_verifier_key
from tests.unit.registry.samples import verifier_key

TLOG = Path(__file__).parents[3] / ".." / "shared" / "vectors" / "tlog" / "signed_note.json"


@pytest.mark.parametrize("text", ["H29", "H29.16", "H29.0.162", "H37.DN.001", "Z79.VPTU", "A29." + "X" * 31])
def test_a_code_is_taken_as_it_is(text: str) -> None:
    assert ORGAN_ID.fullmatch(text)
    assert len(text) <= ORGAN_ID_CHARS_MAX


@pytest.mark.parametrize(
    "text",
    [
        "",
        "H2",
        "h29",
        "H29.",
        "H29..1",
        ".H29",
        " H29",
        "H29\n",
        "H29.Đ1",
        "H２9",
        "H29-16",
        "000.00.00.H29",
        "28.22.H17",
    ],
)
def test_what_is_no_code_is_refused(text: str) -> None:
    assert not ORGAN_ID.fullmatch(text)


KEY = sha256(b"key").digest()


@pytest.mark.skipif(not TLOG.is_file(), reason="the shared vectors are absent")
def test_verifier_keys_made_by_others_are_read() -> None:
    texts = {text for text in json.dumps(json.loads(TLOG.read_text())).split('"') if "+" in text}
    keys = [text for text in texts if text.count("+") >= 2 and " " not in text and text.startswith("PeterNeumann+c7")]
    assert keys
    for text in keys:
        check_verifier_key(text)


GOOD = verifier_key("a", KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        GOOD.replace("a+", "b+", 1),
        GOOD.replace("a+", "+", 1),
        GOOD.replace("a+", "a b+", 1),
        GOOD + "A",
        GOOD[:-1],
        f"a+00000000+{GOOD.rpartition('+')[2]}",
        "a+" + "0" * 8 + "+" + base64.b64encode(b"\x04" + KEY).decode(),
        "a+" + "0" * 8 + "+" + "=" * 44,
        GOOD + "\n",
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="verifier key"):
        check_verifier_key(text)
