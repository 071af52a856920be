"""Attached files: how manifest and file are tied together, how the bytes are carried, and what they are in truth."""

import base64
import hashlib
from dataclasses import replace
from typing import Final

from tests.kit.edxml_vectors.archives import DEFLATED, Entry, archive, document_parts
from tests.kit.edxml_vectors.base import LETTER, PDF, TEXT, File, document, edited, letter
from tests.kit.edxml_vectors.kinds import bound

UUID: Final = "6f1f8f9e-2f57-4f0e-9d0b-3c1f0f6f7a10"
SECOND: Final = File(name="danh-sach.pdf", data=PDF + b"% two\n", id="cid:b1")
MANGLED: Final = b"%PDF-1.3\n%" + b"\xef\xbf\xbd" * 4 + b"\n1 0 obj\n"
DOCX: Final = document_parts("docx")
XLSX: Final = document_parts("xlsx")


def wrapped(name: str, data: bytes) -> bytes:
    """A ZIP as the vendor's software wraps a file: one entry, its name made up (facts 1.9)."""
    return archive(Entry(name=name, data=data, method=DEFLATED))


def _lines(data: bytes) -> str:
    return "\n" + base64.encodebytes(data * 4).decode()


def _bound(file: File, *, of: bytes | None = None, **changes: str) -> File:
    digest = base64.b64encode(hashlib.sha256(file.data if of is None else of).digest()).decode()
    return replace(file, listed_type=file.type, digest=bound(digest), **changes)  # type: ignore[arg-type]  # all are texts


_ZIPPED_TEXT: Final = wrapped(f"{UUID}.txt", TEXT)
_PLAIN: Final = base64.b64encode(PDF).decode()
_XLINK: Final = ' xlink:href="cid:a1" xlink:role="XLinkRole" xlink:type="simple"'
_TYPE: Final = "      <ContentType>application/pdf</ContentType>\n"
_NAME: Final = "      <AttachmentName>thong-bao.pdf</AttachmentName>\n"
_ENCODED: Final = "  <AttachmentEncoded>"


def _only_listed(file: File) -> str:
    return edited(document(LETTER, file), (file.carried(), ""))


def _only_carried(file: File) -> str:
    return edited(document(LETTER, file), (file.reference(), ""))


def _other_maker() -> str:
    """A C# writer: xlink on the Reference, another order there, `cid:` only in the manifest (facts 1.9)."""
    plain = replace(LETTER, id="a1", listed_id="cid:a1")
    kind = "          <edXML:ContentType>application/zip</edXML:ContentType>\n"
    name = "          <edXML:AttachmentName>thong-bao.pdf</edXML:AttachmentName>\n"
    number = "          <edXML:ContentId>cid:a1</edXML:ContentId>\n"
    return edited(
        document(plain),
        (number + kind + name, f"          <edXML:Description>Thông báo</edXML:Description>\n{name}{kind}{number}"),
        ("<edXML:Reference>", f'<edXML:Reference xmlns:xlink="http://www.w3.org/1999/xlink"{_XLINK}>'),
    )


