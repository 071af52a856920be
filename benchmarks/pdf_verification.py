"""Verifying a sealed PDF, beside pyHanko's own validator for the same file, trust and revocation lists, in turn and in one run.

The file: 150 KB, sealed by us at level B-B with RSA-2048; revocation by lists that lie in the store, nothing is fetched.

*Ours* is `judge_pdf`: all duties, the verdict with its details. *Ours, first* is the same for a signer that this process has
not seen yet, so that the certificate's path is walked (`paths.path_memory`); the store has been read. *Theirs* is
`async_validate_pdf_signature` as it comes, a new `ValidationContext` for each file as its documentation asks for, the
certificates and lists parsed beforehand; *theirs, anew* parses them for each file.
"""

import asyncio
import logging
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import cycle
from typing import Final

from asn1crypto import crl, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from benchmarks.results import Figure
from benchmarks.signatures import PREFIX
from gateway.core.validation import Indication
from gateway.crypto import Trust, judge_pdf
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import MOMENT, Pki
from tests.kit.stamps import stamped_seal

PADDING_BYTES: Final = 150_000
ROUNDS: Final = 40
SIGNERS: Final = ROUNDS + 2
"""Each of them is seen once: rounds and warm-up."""
RATIO_MAX: Final = 0.5
MILLISECONDS_MAX: Final = 4.0
_USAGE: Final = KeyUsageConstraints(key_usage={"non_repudiation"})

Way = Callable[[], object]


def ours(pdf: bytes, trust: Trust) -> None:
    """Our verdict; it has to be a pass."""
    assert judge_pdf(pdf, trust=trust, moment=MOMENT).indication is Indication.TOTAL_PASSED


class Theirs:
    """pyHanko with the same trust; `anew`: read for each file."""

    def __init__(self, trust: Trust, *, anew: bool) -> None:
        self._trust = trust
        self._read = None if anew else self._parsed()

    def _parsed(self) -> tuple[list[x509.Certificate], list[x509.Certificate], list[crl.CertificateList]]:
        return (
            [x509.Certificate.load(der) for der in self._trust.anchors],
            [x509.Certificate.load(der) for der in self._trust.intermediates],
            [crl.CertificateList.load(der) for der in self._trust.crls],
        )

    def __call__(self, pdf: bytes) -> None:
        """Their verdict; it has to be a pass."""
        anchors, intermediates, lists = self._read or self._parsed()
        context = ValidationContext(
            trust_roots=anchors,
            other_certs=intermediates,
            crls=lists,
            moment=MOMENT,
            allow_fetching=False,
            revocation_mode="require",
        )
        signature = PdfFileReader(BytesIO(pdf)).embedded_signatures[0]
        status = asyncio.run(async_validate_pdf_signature(signature, context, key_usage_settings=_USAGE))
        assert status.bottom_line


def ways() -> Mapping[str, Way]:
    """Everything that is measured, warmed up."""
    pki = Pki()
    trust, page = pki.trust, tiny_pdf(padding=PADDING_BYTES)
    pdf = stamped_seal(page, pki.leaf("seal"))
    # One key for all, or making keys would take minutes: the certificates differ, and so do the paths.
    strangers = cycle([stamped_seal(page, pki.leaf("seal", common_name=f"Signer {n}")) for n in range(SIGNERS)])
    theirs, anew = Theirs(trust, anew=False), Theirs(trust, anew=True)
    found: dict[str, Way] = {
        "ours": lambda: ours(pdf, trust),
        "ours_first": lambda: ours(next(strangers), trust),
        "theirs": lambda: theirs(pdf),
        "theirs_anew": lambda: anew(pdf),
    }
    for way in found.values():
        way()
        way()
    return found


def measure(found: Mapping[str, Way]) -> dict[str, list[float]]:
    """Seconds of this core by way and round; every round begins with another way."""
    taken: dict[str, list[float]] = {name: [] for name in found}
    order = list(found)
    for number in range(ROUNDS):
        turn = number % len(order)
        for name in order[turn:] + order[:turn]:
            started = time.process_time()
            found[name]()
            taken[name].append(time.process_time() - started)
    return taken


def pdf_verification_figures() -> Iterator[Figure]:
    """Milliseconds of each way at its best, and ratios: medians over the rounds, so that a slow moment counts on both sides."""
    with _quiet():
        taken = measure(ways())
    for name, values in taken.items():
        target = MILLISECONDS_MAX if name == "ours" else None
        yield Figure(
            id=f"{PREFIX}verify_pdf.{name}", value=_short(min(values) * 1e3), unit="ms", target=target, at_most=True
        )
    for name in ("ours", "ours_first"):
        pairs = zip(taken[name], taken["theirs"], strict=True)
        value = _short(statistics.median(mine / other for mine, other in pairs))
        target = RATIO_MAX if name == "ours" else None
        yield Figure(id=f"{PREFIX}verify_pdf.{name}.ratio", value=value, unit="ratio", target=target, at_most=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """PyHanko tells of each file in the log: what is measured must not be the log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _short(value: float) -> float:
    return float(f"{value:.3g}")
