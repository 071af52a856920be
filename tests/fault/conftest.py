"""The fault tests start real gateways and kill them: one worker runs them all, one after the other."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `pytest -n`, side by side they would wait for each other's processors and not for what they test."""
    for item in items:
        if item.path.is_relative_to(__file__.rpartition("/")[0]):
            item.add_marker(pytest.mark.xdist_group("fault"))
