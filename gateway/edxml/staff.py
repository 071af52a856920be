"""StaffInfo: whom to ask."""

from dataclasses import astuple
from typing import Final

from gateway.core import limits
from gateway.core.message import StaffInfo
from gateway.edxml.block import Block
from gateway.edxml.namespaces import PREFIX
from gateway.edxml.violations import Checks
from gateway.edxml.writer import XmlWriter

_NAMES: Final = frozenset({"Department", "DepartmentId", "Staff", "StaffId", "Email", "Mobile"})


def write_staff(writer: XmlWriter, staff: StaffInfo) -> None:
    """One block, fields in the order of the vendor's software."""
    with writer.block(f"{PREFIX}:StaffInfo"):
        writer.leaf(f"{PREFIX}:Department", staff.department)
        writer.leaf(f"{PREFIX}:DepartmentId", staff.department_id)
        writer.leaf(f"{PREFIX}:Staff", staff.staff)
        writer.leaf(f"{PREFIX}:StaffId", staff.staff_id)
        writer.leaf(f"{PREFIX}:Email", staff.email)
        writer.leaf(f"{PREFIX}:Mobile", staff.mobile)


def read_staff(block: Block) -> StaffInfo | None:
    """One block; None when it says nothing, for others write an empty one."""
    block.expect(_NAMES)
    staff = StaffInfo(
        department=block.text("Department"),
        department_id=block.text("DepartmentId"),
        staff=block.text("Staff"),
        staff_id=block.text("StaffId"),
        email=block.text("Email"),
        mobile=block.text("Mobile"),
    )
    return staff if staff != StaffInfo() else None


def check_staff(checks: Checks, path: str, staff: StaffInfo) -> None:
    """Lengths, and something must be said."""
    if not any(text.strip() for text in astuple(staff)):
        checks.add(path, "required")
    checks.line(f"{path}.department", staff.department, limit=limits.DEPARTMENT_CHARS_MAX)
    checks.line(f"{path}.department_id", staff.department_id, limit=limits.LOCAL_ID_CHARS_MAX)
    checks.line(f"{path}.staff", staff.staff, limit=limits.FULL_NAME_CHARS_MAX)
    checks.line(f"{path}.staff_id", staff.staff_id, limit=limits.LOCAL_ID_CHARS_MAX)
    checks.line(f"{path}.email", staff.email, limit=limits.EMAIL_CHARS_MAX)
    checks.line(f"{path}.mobile", staff.mobile, limit=limits.TELEPHONE_CHARS_MAX)
