"""Somebody on loopback who counts who calls: for tests in which nobody may."""

import socket
import threading
from types import TracebackType
from typing import Self


class Listener:
    """A TCP server that takes every connection, counts it and says nothing."""

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._calls = 0
        self._called = threading.Condition()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for the next one
        self._socket.close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def calls(self) -> int:
        """How many have called so far. Calls once itself: whoever came before is counted when that call is."""
        with socket.create_connection(self._socket.getsockname()) as own:
            own.recv(1)
        with self._called:
            self._calls -= 1
            return self._calls

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            with self._called:
                self._calls += 1
            caller.close()