FILES: Final[dict[str, str]] = {
    # what ties them together
    "two": document(LETTER, SECOND),
    "other-order": edited(
        document(LETTER, SECOND), (LETTER.carried() + SECOND.carried(), SECOND.carried() + LETTER.carried())
    ),
    "bound": document(_bound(LETTER)),
    "bound-other-bytes": document(_bound(LETTER, of=TEXT)),
    "bound-other-label": edited(document(_bound(LETTER)), (_NAME, _NAME.replace("thong-bao", "quyet-dinh"))),
    "bound-unknown-method": edited(document(_bound(LETTER)), ("xmlenc#sha256", "xmlenc#sha512")),
    "bound-half-a-digest": edited(document(_bound(LETTER)), ("</ds:DigestValue>", "AAAA</ds:DigestValue>")),
    "manifest-spelling": document(LETTER).replace("edXMLManifest", "Manifest"),
    "other-maker": _other_maker(),
    "cid-nowhere": document(replace(LETTER, id="a1")),
    "cid-in-manifest-only": document(replace(LETTER, id="a1", listed_id="cid:a1")),
    "cid-in-attachment-only": document(replace(LETTER, listed_id="a1")),
    "cid-twice": document(replace(LETTER, id=f"cid:cid:{UUID}")),
    "cid-three-times": document(replace(LETTER, id="cid:cid:cid:a1", listed_id="cid:a1")),
    "same-id-twice": document(LETTER, replace(SECOND, id="cid:a1")),
    "same-id-but-for-cid": document(LETTER, replace(SECOND, id="a1")),
    "not-carried": _only_listed(SECOND),
    "not-listed": _only_carried(SECOND),
    "none-carried": edited(letter(), (letter()[letter().index(_ENCODED) : letter().index("</edXML>")], "")),
    "no-body": letter(
        (letter()[letter().index("    <edXML:edXMLBody>") : letter().index("  </edXML:edXMLEnvelope>")], "")
    ),
    "encoded-twice": edited(
        document(LETTER, SECOND), (SECOND.carried(), f"  </AttachmentEncoded>\n{_ENCODED}\n{SECOND.carried()}")
    ),
    "no-content-id": letter(("      <ContentId>cid:a1</ContentId>\n", "")),
    "no-encoded-text": letter((f">{_PLAIN}<", "><")),
    "no-encoded-element": letter(
        (LETTER.carried(), "    <Attachment>\n      <ContentId>cid:a1</ContentId>\n    </Attachment>\n")
    ),
    "no-name": letter((_NAME, ""), ("          <edXML:AttachmentName>thong-bao.pdf</edXML:AttachmentName>\n", "")),
    "no-type": letter((_TYPE, "")),
    # names
    "name-in-vietnamese": document(replace(LETTER, name="Thông báo số 12 (bản ký).pdf")),
    "name-is-a-path": document(replace(LETTER, name="../../etc/thong-bao.pdf")),
    "name-hides": document(replace(LETTER, name="thong\u202efdp.exe")),
    "type-is-none": document(replace(LETTER, type="tệp PDF")),
    # how the bytes are carried
    "base64-in-lines": document(replace(LETTER, text=_lines(PDF), data=PDF * 4)),
    "base64-crlf": document(replace(LETTER, text=_lines(PDF).replace("\n", "&#13;\n"))),
    "base64-cdata": document(replace(LETTER, text=f"<![CDATA[{_PLAIN}]]>")),
    "base64-two-cdata": document(replace(LETTER, text=f"{_PLAIN[:10]}<![CDATA[{_PLAIN[10:20]}]]>{_PLAIN[20:]}")),
    "base64-no-padding": document(replace(LETTER, text=_PLAIN.rstrip("="))),
    "base64-url": document(replace(LETTER, text=base64.urlsafe_b64encode(b"%PDF-1.7 \xff\xfe\xfb\xef\xbe\n").decode())),
    "base64-data-url": document(replace(LETTER, text=f"data:application/pdf;base64,{_PLAIN}")),
    "base64-after-padding": document(replace(LETTER, text="JVBERi0xLjc=JVBERi0xLjc=")),
    "placeholder": document(replace(LETTER, text="...base64...")),
    "placeholder-words": document(replace(LETTER, text="Noi dung tep dinh kem")),
    # what they are
    "vendor-wrapped": document(File(name="danh-sach.txt", type="application/zip", data=_ZIPPED_TEXT)),
    "vendor-wrapped-xlsx": document(File(name="bang.xlsx", type="application/zip", data=wrapped(f"{UUID}.xlsx", XLSX))),
    "zip-stays": document(File(name="ho-so.zip", type="application/zip", data=wrapped("danh-sach.txt", TEXT))),
    "docx-stays": document(File(name="du-thao.docx", type="application/docx", data=DOCX)),
    "xlsx-as-zip": document(File(name="bang.xlsx", type="application/zip", data=XLSX)),
    "zip-called-pdf": document(replace(LETTER, data=wrapped(f"{UUID}.pdf", PDF))),
    "zip-called-pdf-two-entries": document(
        replace(LETTER, data=archive(Entry(name="1.pdf", data=PDF), Entry(name="2.txt", data=TEXT)))
    ),
    "pdf-called-zip": document(replace(LETTER, type="application/zip")),
    "text-called-pdf": document(replace(LETTER, data=TEXT)),
    "exe-called-pdf": document(replace(LETTER, data=b"MZ\x90\x00 a program")),
    "rezipped-docx": document(File(name="du-thao.docx", type="application/docx", data=wrapped("du-thao.docx", DOCX))),
    "rezipped-bound": document(_bound(replace(LETTER, data=wrapped(f"{UUID}.pdf", PDF)), of=PDF)),
    "zipped-twice": document(
        File(name="danh-sach.txt", type="application/zip", data=wrapped(f"{UUID}.zip", _ZIPPED_TEXT))
    ),
    "pdf-mangled": document(replace(LETTER, data=MANGLED)),
    "pdf-mangled-in-zip": document(replace(LETTER, data=wrapped(f"{UUID}.pdf", MANGLED))),
    "pdf-late": document(replace(LETTER, data=b"\n\n" + PDF)),
    "old-excel-type": document(
        File(name="bang.xsl", type="application/xsl", data=b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 a table")
    ),
}
