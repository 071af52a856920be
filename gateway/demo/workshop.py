"""The workshop that makes RSA keys and their certificates, order by order, in processes of its own.

Keys are nearly all of the work and RSA holds the GIL, so threads would not help (measured.md). A process reads the
authority's key itself and writes the new keys itself: a private key never crosses a pipe.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from gateway.demo.certificates import Holder, Issuer, new_key
from gateway.demo.layout import certificate_of, write_certificates, write_key
from gateway.demo.plan import LeafKind, PkiPlan

Progress = Callable[[int, int], None]
"""Told (orders done, orders in all) in the caller's thread."""

BATCH_ORDERS: Final = 8
"""Orders a process takes at a time: about half a second, so that progress moves and Ctrl-C is heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One leaf to make: its key goes to `key`, its certificate beside it."""

    kind: LeafKind
    holder: Holder
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What a process needs to know to fill orders."""

    plan: PkiPlan
    issuing_key: Path
    """Its certificate lies beside it."""
    moment: datetime

    def fill(self, orders: Sequence[Order]) -> list[bytes]:
        """Make and write keys and certificates; the certificates (DER) in order."""
        issuer = self._issuer()
        return [self._fill_one(issuer, order) for order in orders]

    def _issuer(self) -> Issuer:
        # Checking an RSA key costs 40 ms (measured.md), and this one was written by this very program a moment ago.
        pem = self.issuing_key.read_bytes()
        key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(key, RSAPrivateKey)
        certificate = x509.load_pem_x509_certificate(certificate_of(self.issuing_key).read_bytes())
        return Issuer(plan=self.plan, key=key, certificate=certificate, moment=self.moment)

    def _fill_one(self, issuer: Issuer, order: Order) -> bytes:
        key = new_key(self.plan.leaf(order.kind).rsa_bits)
        certificate = issuer.leaf(order.kind, order.holder, key.public_key())
        write_key(order.key, key)
        # RFC 8446 section 4.4.2: a TLS peer sends the chain; the other certificates are looked up in the registry.
        chain = (certificate, issuer.certificate) if order.kind in {"tls", "client"} else (certificate,)
        write_certificates(certificate_of(order.key), *chain)
        return certificate.public_bytes(Encoding.DER)


def fill_orders(
    workshop: Workshop, orders: Sequence[Order], *, processes: int, on_progress: Progress
) -> list[tuple[Order, bytes]]:
    """Fill all orders, in this process when `processes` is 1; each order with its certificate, in no certain order."""
    batches = [orders[start : start + BATCH_ORDERS] for start in range(0, len(orders), BATCH_ORDERS)]
    filled: list[tuple[Order, bytes]] = []
    for batch, certificates in _each(workshop, batches, processes=processes):
        filled += zip(batch, certificates, strict=True)
        on_progress(len(filled), len(orders))
    return filled


def _each(
    workshop: Workshop, batches: Sequence[Sequence[Order]], *, processes: int
) -> Iterator[tuple[Sequence[Order], list[bytes]]]:
    if processes == 1:
        yield from ((batch, workshop.fill(batch)) for batch in batches)
        return
    with _pool(processes) as pool:
        futures = {pool.submit(workshop.fill, batch): batch for batch in batches}
        yield from ((futures[future], future.result()) for future in as_completed(futures))


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Spawned, not forked: threads may run here. On the way out nothing waiting is begun any more."""
    pool = ProcessPoolExecutor(
        max_workers=processes, mp_context=get_context("spawn"), initializer=_live_and_die_with_the_parent
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _live_and_die_with_the_parent() -> None:
    """Ctrl-C is the parent's to answer; after kill -9 of the parent nobody would ever stop this process (house.md)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_after_parent, daemon=True).start()


def _exit_after_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
