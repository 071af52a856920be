"""The promises of the ledger `Access`."""

from dataclasses import replace

from tests.contract.stores import LedgerStore
from tests.kit import rows
from tests.kit.rows import api_key, certificate, later


async def test_declared_keys_come_back_whole_by_id(store: LedgerStore) -> None:
    keys = (
        api_key("b", expires_at=None, organs=frozenset(), scopes=frozenset(), addresses=()),
        api_key("a", revoked_at=later(1)),
    )
    await store.transact(lambda uow: uow.access.declare(keys, rows.NOW))
    assert await store.read(lambda uow: uow.access.keys()) == (keys[1], keys[0])


async def test_declaring_again_replaces_what_changed_and_revokes_what_is_missing(store: LedgerStore) -> None:
    kept, changed, missing = api_key("kept"), api_key("changed"), api_key("missing")
    await store.transact(lambda uow: uow.access.declare([kept, changed, missing], rows.NOW))
    new, changed = api_key("new"), replace(changed, secret_digest=rows.digest("rolled"), name="Tên khác")
    await store.transact(lambda uow: uow.access.declare([kept, changed, new], later(5)))
    await store.transact(lambda uow: uow.access.declare([kept, changed, new], later(9)))
    expected = (changed, kept, replace(missing, revoked_at=later(5)), new)
    assert await store.read(lambda uow: uow.access.keys()) == expected
    await store.transact(lambda uow: uow.access.declare([missing], later(10)))
    assert missing in await store.read(lambda uow: uow.access.keys())


async def test_declared_certificates_come_back_whole_by_pin(store: LedgerStore) -> None:
    certificates = (certificate("b", expires_at=None, addresses=()), certificate("a", revoked_at=later(1)))
    await store.transact(lambda uow: uow.access.declare_certificates(certificates, rows.NOW))
    assert await store.read(lambda uow: uow.access.certificates()) == tuple(
        sorted(certificates, key=lambda one: one.pin)
    )
    assert await store.read(lambda uow: uow.access.keys()) == ()


async def test_certificates_are_replaced_and_revoked_as_keys_are_and_apart_from_them(store: LedgerStore) -> None:
    kept, changed, missing, key = certificate("kept"), certificate("changed"), certificate("missing"), api_key("a")
    await store.transact(lambda uow: uow.access.declare([key], rows.NOW))
    await store.transact(lambda uow: uow.access.declare_certificates([kept, changed, missing], rows.NOW))
    changed = replace(changed, name="Tên khác", addresses=("10.0.0.0/8",))
    await store.transact(lambda uow: uow.access.declare_certificates([kept, changed], later(5)))
    await store.transact(lambda uow: uow.access.declare_certificates([kept, changed], later(9)))
    found = {one.pin: one for one in await store.read(lambda uow: uow.access.certificates())}
    assert found == {one.pin: one for one in (kept, changed, replace(missing, revoked_at=later(5)))}
    assert await store.read(lambda uow: uow.access.keys()) == (key,)
