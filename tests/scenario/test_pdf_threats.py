"""The threats to signed PDFs, one row each: first what must be refused, then what may be believed only with good evidence.

Every file is signed by pyHanko with the declared PKI; the verdict is ours, and a row says what a correct verifier may answer.
"""

import logging
from collections.abc import Iterator

import pytest

from gateway.core.validation import Indication
from gateway.crypto import judge_pdf
from tests.kit.pdf_attacks import NOT_PASSED, Later, Refused, later, refused
from tests.kit.pki import MOMENT

REFUSED = tuple(refused())
LATER = tuple(later())
"""What waits until timestamps, embedded evidence and OCSP responses are looked at; switched on with them."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """pyHanko logs each refused path with a traceback."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("row", REFUSED, ids=str)
def test_what_must_be_refused_is(row: Refused) -> None:
    verdict = judge_pdf(row.build(), trust=row.believed().trust, moment=MOMENT)
    assert verdict.indication in NOT_PASSED, verdict
    found = verdict.signatures[row.which] if verdict.signatures else verdict
    assert found.indication in NOT_PASSED, verdict
    assert found.sub_indication in row.allowed, found.reason


@pytest.mark.parametrize("row", LATER, ids=str)
def test_what_waits_is_well_made(row: Later) -> None:
    """The signature in it is sound: only evidence decides."""
    verdict = judge_pdf(row.build(), trust=row.believed().trust, moment=MOMENT)
    assert verdict.signatures
    assert verdict.signatures[0].indication is not Indication.TOTAL_FAILED, verdict.signatures[0].reason


def test_the_tables_name_each_row_once_and_every_threat() -> None:
    names = [str(row) for row in (*REFUSED, *LATER)]
    assert len(names) == len(set(names))
    assert {row.threat for row in REFUSED} == set(range(10, 19))
