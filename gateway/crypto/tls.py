"""TLS contexts: one per trust domain, made once (security.md C2).

Peers: TLS 1.3 only, a certificate on both sides, both chains to the configured anchors, no resumption that identity could
hang on. Above this stands the pin of the registry, which the peer door checks on every request. Offices: TLS 1.2 or
later, the server shows its certificate, the caller its API key or, where anchors for them are configured, a certificate.
"""

import errno
import ssl
from pathlib import Path
from typing import Final

from gateway.core.errors import SiteError
from gateway.core.reasons import because, of_os
from gateway.crypto.keys.guarded import UnusableError, check_mode

_HTTP: Final = ["http/1.1"]
_TLS_1_2_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Forward secrecy and an AEAD (RFC 9325 section 4.2); TLS 1.3 has no others."""


class RollingContext:
    """A listener's TLS context that can be exchanged while it listens: each new handshake gets the one in force.

    `front` is what the listener is given. Its callback runs in every handshake, before a certificate is chosen or asked
    for; a connection that is open keeps the context of its handshake.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.front: Final = context
        self._current = context
        context.sni_callback = self._choose

    @property
    def current(self) -> ssl.SSLContext:
        """What new handshakes get."""
        return self._current

    def replace(self, context: ssl.SSLContext) -> None:
        """Give new handshakes this context."""
        self._current = context

    def _choose(self, channel: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _front: ssl.SSLContext) -> None:
        channel.context = self._current


def server_context(*, certificate: Path, key: Path, client_anchors: tuple[bytes, ...]) -> ssl.SSLContext:
    """For the peer listener. `certificate`: PEM chain, leaf first; `client_anchors`: DER.

    Raises:
        SiteError: `key.missing`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0
    return _for_peers(context, certificate, key, client_anchors)


def client_context(*, certificate: Path, key: Path, anchors: tuple[bytes, ...]) -> ssl.SSLContext:
    """For calls to peers; the name asked for (`server_hostname`) must stand in the peer's certificate.

    Raises:
        SiteError: `key.missing`.
    """
    return _for_peers(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, key, anchors)


def office_context(*, certificate: Path, key: Path, client_anchors: tuple[bytes, ...] = ()) -> ssl.SSLContext:
    """For the office API. With `client_anchors` (DER) a caller may show a certificate that leads to one of them.

    One that leads nowhere ends the handshake. TLS 1.3 without tickets then: a resumed session shows the certificate of its
    first handshake without checking it again, and TLS 1.2 resumes from a cache that Python cannot turn off.

    Raises:
        SiteError: `key.missing`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_TLS_1_2_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION
    if client_anchors:
        context.verify_mode = ssl.CERT_OPTIONAL
        # An anchor need not be a root: whoever trusts one issuing authority names that one.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=b"".join(client_anchors))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0
    return _with_key(context, certificate, key)


def _for_peers(context: ssl.SSLContext, certificate: Path, key: Path, anchors: tuple[bytes, ...]) -> ssl.SSLContext:
    assert anchors, "without an anchor nobody could be believed"
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=b"".join(anchors))
    return _with_key(context, certificate, key)


def _with_key(context: ssl.SSLContext, certificate: Path, key: Path) -> ssl.SSLContext:
    try:
        check_mode(key)
        context.load_cert_chain(certificate, key, password=_no_password)
    except UnusableError as error:
        raise SiteError("key.missing", key=str(key), reason=error.reason) from error
    except ssl.SSLError as error:
        raise SiteError("key.missing", key=str(key), reason=because("no_pair")) from error
    except OSError as error:
        reason = because("mode") if error.errno == errno.EPERM else of_os(error)  # EPERM: `check_mode`'s own
        raise SiteError("key.missing", key=str(key), reason=reason) from error
    context.set_alpn_protocols(_HTTP)
    return context


def _no_password() -> str:
    """OpenSSL would ask whoever sits at the terminal, and wait."""
    raise UnusableError(because("password_needed"))
