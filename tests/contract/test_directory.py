"""The promises of the port `Directory`, held against every implementation."""

from collections.abc import Callable

import pytest

from gateway.core.directory import Snapshot
from gateway.core.errors import SiteError
from gateway.core.ids import OrganId
from gateway.core.ports import Directory
from gateway.registry import LoadedDirectory
from tests.kit.transport import LiveDirectory
from tests.unit.registry.samples import snapshot

IMPLEMENTATIONS: tuple[Callable[[Snapshot], Directory], ...] = (LoadedDirectory, LiveDirectory)


@pytest.mark.parametrize("make", IMPLEMENTATIONS)
def test_the_current_edition_is_one_object_as_long_as_it_is_in_force(make: Callable[[Snapshot], Directory]) -> None:
    edition = snapshot(7, "a")
    directory = make(edition)
    assert directory.current() is edition
    assert directory.current() is directory.current()
    assert directory.current().body(OrganId("Z79.A")) is not None


def test_a_later_edition_replaces_it_and_a_held_one_stays_as_it_was() -> None:
    first, second = snapshot(7, "a"), snapshot(8, "b")
    directory = LoadedDirectory(first)
    held = directory.current()
    directory.replace(second)
    assert directory.current() is second
    assert held is first


@pytest.mark.parametrize(("epoch", "digest"), [(6, "b"), (1, "b"), (7, "b")])
def test_a_lower_epoch_or_another_content_of_the_same_is_refused(epoch: int, digest: str) -> None:
    first = snapshot(7, "a")
    directory = LoadedDirectory(first)
    with pytest.raises(SiteError) as caught:
        directory.replace(snapshot(epoch, digest))
    assert (caught.value.code, dict(caught.value.params)) == ("registry.epoch", {"epoch": epoch, "active": 7})
    assert directory.current() is first


def test_the_same_edition_again_changes_nothing() -> None:
    first = snapshot(7, "a")
    directory = LoadedDirectory(first)
    directory.replace(snapshot(7, "a"))
    assert directory.current() is first
