"""Files made to hurt whoever reads them. Nothing here may cost more than a look."""

from dataclasses import replace
from typing import Final

from tests.kit.edxml_vectors.archives import DEFLATED, Entry, archive, deflated_zeros, overlapping
from tests.kit.edxml_vectors.base import DECLARATION, LETTER, PDF, TEXT, File, document, letter
from tests.kit.edxml_vectors.files import UUID, wrapped

MIB: Final = 1 << 20
_SUBJECT: Final = ">Về lịch họp giao ban<"
_ENCRYPTED: Final = 0x0801
_LINK: Final = 0o120777 << 16


def _typed(subset: str, use: str = "Về lịch họp giao ban") -> str:
    return letter((DECLARATION, f"{DECLARATION}<!DOCTYPE edXML {subset}>\n"), (_SUBJECT, f">{use}<"))


def _laughs(levels: int = 9) -> str:
    entities = ["<!ENTITY l0 'ha'>"] + [f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, levels)]
    return _typed(f"[{' '.join(entities)}]", f"&l{levels - 1};")


def _zipped(data: bytes) -> str:
    """An archive where the vendor's software would wrap a text."""
    return document(File(name="danh-sach.txt", type="application/zip", data=data))


def _one(**entry: object) -> str:
    return _zipped(archive(Entry(**({"name": f"{UUID}.txt", "data": TEXT} | entry))))  # type: ignore[arg-type]  # as given


def _bomb(size: int) -> bytes:
    return archive(Entry(name=f"{UUID}.txt", data=bytes(size), method=DEFLATED, packed=deflated_zeros(size)))


def _nested() -> bytes:
    data = wrapped("5.txt", TEXT)
    for level in range(4, 0, -1):
        data = wrapped(f"{level}.zip", data)
    return data


_PAYLOAD: Final = ("</edXML:ContentTransferEncoded>", "<x/></edXML:ContentTransferEncoded>")
_ATTRIBUTES: Final = "".join(f' a{number}=""' for number in range(100))
_NAMESPACES: Final = "".join(f' xmlns:a{number}="urn:{number}"' for number in range(100))
_GOOD: Final = wrapped(f"{UUID}.txt", TEXT)

HOSTILE: Final[dict[str, str | bytes]] = {
    # XML
    "empty": b"",
    "white-space-only": b" \n\n",
    "not-xml": b"PK\x03\x04 this is no XML",
    "html": "<html><body>502 Bad Gateway</body></html>\n",
    "utf-16": letter().encode("utf-16"),
    "latin-1": letter(('encoding="UTF-8"', 'encoding="ISO-8859-1"')),
    "not-utf-8": letter().encode().replace("Về lịch".encode(), b"V\xea l\xecch"),
    "xml-1.1": letter(('version="1.0" encoding', 'version="1.1" encoding')),
    "nul": letter((_SUBJECT, ">Về lịch\0<")),
    "forbidden-letter": letter((_SUBJECT, ">Về lịch\x08<")),
    "dtd": _typed("[<!ELEMENT edXML ANY>]"),
    "dtd-external": _typed('SYSTEM "file:///etc/passwd"'),
    "entity": _typed("[<!ENTITY x SYSTEM 'file:///etc/passwd'>]", "&x;"),
    "entity-undeclared": letter((_SUBJECT, ">&x;<")),
    "billion-laughs": _laughs(),
    "junk-then-dtd": "1212" + _typed("[<!ENTITY x 'y'>]", "&x;"),
    "deep": letter((_SUBJECT, ">" + "<a>" * 100 + "</a>" * 100 + "<")),
    "deep-unknown": letter(("        <edXML:Subject>", "<a>" * 100 + "</a>" * 100 + "        <edXML:Subject>")),
    "many-attributes": letter(("<edXML:Subject>", f"<edXML:Subject{_ATTRIBUTES}>")),
    "many-namespaces": letter(("<edXML:Subject>", f"<edXML:Subject{_NAMESPACES}>")),
    "attribute-twice": letter(
        ('version="1.0">\n        <edXML:Reference>', 'version="1.0" version="1.1">\n        <edXML:Reference>')
    ),
    "long-name": letter(("<edXML:Subject>", f"<{'a' * 51_000}/><edXML:Subject>")),
    "truncated-header": letter().encode()[:1500],
    "truncated-base64": letter()[: letter().index("JVBER") + 20],
    "truncated-tag": letter()[: letter().index("JVBER") - 3],
    "truncated-end": letter().removesuffix("</edXML>\n"),
    "end-tag-swapped": letter(("</edXML:Subject>", "</edXML:Content>")),
    "many-findings": letter(("        <edXML:OtherInfo>", "        <edXML:To/>\n" * 600 + "        <edXML:OtherInfo>")),
    "many-recipients": letter(("        <edXML:DocumentId>", "<edXML:To/>" * 1001 + "        <edXML:DocumentId>")),
    "many-files": document(*(replace(LETTER, id=f"cid:{n}", data=PDF + b"%d" % n, name=f"{n}.pdf") for n in range(21))),
    # the cut
    "element-in-base64": letter(_PAYLOAD),
    "comment-in-base64": letter((_PAYLOAD[0], "<!-- x -->" + _PAYLOAD[0])),
    "payload-in-payload": letter((_PAYLOAD[0], "<ContentTransferEncoded>AAAA</ContentTransferEncoded>" + _PAYLOAD[0])),
    "payload-in-header": letter(
        (
            "        <edXML:Subject>",
            "        <ContentTransferEncoded>AAAA</ContentTransferEncoded>\n        <edXML:Subject>",
        )
    ),
    "payload-in-cdata": letter((_SUBJECT, "><![CDATA[<ContentTransferEncoded>AAAA</ContentTransferEncoded>]]><")),
    "payload-in-attribute": letter(
        ("<edXML:Subject>", "<edXML:Subject a='<ContentTransferEncoded >AAAA</ContentTransferEncoded>'>")
    ),
    "payload-twice": letter(
        ("    </Attachment>", "      <ContentTransferEncoded>AAAA</ContentTransferEncoded>\n    </Attachment>")
    ),
    # archives
    "zip-bomb": _zipped(_bomb(MIB)),
    "zip-lies-small": _one(declared=4),
    "zip-lies-large": _one(declared=1 << 30),
    "zip-overlap": _zipped(overlapping(50, TEXT)),
    "zip-many-entries": _zipped(archive(*(Entry(name=f"{n}.txt") for n in range(1200)))),
    "zip-nested": _zipped(_nested()),
    "zip-traversal": _one(name="../../../../etc/cron.d/x.txt"),
    "zip-absolute": _one(name="/etc/passwd.txt"),
    "zip-drive": _one(name="C:\\Windows\\x.txt"),
    "zip-link": _one(name="x.txt", data=b"/etc/passwd", external=_LINK),
    "zip-encrypted": _one(flags=_ENCRYPTED),
    "zip-unknown-method": _one(method=99),
    "zip-empty": _zipped(archive()),
    "zip-folder": _one(name="thu-muc/", data=b""),
    "zip-truncated": _zipped(_GOOD[:-30]),
    "zip-wrong-checksum": _zipped(_GOOD.replace(b"Danh", b"Dinh")),
    "zip-header-differs": _zipped(_GOOD.replace(b".txt", b".exe", 1)),
    "zip-beyond-the-end": _one(at=10_000),
    "zip-called-pdf-bomb": document(replace(LETTER, data=_bomb(MIB))),
    "zip-after-pdf": document(replace(LETTER, data=PDF + _GOOD)),
}
