"""Where the databases of a state machine's gateways are: files, or a server of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from gateway.core.ids import GatewayId
from tests.kit.postgres import PostgresServer
from tests.kit.sqlite import copy_template


class Places(Protocol):
    """Hands out a new database, its schema made."""

    def new(self, folder: Path, name: GatewayId) -> Path | str: ...


class _Files:
    def new(self, folder: Path, name: GatewayId) -> Path:
        path = folder / f"{name}.db"
        copy_template(path)
        return path


class _Server:
    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def new(self, folder: Path, name: GatewayId) -> str:
        return self._server.database()


@contextmanager
def open_places(kind: str) -> Iterator[Places]:
    """`sqlite` or `postgres`; the server is gone afterwards."""
    if kind == "sqlite":
        yield _Files()
        return
    server = PostgresServer()
    try:
        yield _Server(server)
    finally:
        server.stop()
