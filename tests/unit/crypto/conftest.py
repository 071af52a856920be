"""What the tests of this room share."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.crypto import Trust, read_certificates

VECTORS = Path(__file__).parents[3] / ".." / "shared" / "vectors"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """pyHanko logs each refused path with a traceback; thousands of them slow the flips down."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def own_pki() -> Path:
    folder = VECTORS / "own-pki"
    if not folder.is_dir():
        pytest.skip("the shared vectors are not here")
    return folder


@pytest.fixture(scope="session")
def own_trust(own_pki: Path) -> Trust:
    """Trust of the shared vectors; their CRLs are good on 2026-11-21."""
    return Trust(
        anchors=read_certificates(own_pki / "root.cert.pem"),
        authorities=read_certificates(own_pki / "root.cert.pem"),
        intermediates=read_certificates(own_pki / "interm.cert.pem"),
        crls=tuple((own_pki / "crls" / f"{name}.crl").read_bytes() for name in ("root", "interm")),
    )
