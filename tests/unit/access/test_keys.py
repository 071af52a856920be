import base64
import hashlib
import re
import secrets

import pytest

from gateway.access import SCOPES, make_key, secret_digest
from gateway.access.keys import key_id_of
from gateway.core.errors import SiteError
from gateway.core.ids import OrganId

OFFICE = OrganId("Z79.00.01")


def test_a_key_is_shown_once_and_kept_as_a_digest() -> None:
    shown, row = make_key(name="qlvb", organs=[OFFICE], scopes=["read", "send"], entropy=secrets.token_bytes)
    found = re.fullmatch(r"gwk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", shown)
    assert found
    assert found.group(1) == row.key_id == key_id_of(shown)
    assert len(base64.urlsafe_b64decode(found.group(2) + "=")) == 32
    assert row.secret_digest == hashlib.sha256(shown.encode()).hexdigest() == secret_digest(shown)
    assert found.group(2) not in repr(row)
    assert (row.organs, row.scopes) == (frozenset({OFFICE}), frozenset({"read", "send"}))


def test_two_keys_differ_in_id_and_secret() -> None:
    one, other = (make_key(name="a", organs=[OFFICE], scopes=["read"], entropy=secrets.token_bytes) for _ in range(2))
    assert one[1].key_id != other[1].key_id
    assert one[1].secret_digest != other[1].secret_digest


@pytest.mark.parametrize(("organs", "scopes"), [([OFFICE], ["admin"]), ([OFFICE], []), ([], ["read"])])
def test_a_key_that_means_nothing_is_not_made(organs: list[OrganId], scopes: list[str]) -> None:
    with pytest.raises(SiteError) as refusal:
        make_key(name="a", organs=organs, scopes=scopes, entropy=secrets.token_bytes)
    assert refusal.value.code == "config.invalid"


@pytest.mark.parametrize(
    "text",
    ["", "gwk_", "gwk__" + "A" * 43, "gwk_ABC_" + "A" * 43, "gwk_a_" + "A" * 42, "gwk_a_" + "A" * 44, "x" * 10**6],
)
def test_what_is_no_key_has_no_id(text: str) -> None:
    assert key_id_of(text) is None


def test_the_scopes_are_a_closed_list() -> None:
    assert sorted(SCOPES) == ["act", "read", "seal", "send"]
