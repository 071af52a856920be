"""Any file that somebody wants to know about: by the signatures in it, and by the one that lies beside it."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from gateway.core.errors import SenderError
from gateway.core.validation import Indication
from gateway.evidence.detached import ATTACHED_SUFFIX, SIGNATURE_SUFFIX, DetachedExamination, signature_beside
from gateway.evidence.examination import FileExamination, FileReport

_WORST_FIRST: Final = (Indication.TOTAL_FAILED, Indication.INDETERMINATE, Indication.TOTAL_PASSED)


class AnyFileExamination:
    """Chooses how a file is examined; an envelope is judged by its own signature and by no other."""

    def __init__(self, *, inside: FileExamination, beside: DetachedExamination) -> None:
        self._inside = inside
        self._beside = beside

    async def examine(self, path: Path, signature: Path | None = None) -> FileReport:
        """Examine a file. `signature`: the one to judge it by; None: those in it, and one under its name (`minutes.docx.p7s`).

        A signature that is named as the file (`minutes.docx.p7s`, `minutes.p7m`) is judged with what it lies beside, or by
        what it holds.

        Raises:
            SenderError: `file.empty`, `size.limit`, `worker.killed`.
            OSError: the file cannot be read.
        """
        if signature is not None:
            return await self._beside.examine(path, signature)
        if path.suffix.lower() == ATTACHED_SUFFIX:
            return await self._beside.examine(path, None)
        if path.suffix.lower() == SIGNATURE_SUFFIX:
            content = path.with_suffix("")
            return await self._beside.examine(*((content, path) if content.is_file() else (path, None)))
        found = signature_beside(path)
        return await self._inside.examine(path) if found is None else await self._both(path, found)

    async def _both(self, path: Path, signature: Path) -> FileReport:
        outside = await self._beside.examine(path, signature)
        try:
            inside = await self._inside.examine(path)
        except SenderError as error:
            if error.code != "size.limit":
                raise
            return outside  # larger than anything that is signed inside: a disk image, a film
        if inside.kind == "edxml":
            return inside
        found = {inside.indication, outside.indication}
        return replace(
            inside,
            indication=next(one for one in _WORST_FIRST if one in found),
            parts=(*inside.parts, *outside.parts),
            signers=tuple(dict.fromkeys((*inside.signers, *outside.signers))),
        )
