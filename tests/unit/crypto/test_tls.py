"""TLS contexts, tried on real sockets: who is let in, and who is not."""

import datetime as dt
import socket
import ssl
import threading
from pathlib import Path

import pytest

from gateway.core.errors import SiteError
from gateway.crypto import RollingContext, client_context, office_context, server_context
from tests.kit.pki import DAY, Leaf, LeafKind, Pki, der, write_chain, write_key

NOW = dt.datetime.now(dt.UTC)  # OpenSSL looks at the real clock
PKI = Pki(name="Tls", now=NOW)
STRANGER = Pki(name="TlsStranger", now=NOW)
ANCHORS = (der(PKI.root), der(PKI.issuing))


def files(folder: Path, name: str, leaf: Leaf, mode: int = 0o600) -> dict[str, Path]:
    return {
        "certificate": write_chain(folder / f"{name}.crt", leaf.certificate, leaf.issuing),
        "key": write_key(folder / f"{name}.key", leaf.key, mode),
    }


def shake(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "localhost") -> tuple[str | None, bool]:
    """One connection; the protocol spoken, and whether the server saw a certificate. Raises what either side raised."""
    ours, theirs = socket.socketpair()
    seen: list[bool | BaseException] = []

    def serve() -> None:
        try:
            with server.wrap_socket(ours, server_side=True) as connection:
                connection.sendall(b"hello")
                seen.append(bool(connection.getpeercert(binary_form=True)))
                connection.recv(1)
        except OSError as error:
            seen.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(theirs, server_hostname=name) as connection:
            if connection.recv(5) != b"hello":
                raise ssl.SSLError("the server closed")
            version = connection.version()
    finally:
        theirs.close()
        thread.join(5)
        ours.close()
    if isinstance(seen[0], BaseException):
        raise seen[0]
    return version, seen[0]


@pytest.fixture
def server(tmp_path: Path) -> ssl.SSLContext:
    return server_context(**files(tmp_path, "server", PKI.leaf("tls")), client_anchors=ANCHORS)


@pytest.fixture
def client(tmp_path: Path) -> ssl.SSLContext:
    return client_context(**files(tmp_path, "client", PKI.leaf("tls", organ_id="H2")), anchors=ANCHORS)


def test_peers_speak_tls_1_3_and_show_certificates(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    assert shake(server, client) == ("TLSv1.3", True)
    assert shake(server, client, "gateway.test") == ("TLSv1.3", True)


def test_another_name_is_refused(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server, client, "other.test")


def test_a_client_without_a_certificate_is_refused(server: ssl.SSLContext) -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.load_verify_locations(cadata=b"".join(ANCHORS))
    with pytest.raises(OSError):
        shake(server, bare)


def test_tls_1_2_is_refused(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    client.minimum_version = ssl.TLSVersion.TLSv1_2
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError):
        shake(server, client)


@pytest.mark.parametrize("kind", ["expired", "future", "purpose"])
def test_a_client_with_a_bad_certificate_is_refused(server: ssl.SSLContext, tmp_path: Path, kind: LeafKind) -> None:
    bad = client_context(**files(tmp_path, "bad", PKI.leaf(kind)), anchors=ANCHORS)
    with pytest.raises(OSError):
        shake(server, bad)


def test_a_stranger_is_refused_on_both_sides(server: ssl.SSLContext, client: ssl.SSLContext, tmp_path: Path) -> None:
    leaf = STRANGER.leaf("tls")
    with pytest.raises(OSError):
        shake(server, client_context(**files(tmp_path, "stranger", leaf), anchors=ANCHORS))
    strange = server_context(**files(tmp_path, "strange", leaf), client_anchors=ANCHORS)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(strange, client)


def test_no_session_can_be_resumed(server: ssl.SSLContext) -> None:
    assert server.num_tickets == 0


def test_offices_need_no_certificate_and_speak_1_2_at_least(tmp_path: Path) -> None:
    office = office_context(**files(tmp_path, "office", PKI.leaf("tls")))
    caller = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    caller.load_verify_locations(cadata=b"".join(ANCHORS))
    assert shake(office, caller) == ("TLSv1.3", False)
    caller.maximum_version = ssl.TLSVersion.TLSv1_2
    assert shake(office, caller) == ("TLSv1.2", False)
    assert office.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.fixture
def asking(tmp_path: Path) -> ssl.SSLContext:
    return office_context(**files(tmp_path, "office", PKI.leaf("tls")), client_anchors=(der(PKI.root),))


def showing(folder: Path, leaf: Leaf | None) -> ssl.SSLContext:
    caller = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    caller.load_verify_locations(cadata=b"".join(ANCHORS))
    if leaf is not None:
        caller.load_cert_chain(*files(folder, "caller", leaf).values())
    return caller


def test_offices_may_show_a_certificate_where_anchors_are_configured(asking: ssl.SSLContext, tmp_path: Path) -> None:
    for leaf, seen in ((PKI.leaf("tls", organ_id="H2"), True), (None, False)):
        assert shake(asking, showing(tmp_path, leaf))[1] is seen


def test_with_anchors_there_is_no_older_tls_whose_sessions_could_be_resumed(
    asking: ssl.SSLContext, tmp_path: Path
) -> None:
    """TLS 1.2 resumes by session id from a cache that Python cannot turn off, and looks at no chain then."""
    caller = showing(tmp_path, PKI.leaf("tls", organ_id="H2"))
    caller.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError):
        shake(asking, caller)


