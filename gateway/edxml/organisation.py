"""Organisation block: `From` and `To` (QCVN 102:2016, Amendment 1:2022 for the length of OrganId)."""

from functools import lru_cache
from typing import Final

from gateway.core import limits
from gateway.core.free_texts import free_texts
from gateway.core.ids import OrganId
from gateway.core.message import Organ
from gateway.core.secrecy import find_mark
from gateway.edxml.block import Block
from gateway.edxml.namespaces import PREFIX
from gateway.edxml.violations import Checks
from gateway.edxml.writer import XmlWriter

ORGANS_REMEMBERED_MAX: Final = 4_096
"""Blocks that were looked through: all those of a province's registry, some 2 MB."""
ORGAN_CHARS_REMEMBERED_MAX: Final = 2_048
"""Of one block: all that the regulation's lengths allow, and no more. What strangers write may be longer."""
_NAMES: Final = frozenset(
    {"OrganId", "OrganizationInCharge", "OrganName", "OrganAdd", "Email", "Telephone", "Fax", "Website"}
)


def write_organ(writer: XmlWriter, name: str, organ: Organ) -> None:
    """One block, fields in the order of the vendor's software."""
    with writer.block(f"{PREFIX}:{name}"):
        writer.leaf(f"{PREFIX}:OrganId", organ.organ_id)
        writer.leaf(f"{PREFIX}:OrganizationInCharge", organ.in_charge)
        writer.leaf(f"{PREFIX}:OrganName", organ.name)
        writer.leaf(f"{PREFIX}:OrganAdd", organ.address)
        writer.leaf(f"{PREFIX}:Email", organ.email)
        writer.leaf(f"{PREFIX}:Telephone", organ.telephone)
        writer.leaf(f"{PREFIX}:Fax", organ.fax)
        writer.leaf(f"{PREFIX}:Website", organ.website)


def read_organ(block: Block) -> Organ:
    """One block; only the code is required, and its shape is not judged here: hubs use codes of their own."""
    block.expect(_NAMES)
    return Organ(
        organ_id=OrganId(block.need_text("OrganId", limit=limits.ORGAN_ID_CHARS_MAX)),
        in_charge=block.text("OrganizationInCharge"),
        name=block.text("OrganName"),
        address=block.text("OrganAdd"),
        email=block.text("Email"),
        telephone=block.text("Telephone"),
        fax=block.text("Fax"),
        website=block.text("Website"),
    )


class _TooLongError(Exception):
    """A block is longer than the rules allow; what raises is not remembered, so no stranger's file fills the memory."""


def is_regular(organ: Organ) -> bool:
    """Whether `check_organ` has nothing to say. The registry's blocks come again with every document."""
    try:
        return _found_regular(organ)
    except _TooLongError:
        return False


def is_unmarked(organ: Organ) -> bool:
    """Whether it is known that no text of it bears a mark of secrecy; of a block that is too long nothing is known."""
    try:
        return _found_unmarked(organ)
    except _TooLongError:
        return False


@lru_cache(ORGANS_REMEMBERED_MAX)
def _found_regular(organ: Organ) -> bool:
    checks = Checks()
    check_organ(checks, "", _short(organ))
    return not checks.result()


@lru_cache(ORGANS_REMEMBERED_MAX)
def _found_unmarked(organ: Organ) -> bool:
    return not any(find_mark(text) for _, text in free_texts(_short(organ)))


def _short(organ: Organ) -> Organ:
    if sum(len(text) for _, text in free_texts(organ)) > ORGAN_CHARS_REMEMBERED_MAX:
        raise _TooLongError
    return organ


def check_organ(checks: Checks, path: str, organ: Organ) -> None:
    """Lengths. The name is not required: files of 2025 lack it, and an unknown recipient has none we could know."""
    checks.line(f"{path}.organ_id", organ.organ_id, limit=limits.ORGAN_ID_CHARS_MAX, required=True)
    checks.line(f"{path}.in_charge", organ.in_charge, limit=limits.ORGAN_IN_CHARGE_CHARS_MAX)
    checks.line(f"{path}.name", organ.name, limit=limits.ORGAN_NAME_CHARS_MAX)
    checks.line(f"{path}.address", organ.address, limit=limits.ORGAN_ADDRESS_CHARS_MAX)
    checks.line(f"{path}.email", organ.email, limit=limits.EMAIL_CHARS_MAX)
    checks.line(f"{path}.telephone", organ.telephone, limit=limits.TELEPHONE_CHARS_MAX)
    checks.line(f"{path}.fax", organ.fax, limit=limits.TELEPHONE_CHARS_MAX)
    checks.line(f"{path}.website", organ.website, limit=limits.WEBSITE_CHARS_MAX)
