"""The cryptography that no gateway could leave out, done by itself with `cryptography` and hashlib: the limit.

Counted is what a document needs so that its recipient, and later a stranger, can believe it: signatures made, signatures
of strangers verified once, every byte hashed where it changes hands, leaves and proofs of both logs. Left out is whatever
one run can share between documents (chains above the leaf, revocation lists, checkpoints, TLS handshakes) and what only
our own caution asks for (verifying what was just signed).
"""

import hashlib
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.cases import Case

SECONDS_EACH: Final = 0.3
SECONDS_WHOLE: Final = 1.5
LEAF_BYTES: Final = 200
NODE_BYTES: Final = 65
PATH_NODES: Final = 12
"""Nodes on the way from a leaf to the root of a log of some thousand leaves."""
LEAVES_OF_RECIPIENT: Final = 4
"""Sent, arrived, delivered, and a share of the document's own."""


@dataclass(frozen=True, slots=True)
class Count:
    """How often one document needs an operation, and who does it."""

    operation: str
    times: float
    size: int
    """Bytes it works on each time; 0 for signatures, whose input is short."""
    why: str


def counts(case: Case) -> tuple[Count, ...]:
    """The operations that one document of this kind needs."""
    receivers = case.receivers
    found = [
        Count("sha256", 1, case.handed_in_bytes, "the file as it was handed in"),
        Count("sha256", 1, case.carried_bytes, "the file as it is carried, for the manifest"),
        Count("sha256", 1 + receivers, case.envelope_bytes, "the envelope, where it leaves and where it arrives"),
        Count("sha256", receivers, case.carried_bytes, "the file, against the manifest"),
        Count("rsa_sign", 1, 0, "the envelope (XAdES)"),
        Count("rsa_verify", receivers, 0, "the envelope's signature"),
        Count("rsa_verify", receivers, 0, "the certificate of the envelope's signer"),
        Count("ecdsa_sign", receivers, 0, "the receipt"),
        Count("ecdsa_verify", receivers, 0, "the receipt's signature"),
        Count("sha256", case.recipients * LEAVES_OF_RECIPIENT * 3, LEAF_BYTES, "leaves: commitment, hash, tree"),
        Count("sha256", case.recipients * PATH_NODES, NODE_BYTES, "the receipt's inclusion proofs"),
    ]
    if case.kind == "pdf":
        found += [
            Count("sha256", 1, case.carried_bytes, "the bytes under the seal"),
            Count("rsa_sign", 1, 0, "the seal (PAdES)"),
        ]
    if case.pdf:
        # A seal that was made elsewhere is a stranger's to the gateway that takes the document in, too.
        judges = receivers + (case.kind == "sealed")
        found += [
            Count("sha256", judges, case.carried_bytes, "the bytes under the seal, where it is verified"),
            Count("rsa_verify", judges, 0, "the seal"),
            Count("rsa_verify", judges, 0, "the certificate of the seal"),
        ]
    return tuple(found)


class Bench:
    """The operations on keys made here."""

    def __init__(self) -> None:
        self._rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._ec = ec.generate_private_key(ec.SECP256R1())
        self._data = os.urandom(1_000)
        self._rsa_signature = self._rsa.sign(self._data, padding.PKCS1v15(), SHA256())
        self._ec_signature = self._ec.sign(self._data, ec.ECDSA(SHA256()))
        self._rsa_public, self._ec_public = self._rsa.public_key(), self._ec.public_key()
        self._bytes = os.urandom(1_000_000)

    def operations(self) -> Mapping[str, Callable[[int], object]]:
        """By name; the argument is the size in bytes."""
        return {
            "rsa_sign": lambda _: self._rsa.sign(self._data, padding.PKCS1v15(), SHA256()),
            "rsa_verify": lambda _: self._rsa_public.verify(
                self._rsa_signature, self._data, padding.PKCS1v15(), SHA256()
            ),
            "ecdsa_sign": lambda _: self._ec.sign(self._data, ec.ECDSA(SHA256())),
            "ecdsa_verify": lambda _: self._ec_public.verify(self._ec_signature, self._data, ec.ECDSA(SHA256())),
            "sha256": lambda size: hashlib.sha256(memoryview(self._bytes)[:size]).digest(),
        }

    def whole(self, case: Case) -> Callable[[], None]:
        """One document's operations, one after the other."""
        operations = self.operations()
        plan = [(operations[one.operation], round(one.times), one.size) for one in counts(case)]

        def run() -> None:
            for operation, times, size in plan:
                for _ in range(times):
                    operation(size)

        return run


def seconds_of(operation: Callable[[], object], *, seconds: float = SECONDS_EACH) -> float:
    """Seconds that one call takes: the best of five rounds."""
    calls, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds / 5:
        operation()
        calls += 1
    rounds = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(calls):
            operation()
        rounds.append((time.perf_counter() - started) / calls)
    return min(rounds)


def operation_table() -> dict[str, float]:
    """Microseconds of each operation on one core; `sha256` per MiB."""
    operations = Bench().operations()
    table = {name: seconds_of(partial(run, 0)) * 1e6 for name, run in operations.items() if name != "sha256"}
    for name, size in (("sha256_1mb", 1_000_000), ("sha256_200b", LEAF_BYTES), ("sha256_65b", NODE_BYTES)):
        table[name] = seconds_of(partial(operations["sha256"], size)) * 1e6
    return table


def limits_of(cases: tuple[Case, ...], cores: int) -> dict[str, float]:
    """Documents a second that all cores together could do if they did nothing but this."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(cores) as pool:
        return {case.id: sum(pool.map(_rate, [case] * cores)) for case in cases}


def _rate(case: Case) -> float:
    run = Bench().whole(case)
    done, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < SECONDS_WHOLE:
        run()
        done += 1
    return done / elapsed
