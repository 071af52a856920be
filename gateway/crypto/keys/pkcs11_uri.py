"""A key in a token by its PKCS#11 URI (RFC 7512), the way in which every tool of that world names one.

    pkcs11:token=office;serial=1a2b;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/run/secrets/pin

Asked for are `module-path`, `pin-source` (a file; a PIN itself, `pin-value`, is refused: a command line is read by everybody)
and `token` or `serial`. `id` is for a token that holds no certificates. Other attributes choose nothing here, so they are
refused rather than overlooked.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.reasons import Reason, because
from gateway.crypto.keys.sources import Pkcs11Key, Token

SCHEME: Final = "pkcs11:"
URI_CHARS_MAX: Final = 2_000
_PATH: Final = frozenset({"token", "serial", "id", "type"})
_QUERY: Final = frozenset({"module-path", "pin-source"})


def read_pkcs11_uri(text: str, *, certificate: Digest) -> Pkcs11Key:
    """The key that a URI names, whose certificate is this one.

    Raises:
        SiteError: `key.missing`: the URI is not one, or does not say enough.
    """
    if len(text) > URI_CHARS_MAX or not text.startswith(SCHEME):
        raise _wrong(because("uri_form"))
    path, _, query = text.removeprefix(SCHEME).partition("?")
    named, asked = _attributes(path, ";", _PATH), _attributes(query, "&", _QUERY)
    label, serial = unquote(named.get("token", "")), unquote(named.get("serial", ""))
    module, pin = asked.get("module-path"), asked.get("pin-source")
    if not (label or serial) or not module or not pin or named.get("type", "private") != "private":
        raise _wrong(because("uri_lacks"))
    token = Token(module=Path(unquote(module)), pin_file=_file(unquote(pin)), label=label, serial=serial)
    return Pkcs11Key(token=token, certificate=certificate, object_id=unquote_to_bytes(named.get("id", "")).hex())


def _attributes(text: str, separator: str, known: frozenset[str]) -> Mapping[str, str]:
    """Name and value of each, still percent-encoded; none twice (section 2.3)."""
    found: dict[str, str] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if not equals or name not in known or name in found:
            raise _wrong(because("uri_attribute", name=name[:40]))
        found[name] = value
    return found


def _file(text: str) -> Path:
    """`pin-source` is a file's URI or its path (section 2.4)."""
    return Path(text.removeprefix("file://").removeprefix("file:"))


def _wrong(reason: Reason) -> SiteError:
    return SiteError("key.missing", key="pkcs11", reason=reason)
