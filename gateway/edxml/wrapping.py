"""Wrapping: what an attached file is when the ZIP around it, if hubs or the vendor's software put one there, is taken off.

At most one ZIP is undone, and only where it is certain that it is a wrapping (facts 1.9):

* by the vendor's rule: declared `application/zip`, and the name does not end in `.zip` (noted);
* where the declared type or the name says another kind of file, and that is what stands in it (repaired);
* where the manifest's digest is that of the file inside (repaired).

A digest that fits what is carried ends the matter: nothing is undone. Neither is anything of an office file, which is a ZIP by
its format, of an archive that is over a limit or contradicts itself, or of a PDF that comes out mangled.
"""

from dataclasses import dataclass
from typing import BinaryIO, Final

from gateway.core.ids import Digest
from gateway.core.magic import MAGIC_BYTES, PDF_HEADER, ZIP, media_type
from gateway.edxml.archive import ArchiveFault, ArchiveRefused, Directory, Entry, container_type, read_directory
from gateway.edxml.claims import agrees, claim_of_name, claim_of_type
from gateway.edxml.findings import Findings
from gateway.edxml.inflation import inflate
from gateway.safe_xml import Caps, Payload, Store

_REPLACED: Final = b"\xef\xbf\xbd"
"""U+FFFD in UTF-8: what a program that took bytes for text put in place of each that was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is said of an attached file."""

    path: str
    position: int
    name: str
    content_type: str
    declared: str
    """The type, where it speaks of this file: not the one that the vendor's software writes of all."""
    digest: Digest | None
    """The manifest's."""

    def claims(self) -> dict[str, str]:
        """What the file is said to be, with the words that say so."""
        said = {self.declared: claim_of_type(self.declared), self.name: claim_of_name(self.name)}
        return {words: claim for words, claim in said.items() if claim is not None}

    def is_by_rule(self) -> bool:
        """Whether the vendor's reader would open it."""
        return claim_of_type(self.declared) == ZIP and claim_of_name(self.name) != ZIP

    def is_plain_zip(self) -> bool:
        """Whether it is said to be a ZIP and nothing else."""
        return claim_of_name(self.name) == ZIP and set(self.claims().values()) == {ZIP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The file itself."""

    file: Payload
    media_type: str
    wrapped: bool


class Unwrapper:
    """Takes the wrapping off the files of one envelope, within one budget."""

    def __init__(self, store: Store, caps: Caps, findings: Findings, *, after: int) -> None:
        self._store = store
        self._file_bytes = caps.payload_bytes
        self._left = caps.file_bytes
        """Bytes that may still be inflated."""
        self._findings = findings
        self._position = after
        """The last that the store was asked for: what is inflated comes after the payloads."""

    def contents(self, label: Label, payload: Payload) -> Contents:
        """The file, and what is to be noted of it."""
        kind = kind_of(payload)
        as_it_is = Contents(file=payload, media_type=kind, wrapped=False)
        if not payload.sound:  # said already; its bytes end where the fault is
            return as_it_is
        found = self._looked_into(label, payload) if kind == ZIP else as_it_is
        if found is None:
            return as_it_is
        if is_mangled(found.file):
            self._findings.attachment("mangled", label.path, position=label.position)
        self._compare(label, found)
        return found

    def _looked_into(self, label: Label, payload: Payload) -> Contents | None:
        """A ZIP: as it is, by what it is, or what it wraps; None when it cannot be opened and should be."""
        as_it_is = Contents(file=payload, media_type=ZIP, wrapped=False)
        settled = label.digest == payload.digest or (label.digest is None and label.is_plain_zip())
        try:
            directory = read_directory(payload.file, payload.size)
            if container := container_type(payload.file, directory):
                return Contents(file=payload, media_type=container, wrapped=False)
            return as_it_is if settled else self._unwrapped(label, payload, directory) or as_it_is
        except ArchiveRefused as refused:
            if settled:
                return as_it_is
            params: dict[str, int | str] = {"position": label.position, "reason": refused.fault.value}
            if refused.limit is not None:
                params["limit"] = refused.limit
            self._findings.error("attachment.archive", label.path, **params)
            return None

    def _unwrapped(self, label: Label, payload: Payload, directory: Directory) -> Contents | None:
        """The file in the ZIP; None when the ZIP is no wrapping."""
        if not directory.whole:
            raise ArchiveRefused(ArchiveFault.ENTRIES, limit=len(directory.entries))
        entry = directory.only_file()
        if entry is None or not (label.digest or label.claims()):
            return None
        self._position += 1
        into = self._store(self._position)
        try:
            found = self._judged(label, self._inflated(payload, entry, into))
        except ArchiveRefused:
            _discard(into)
            raise
        if found is None:
            _discard(into)
        return found

    def _inflated(self, payload: Payload, entry: Entry, into: BinaryIO) -> Payload:
        try:
            return inflate(payload, entry, into, bytes_max=min(self._file_bytes, self._left))
        finally:
            self._left -= into.tell()

    def _judged(self, label: Label, file: Payload) -> Contents | None:
        """The file that came out, if that is what was sent."""
        if label.digest is not None:
            if file.digest != label.digest:
                return None
            self._findings.repaired("attachment.rezipped", label.path, position=label.position)
            return Contents(file=file, media_type=_seen_through(file), wrapped=True)
        kind = _kind_inside(file)
        others = set(label.claims().values()) - {ZIP}
        if kind == ZIP and others:  # a ZIP in a ZIP, and it should have been something else
            raise ArchiveRefused(ArchiveFault.NESTING)
        if label.is_by_rule():
            self._findings.note("attachment.zipped", label.path, position=label.position)
        elif kind in others and not is_mangled(file):
            self._findings.repaired("attachment.rezipped", label.path, position=label.position)
        else:
            if is_mangled(file):
                self._findings.attachment("mangled", label.path, position=label.position)
            return None
        return Contents(file=file, media_type=kind, wrapped=True)

    def _compare(self, label: Label, contents: Contents) -> None:
        """What it is said to be, with what it is; of a file that was wrapped by rule the type spoke of the ZIP."""
        claims = label.claims()
        if contents.wrapped and label.is_by_rule():
            claims.pop(label.declared, None)
        for words, claim in claims.items():
            if not agrees(claim, contents.media_type):
                self._findings.note(
                    "attachment.kind",
                    label.path,
                    position=label.position,
                    declared=words,
                    actual=contents.media_type,
                )
                return


def kind_of(payload: Payload) -> str:
    """Its media type by magic."""
    return media_type(_head(payload))


def is_mangled(payload: Payload) -> bool:
    """Whether it is a PDF that a program took for text: the bytes that follow the header of a PDF are never UTF-8."""
    head = _head(payload)
    header = head.find(PDF_HEADER, 0, MAGIC_BYTES)
    return header >= 0 and _REPLACED in head[header : header + MAGIC_BYTES]


def _kind_inside(file: Payload) -> str:
    """Its media type, that of an office file included.

    Raises:
        ArchiveRefused: it begins like an archive, and cannot be read as one.
    """
    kind = kind_of(file)
    return container_type(file.file, read_directory(file.file, file.size)) or ZIP if kind == ZIP else kind


def _seen_through(file: Payload) -> str:
    """The same; an archive that cannot be read is a ZIP."""
    try:
        return _kind_inside(file)
    except ArchiveRefused:
        return ZIP


def _head(payload: Payload) -> bytes:
    payload.file.seek(0)
    return payload.file.read(2 * MAGIC_BYTES)


def _discard(file: BinaryIO) -> None:
    """What was inflated and is not wanted takes no room."""
    file.seek(0)
    file.truncate()
