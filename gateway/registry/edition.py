"""Reading and writing an edition of the registry."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from gateway.core.clock import rfc3339
from gateway.core.directory import Body, GatewayEntry, Snapshot
from gateway.core.errors import SiteError
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.core.limits import REGISTRY_BYTES_MAX
from gateway.core.reasons import because, of_os
from gateway.registry.consistency import check_consistency, refuse
from gateway.registry.form import BodyForm, EditionForm, GatewayForm


def load_snapshot(path: Path, *, expected: Digest) -> Snapshot:
    """The edition in a file whose SHA-256 is pinned.

    Raises:
        SiteError: `config.invalid` when it cannot be read, `registry.digest` when the file is another one,
            `registry.invalid` when it is larger than `REGISTRY_BYTES_MAX`, or breaks a rule of the format.
    """
    try:
        with path.open("rb") as file:
            data = file.read(REGISTRY_BYTES_MAX + 1)
    except OSError as error:
        raise SiteError("config.invalid", path=str(path), reason=of_os(error)) from error
    if len(data) > REGISTRY_BYTES_MAX:
        refuse(str(path), f"has more than {REGISTRY_BYTES_MAX} bytes")
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected:
        raise SiteError("registry.digest", path=str(path), expected=expected, actual=actual)
    return _parse(data, Digest(actual))


def load_snapshot_of(gateway: str, path: Path, *, expected: Digest) -> Snapshot:
    """`load_snapshot`, in which this gateway must be: by its entry strangers know its keys and its log.

    Raises:
        SiteError: as there, and `registry.invalid` when it is not.
    """
    snapshot = load_snapshot(path, expected=expected)
    if GatewayId(gateway) not in snapshot.gateways:
        raise SiteError("registry.invalid", path="gateways", problem=because("not_listed", name=gateway))
    return snapshot


def write_snapshot(
    *, epoch: int, issued_at: datetime, gateways: Iterable[GatewayEntry], bodies: Iterable[Body]
) -> bytes:
    """The file of an edition: JSON in UTF-8, entries in the order of their codes, the same bytes every time.

    Raises:
        SiteError: `registry.invalid` when `load_snapshot` would refuse it.
    """
    edition = {
        "format": 1,
        "epoch": epoch,
        "issued_at": rfc3339(issued_at),
        "gateways": [_gateway_fields(entry) for entry in sorted(gateways, key=lambda entry: entry.gateway)],
        "bodies": [_body_fields(body) for body in sorted(bodies, key=lambda body: body.organ_id)],
    }
    data = json.dumps(edition, ensure_ascii=False, indent=1).encode() + b"\n"
    _parse(data, Digest(hashlib.sha256(data).hexdigest()))
    return data


def _parse(data: bytes, digest: Digest) -> Snapshot:
    try:
        edition = EditionForm.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        refuse(_path(first["loc"]), first["msg"].removeprefix("Value error, "))
    check_consistency(edition)
    return Snapshot(
        epoch=edition.epoch,
        digest=digest,
        issued_at=edition.issued_at,
        bodies=MappingProxyType({OrganId(form.organ_id): _body(form) for form in edition.bodies}),
        gateways=MappingProxyType({GatewayId(form.gateway): _gateway(form) for form in edition.gateways}),
    )


def _path(location: tuple[int | str, ...]) -> str:
    """`bodies[3].organ_id`; an empty text is the file as a whole."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.removeprefix(".")


def _body(form: BodyForm) -> Body:
    return Body(
        organ_id=OrganId(form.organ_id),
        name=form.name,
        in_charge=form.in_charge,
        gateway=GatewayId(form.gateway),
        status=form.status,
        successor=OrganId(form.successor) if form.successor else None,
        transport_certificates=form.transport_certificates,
        seal_certificates=tuple(map(Digest, form.seal_certificates)),
    )


def _gateway(form: GatewayForm) -> GatewayEntry:
    return GatewayEntry(
        gateway=GatewayId(form.gateway),
        name=form.name,
        url=form.url,
        tls_keys=tuple(map(Digest, form.tls_keys)),
        receipt_keys=form.receipt_keys,
        log_keys=form.log_keys,
    )


def _body_fields(body: Body) -> Mapping[str, object]:
    return {
        "organ_id": body.organ_id,
        "name": body.name,
        "in_charge": body.in_charge,
        "gateway": body.gateway,
        "status": body.status.value,
        "successor": body.successor,
        "transport_certificates": [base64.b64encode(der).decode() for der in body.transport_certificates],
        "seal_certificates": list(body.seal_certificates),
    }


def _gateway_fields(entry: GatewayEntry) -> Mapping[str, object]:
    return {
        "gateway": entry.gateway,
        "name": entry.name,
        "url": entry.url,
        "tls_keys": list(entry.tls_keys),
        "receipt_keys": [base64.b64encode(der).decode() for der in entry.receipt_keys],
        "log_keys": list(entry.log_keys),
    }
