"""The report of `gateway verify`: as JSON, as a web page, or as PDF/A-3, sealed if a key is given. Whole, or not there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from gateway.cli.errors import Failure
from gateway.cli.key_in_hand import holding, shown_with
from gateway.cli.orders import VerifyOrder
from gateway.cli.output import Terminal
from gateway.cli.written import new_file
from gateway.core.ids import OrganId
from gateway.core.limits import REPORT_FILES_MAX, REPORT_SIGNATURES_MAX
from gateway.core.ports import Judge
from gateway.crypto import FileSealer, Trust, try_key
from gateway.evidence import Paper, Verification, Wording, record_bytes
from gateway.observe import SystemClock

Draw = Callable[[Paper, bytes], bytes]
Seal = Callable[[bytes], Awaitable[bytes]]

JSON: Final = ".json"
HTML: Final = ".html"
PDF: Final = ".pdf"
_FORMS: Final = frozenset({JSON, HTML, PDF})
_SEALER: Final = OrganId("report")
"""Under which name the sealer knows the one key that it is given here."""


def check_report(order: VerifyOrder) -> None:
    """See that the report that is wanted can be made, before any file is examined.

    Raises:
        Failure: it has no form that we write; too many files; only a PDF is sealed; it would replace a file.
    """
    wanted = order.report
    if order.seal is not None and (wanted is None or _form(wanted) != PDF):
        raise Failure("cli.seal_pair")
    if wanted is None:
        return
    if _form(wanted) not in _FORMS:
        raise Failure("cli.report_form", path=str(wanted))
    if len(order.files) > REPORT_FILES_MAX:
        raise Failure("cli.report_files", limit=REPORT_FILES_MAX, total=len(order.files))
    key = (Path(order.seal.key), order.seal.password_file, *order.seal.certificates) if order.seal else ()
    named = (*order.files, order.signature, order.policy, order.registry, *key)
    if wanted.exists() and any(path.exists() and wanted.samefile(path) for path in named if path is not None):
        raise Failure("cli.report_input", path=str(wanted))
    if not wanted.parent.is_dir():
        raise Failure("cli.no_folder", path=str(wanted.parent))
    if wanted.exists() and not order.force:
        raise Failure("cli.exists", path=str(wanted))


@asynccontextmanager
async def report_seal(order: VerifyOrder, *, judge: Judge, trust: Trust) -> AsyncIterator[Seal | None]:
    """What seals the report; None without a key. The key is tried before anything is examined.

    Raises:
        Failure: a file of them is not there, or a password belongs to it.
        SiteError: the key cannot be used, or is not that of its certificate.
    """
    if order.seal is None:
        yield None
        return
    key = shown_with(order.seal)
    async with holding(order.seal, key) as holder:
        await try_key(holder, key)
        yield _sealing(
            FileSealer(
                judge=judge, holder=holder, seals={_SEALER: key}, transports={}, trust=trust, clock=SystemClock()
            )
        )


def _sealing(sealer: FileSealer) -> Seal:
    """The house's walk: a judge prepares, a key-holder signs, a judge finds the sealed file good (`gateway.crypto.sealer`)."""

    async def seal(pdf: bytes) -> bytes:
        with TemporaryDirectory(prefix="gateway-report-") as folder:
            path = Path(folder) / "report.pdf"
            path.write_bytes(pdf)
            return (await sealer.seal(path, _SEALER)).pdf

    return seal


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWriter:
    """Writes the report that an order wants, if it wants one."""

    order: VerifyOrder
    draw: Draw | None
    """None: the record itself is the report."""
    seal: Seal | None

    async def write(self, terminal: Terminal, found: Verification) -> None:
        """Write it under its name.

        Raises:
            Failure: it would be too long.
            OSError: it cannot be written; FileExistsError among them.
            GatewayError: it cannot be sealed.
        """
        path = self.order.report
        if path is None:
            return
        total = sum(len(file.signatures) for file in found.files)
        if self.draw and total > REPORT_SIGNATURES_MAX:
            raise Failure("cli.report_signatures", total=total, limit=REPORT_SIGNATURES_MAX)
        record = record_bytes(found)
        data = self.draw(Wording(found, terminal.language).paper(), record) if self.draw else record
        if self.seal is not None:
            data = await self.seal(data)
        with new_file(path, force=self.order.force) as file:
            file.write(data)
        terminal.say("cli.verify.sealed" if self.seal else "cli.verify.written", path=str(path))


def _form(path: Path) -> str:
    return path.suffix.lower()
