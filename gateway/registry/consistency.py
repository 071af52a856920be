"""What must hold across the entries of an edition: names that are unique, references that lead somewhere."""

from collections.abc import Iterable
from typing import NoReturn

from gateway.core.directory import BodyStatus
from gateway.core.errors import SiteError
from gateway.registry.form import EditionForm


def check_consistency(edition: EditionForm) -> None:
    """Pass an edition whose entries fit together.

    Raises:
        SiteError: `registry.invalid` with the path of the first entry that does not fit, and the problem.
    """
    _unique("gateways[{}].gateway", (entry.gateway for entry in edition.gateways))
    _unique("bodies[{}].organ_id", (entry.organ_id for entry in edition.bodies))
    _check_tls_keys(edition)
    gateways = {entry.gateway for entry in edition.gateways}
    for index, entry in enumerate(edition.bodies):
        if entry.gateway not in gateways:
            refuse(f"bodies[{index}].gateway", "no such gateway")
    _check_successors(edition)


def refuse(path: str, problem: str) -> NoReturn:
    """Refuse the edition at that place."""
    raise SiteError("registry.invalid", path=path, problem=problem)


def _unique(path: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            refuse(path.format(index), "is there already")
        seen.add(name)


def _check_tls_keys(edition: EditionForm) -> None:
    """A key names one gateway: with a shared one either could speak for the other's bodies."""
    owners: dict[str, str] = {}
    for index, entry in enumerate(edition.gateways):
        for position, key in enumerate(entry.tls_keys):
            if owners.setdefault(key, entry.gateway) != entry.gateway:
                refuse(f"gateways[{index}].tls_keys[{position}]", "is another gateway's key")


def _check_successors(edition: EditionForm) -> None:
    """Only a closed code has a successor; it exists, and following successors comes to an end."""
    successors = {entry.organ_id: entry.successor for entry in edition.bodies}
    ending: set[str] = set()
    for index, entry in enumerate(edition.bodies):
        path = f"bodies[{index}].successor"
        if entry.successor is None:
            continue
        if entry.status is not BodyStatus.CLOSED:
            refuse(path, "the code is not closed")
        if entry.successor not in successors:
            refuse(path, "no such body")
        walked: set[str] = set()
        code: str | None = entry.organ_id
        while code is not None and code not in ending:
            if code in walked:
                refuse(path, "leads in a circle")
            walked.add(code)
            code = successors.get(code)
        ending |= walked
