"""The promises of the ledger `Directories`."""

import pytest

from gateway.core.activation import Activation
from gateway.core.errors import SiteError
from tests.contract.stores import LedgerStore
from tests.kit import rows


def activation(epoch: int, at: float = 0) -> Activation:
    return Activation(epoch=epoch, digest=rows.digest(str(epoch)), at=rows.later(at))


async def test_the_newest_activation_is_in_force_and_all_are_remembered(store: LedgerStore) -> None:
    assert await store.read(lambda uow: uow.directory.active()) is None
    made = (activation(3), activation(7, 1), activation(7, 2))
    for one in made:
        await store.transact(lambda uow, one=one: uow.directory.activate(one))
        assert await store.read(lambda uow: uow.directory.active()) == one
    assert await store.read(lambda uow: uow.directory.history()) == made


async def test_a_lower_epoch_is_refused(store: LedgerStore) -> None:
    await store.transact(lambda uow: uow.directory.activate(activation(7)))
    with pytest.raises(SiteError) as refused:
        await store.transact(lambda uow: uow.directory.activate(activation(6)))
    assert refused.value.code == "registry.epoch"
    assert await store.read(lambda uow: uow.directory.history()) == (activation(7),)


async def test_the_same_epoch_with_another_content_is_refused(store: LedgerStore) -> None:
    await store.transact(lambda uow: uow.directory.activate(activation(3)))
    other = Activation(epoch=3, digest=rows.digest("another"), at=rows.later(1))
    with pytest.raises(SiteError) as refused:
        await store.transact(lambda uow: uow.directory.activate(other))
    assert refused.value.code == "registry.epoch"
    await store.transact(lambda uow: uow.directory.activate(activation(3, at=2)))
    assert len(await store.read(lambda uow: uow.directory.history())) == 2
