"""The threats to signed PDFs, one row each: first what must be refused, then what evidence decides.

Every file is signed by pyHanko with the declared PKI; the verdict is ours, and a row says what a correct verifier may answer.
"""

import logging
from collections.abc import Iterator

import pytest

from gateway.core.validation import Indication
from gateway.crypto import judge_pdf
from tests.kit.pdf_attacks import NOT_PASSED, Refused, refused
from tests.kit.pdf_evidence import Weighed, refused_evidence, weighed
from tests.kit.pki import MOMENT

REFUSED = (*refused(), *refused_evidence())
WEIGHED = tuple(weighed())


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


@pytest.mark.parametrize("row", WEIGHED, ids=str)
def test_what_evidence_decides_is_decided_so(row: Weighed) -> None:
    (signature,) = judge_pdf(row.build(), trust=row.believed().trust, moment=MOMENT).signatures
    assert signature.indication is row.indication, signature.reason
    assert signature.sub_indication in (row.allowed or {None}), signature.reason
    assert signature.details.level is row.level
    seen = signature.details.timestamps
    assert tuple(one.indication is Indication.TOTAL_PASSED for one in seen) == row.timestamps


def test_the_tables_name_each_row_once_and_every_threat() -> None:
    names = [str(row) for row in (*REFUSED, *WEIGHED)]
    assert len(names) == len(set(names))
    assert {row.threat for row in REFUSED} == set(range(10, 19))
