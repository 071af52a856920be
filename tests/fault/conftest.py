"""The fault tests start real gateways and kill them: one worker runs them all, one after the other."""

from collections.abc import Iterator
from tempfile import TemporaryDirectory, gettempdir

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `pytest -n`, side by side they would wait for each other's processors and not for what they test."""
    for item in items:
        if item.path.is_relative_to(__file__.rpartition("/")[0]):
            item.add_marker(pytest.mark.xdist_group("fault"))


@pytest.fixture(autouse=True, scope="session")
def temporary() -> Iterator[None]:
    """Who is killed leaves his temporary files; they go with the tests. Its name is short: sockets are put there."""
    gettempdir()  # ours, asked once and kept: what we put there we remove ourselves
    with TemporaryDirectory(prefix="gw-", dir="/tmp") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        yield
