"""Files that are not quite XML, or not the XML of today's regulation."""

from typing import Final

from tests.kit.edxml_vectors.base import DECLARATION, LETTER, QCVN, answer, edited, letter

BOM: Final = "\ufeff"
_XLINK: Final = ("<edXML:Reference>", '<edXML:Reference xlink:href="cid:a1" xlink:type="simple">')
_ENCODED: Final = (
    ("  <AttachmentEncoded>", "  <edXML:AttachmentEncoded>"),
    ("  </AttachmentEncoded>", "  </edXML:AttachmentEncoded>"),
)
_ENVELOPE: Final = f'  <edXML:edXMLEnvelope xmlns:edXML="{QCVN}">'


def _crlf() -> str:
    return letter().replace("\n", "\r\n")


def _in(namespace: str) -> str:
    return letter().replace(QCVN, namespace)


MARKUP: Final[dict[str, str | bytes]] = {
    "byte-order-mark": BOM + letter(),
    "no-declaration": letter().removeprefix(DECLARATION),
    "crlf": _crlf(),
    "tabs": letter().replace("  ", "\t"),
    "one-line": letter().replace("\n", "").replace("  ", ""),
    "space-before": "\n\n" + letter(),
    "space-after": letter() + "\n \t\n",
    "junk-before": "1212" + letter(),
    "junk-before-no-declaration": "1212" + letter().removeprefix(DECLARATION),
    "junk-before-mark": "junk\n" + BOM + letter(),
    "junk-after": letter() + "1212",
    "two-marks": BOM + BOM + letter(),
    "comments": letter(
        (">Về lịch họp giao ban<", ">Về lịch <!-- sic -->họp giao ban<"),
        ("    <edXML:edXMLHeader>", "    <!-- đầu -->\n    <edXML:edXMLHeader>"),
    ),
    "comment-before-root": letter((DECLARATION, DECLARATION + "<!-- made by hand -->\n")),
    "comment-with-a-file": letter(("  <AttachmentEncoded>", f"  <!-- {LETTER.carried()} -->\n  <AttachmentEncoded>")),
    "instruction": letter((DECLARATION, DECLARATION + '<?xml-stylesheet type="text/xsl" href="edxml.xsl"?>\n')),
    "instruction-inside": letter(("  <AttachmentEncoded>", "  <?page break?>\n  <AttachmentEncoded>")),
    "cdata-text": letter((">Về lịch họp giao ban<", "><![CDATA[Về lịch <họp> & giao ban]]><")),
    "references": letter((">Về lịch họp giao ban<", ">V&#7873; l&#x1ECB;ch &lt;họp&gt; &amp; giao ban<")),
    "prefix-out-of-scope": edited(letter(), *_ENCODED),
    "prefix-out-of-scope-status": edited(answer(), (_ENVELOPE, "  <edXML:edXMLEnvelope>")),
    "xlink-undeclared": letter(_XLINK),
    "both-undeclared": edited(letter(), _XLINK, *_ENCODED),
    "unknown-prefix": letter(("<edXML:Reference>", '<edXML:Reference vnpt:kind="1">')),
    "prefix-on-root": letter(
        (f'<edXML xmlns="{QCVN}">\n{_ENVELOPE}', f'<edXML:edXML xmlns:edXML="{QCVN}">\n  <edXML:edXMLEnvelope>')
    ).replace("</edXML>", "</edXML:edXML>"),
    "no-prefix-at-all": letter().replace("edXML:", "").replace(" xmlns:edXML=", " xmlns="),
    "other-prefix": letter().replace("edXML:", "ns0:").replace("xmlns:edXML=", "xmlns:ns0="),
    "old-namespace": _in("http://www.e-doc.vn/Schema/"),
    "old-namespace-go": _in("http://www.go.vn/eDoc"),
    "no-namespace": letter()
    .replace("edXML:", "")
    .replace(f' xmlns="{QCVN}"', "")
    .replace(f' xmlns:edXML="{QCVN}"', ""),
    "foreign-namespace": _in("urn:example:other"),
    "other-root": letter((f'<edXML xmlns="{QCVN}">', f'<package xmlns="{QCVN}">'), ("</edXML>\n", "</package>\n")),
    "attribute-order": letter(('<edXML:edXMLManifest version="1.0">', '<edXML:edXMLManifest Id="body" version="1.0">')),
    "not-normalised": letter((">Về lịch họp giao ban<", ">Ve\u0302\u0300 li\u0323ch ho\u0323p giao ban<")),
}