@pytest.mark.parametrize("kind", ["expired", "future", "purpose"])
def test_an_office_s_bad_certificate_ends_the_handshake(asking: ssl.SSLContext, tmp_path: Path, kind: LeafKind) -> None:
    with pytest.raises(OSError):
        shake(asking, showing(tmp_path, PKI.leaf(kind)))


def test_an_office_s_certificate_of_a_stranger_ends_the_handshake(asking: ssl.SSLContext, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        shake(asking, showing(tmp_path, STRANGER.leaf("tls")))


def test_an_issuing_authority_may_be_the_anchor(tmp_path: Path) -> None:
    server = office_context(**files(tmp_path, "office", PKI.leaf("tls")), client_anchors=(der(PKI.issuing),))
    assert shake(server, showing(tmp_path, PKI.leaf("tls", organ_id="H2")))[1]
    with pytest.raises(OSError):
        shake(server, showing(tmp_path, STRANGER.leaf("tls")))


def test_no_session_of_an_office_with_a_certificate_can_be_resumed(asking: ssl.SSLContext) -> None:
    assert asking.num_tickets == 0
    assert asking.minimum_version is ssl.TLSVersion.TLSv1_3


def test_missing_open_and_mismatched_keys_are_named(tmp_path: Path) -> None:
    good = files(tmp_path, "good", PKI.leaf("tls"))
    other = files(tmp_path, "other", PKI.leaf("tls", organ_id="H3"))
    readable = files(tmp_path, "open", PKI.leaf("tls"), mode=0o644)
    for pair in (
        {**good, "key": tmp_path / "absent"},
        {**good, "key": other["key"]},
        {**good, "certificate": good["key"]},
        readable,
    ):
        with pytest.raises(SiteError) as caught:
            office_context(**pair)
        assert caught.value.code == "key.missing"


def test_certificates_of_tomorrow_are_of_no_use_today() -> None:
    assert PKI.leaf("future").certificate.not_valid_before_utc > NOW + DAY


def test_a_context_that_was_replaced_shows_the_new_certificate_and_believes_the_new_anchors(
    tmp_path: Path, client: ssl.SSLContext, server: ssl.SSLContext
) -> None:
    rolling = RollingContext(server)
    assert shake(rolling.front, client) == ("TLSv1.3", True)

    renewed = files(tmp_path, "renewed", PKI.leaf("tls", organ_id="H9"))
    rolling.replace(server_context(**renewed, client_anchors=ANCHORS))
    assert shown(rolling.front, client) == PKI.leaf("tls", organ_id="H9").der

    strangers = server_context(**renewed, client_anchors=(der(STRANGER.root), der(STRANGER.issuing)))
    rolling.replace(strangers)
    with pytest.raises(ssl.SSLError):
        shake(rolling.front, client)
    rolling.replace(server)
    assert shake(rolling.front, client) == ("TLSv1.3", True)


def test_a_stranger_is_let_in_only_once_his_anchor_is_believed(tmp_path: Path, server: ssl.SSLContext) -> None:
    stranger = client_context(**files(tmp_path, "stranger", STRANGER.leaf("tls")), anchors=ANCHORS)
    rolling = RollingContext(server)
    with pytest.raises(ssl.SSLError):
        shake(rolling.front, stranger)
    both = (*ANCHORS, der(STRANGER.root), der(STRANGER.issuing))
    rolling.replace(server_context(**files(tmp_path, "server", PKI.leaf("tls")), client_anchors=both))
    assert shake(rolling.front, stranger) == ("TLSv1.3", True)


def shown(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes | None:
    """The certificate that the server shows."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with server.wrap_socket(ours, server_side=True) as connection:
            connection.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(theirs, server_hostname="localhost") as connection:
            return connection.getpeercert(binary_form=True)
    finally:
        theirs.close()
        thread.join(5)
