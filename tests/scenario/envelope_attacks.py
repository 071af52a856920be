"""Attacks on a signed envelope of ours, each a change of its bytes, beside what may be done to it on its way.

The first table is `own-xsw` of the shared vectors rebuilt on edXML, by the names of its files; the others are the usual list of
what can be done to a letter, and what the cut of payloads out of the bytes invites. What refuses each stands beside it: the
part of the chain, then its reason.
"""

import copy
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.safe_xml import QCVN
from tests.kit.pki import Pki

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
XML: Final = "http://www.w3.org/XML/1998/namespace"
EVIL: Final = "VE VIEC KHAC"
PAYLOAD: Final = "ContentTransferEncoded"
Element = etree._Element


@dataclass(frozen=True)
class Letter:
    """A true envelope with two files, and another true one of the same sender."""

    data: bytes
    other: bytes


Change = Callable[[Letter], bytes]
Table = Mapping[str, tuple[Change, str]]


# --- how a file is changed ---------------------------------------------------------------------------------------------


def parsed(data: bytes) -> Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))


def find(root: Element, name: str, namespace: str = QCVN) -> Element:
    found = root.find(f".//{{{namespace}}}{name}")
    assert found is not None, name
    return found


def tree(*changes: Callable[[Element], object]) -> Change:
    """The file parsed, changed and written out anew."""

    def change(letter: Letter) -> bytes:
        root = parsed(letter.data)
        for one in changes:
            one(root)
        return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")

    return change


def swap(old: bytes | str, new: bytes | str) -> Change:
    """The first of these bytes, others instead."""
    before, after = (text.encode() if isinstance(text, str) else text for text in (old, new))

    def change(letter: Letter) -> bytes:
        assert before in letter.data, before
        return letter.data.replace(before, after, 1)

    return change


def around_payload(before: bytes | str, after: bytes | str = b"", *, at: int = 0) -> Change:
    """Something put into the text of the first file, `at` characters behind its beginning."""
    left, right = (text.encode() if isinstance(text, str) else text for text in (before, after))

    def change(letter: Letter) -> bytes:
        start = letter.data.index(b">", letter.data.index(PAYLOAD.encode())) + 1 + at
        end = letter.data.index(b"<", start)
        return letter.data[:start] + left + letter.data[start:end] + right + letter.data[end:]

    return change


def inside(name: str, text: str, *, at_end: bool = False) -> Change:
    """Markup at the beginning (or the end) of the first element of that name as it is written."""

    def change(letter: Letter) -> bytes:
        data = letter.data
        start = re.search(rb"<%b[\s>]" % name.encode(), data)
        assert start is not None, name
        place = data.index(b">", start.start()) + 1
        if at_end:
            place = data.index(f"</{name}>".encode(), place)
        return data[:place] + text.encode() + data[place:]

    return change


def payload(text: str = "QUJD", *, prefix: str = "edXML", namespace: str = QCVN) -> str:
    return f'<{prefix}:{PAYLOAD} xmlns:{prefix}="{namespace}">{text}</{prefix}:{PAYLOAD}>'


# --- changes of the tree -----------------------------------------------------------------------------------------------


def evil(part: Element) -> Element:
    forged = copy.deepcopy(part)
    for subject in forged.iter(f"{{{QCVN}}}Subject"):
        subject.text = EVIL
    return forged


def replaced(part: Element, forged: Element) -> Element:
    part.addprevious(forged)
    parent = part.getparent()
    assert parent is not None
    parent.remove(part)
    return part


def original_in_object(root: Element) -> None:
    header = find(root, "MessageHeader")
    forged = evil(header)
    forged.set("Id", "evil")
    original = replaced(header, forged)
    etree.SubElement(find(root, "Signature", DS), f"{{{DS}}}Object").append(original)


def original_as_child(root: Element) -> None:
    """The whole signed envelope within a forged one."""
    envelope = root[0]
    forged = evil(envelope)
    for element in forged.iter():
        element.attrib.pop("Id", None)
    forged.append(replaced(envelope, forged))


def original_in_extension(root: Element) -> None:
    envelope = root[0]
    forged = evil(envelope)
    forged.find(f".//{{{QCVN}}}MessageHeader").set("Id", "evil")  # type: ignore[union-attr]
    original = replaced(envelope, forged)
    signature = find(original, "Signature", DS)
    replaced(find(forged, "Signature", DS), signature)
    etree.SubElement(root, f"{{{QCVN}}}Extension").append(original)


def duplicate_id(root: Element) -> None:
    header = find(root, "MessageHeader")
    header.addprevious(evil(header))


def two_signatures(root: Element) -> None:
    """A forged document, and the true one with its own signature in an extension."""
    envelope = root[0]
    replaced_by = evil(envelope)
    etree.SubElement(root, f"{{{QCVN}}}Extension").append(replaced(envelope, replaced_by))


def set_on(name: str, attribute: str, value: str, *, namespace: str = QCVN) -> Callable[[Element], object]:
    return lambda root: find(root, name, namespace).set(attribute, value)


def text_of(name: str, text: str, *, namespace: str = QCVN, within: str = "") -> Callable[[Element], object]:
    def change(root: Element) -> None:
        find(find(root, within) if within else root, name, namespace).text = text

    return change


def drop(name: str, *, namespace: str = QCVN, number: int = 0) -> Callable[[Element], object]:
    def change(root: Element) -> None:
        element = root.findall(f".//{{{namespace}}}{name}")[number]
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return change


def twice(name: str, *, namespace: str = QCVN) -> Callable[[Element], object]:
    def change(root: Element) -> None:
        element = find(root, name, namespace)
        element.addnext(copy.deepcopy(element))

    return change


def move(
    name: str, into: str, *, namespace: str = QCVN, to: str = QCVN, first: bool = False
) -> Callable[[Element], object]:
    def change(root: Element) -> None:
        place = root if into == "edXML" else find(root, into, to)
        place.insert(0 if first else len(place), find(root, name, namespace))

    return change


def rename(name: str, tag: str) -> Callable[[Element], object]:
    def change(root: Element) -> None:
        find(root, name).tag = tag

    return change


def swap_files(root: Element, *names: str) -> None:
    """What these elements of the two files say, exchanged."""
    first, second = root.findall(f".//{{{QCVN}}}Attachment")
    for name in names:
        one, other = find(first, name), find(second, name)
        one.text, other.text = other.text, one.text


def second_header(tag: str, *, into: str = "edXMLHeader", first: bool = False) -> Callable[[Element], object]:
    def change(root: Element) -> None:
        header = evil(find(root, "MessageHeader"))
        header.tag = tag
        header.attrib.pop("Id")
        place = find(root, into)
        place.insert(0 if first else len(place), header)

    return change


def remove_reference(index: int) -> Callable[[Element], object]:
    def change(root: Element) -> None:
        info = find(root, "SignedInfo", DS)
        info.remove(info.findall(f"{{{DS}}}Reference")[index])

    return change


def swap_certificate(root: Element) -> None:
    find(root, "X509Certificate", DS).text = b64encode(Pki(name="Stranger").leaf("transport").der).decode()


def add_xpath(root: Element) -> None:
    algorithm = "http://www.w3.org/TR/1999/REC-xpath-19991116"
    added = etree.SubElement(find(root, "Transforms", DS), f"{{{DS}}}Transform", Algorithm=algorithm)
    etree.SubElement(added, f"{{{DS}}}XPath").text = "false()"


def comment_in_digest(root: Element) -> None:
    value = find(find(root, "SignedInfo", DS), "DigestValue", DS)
    comment = etree.Comment(value.text)
    value.text, comment.tail = None, "AAAADNPO/HEpulrYehjY5YQt/C2wkeVfSl1Xr+XJnZQ="
    value.append(comment)


def drop_digest(root: Element) -> None:
    reference = find(find(root, "edXMLManifest"), "Reference")
    for name in ("DigestMethod", "DigestValue"):
        reference.remove(find(reference, name, DS))


def exchange_ids(root: Element) -> None:
    header, body = find(root, "MessageHeader"), find(root, "edXMLBody")
    header.set("Id", "body")
    body.set("Id", "header")


def signature_of_another(letter: Letter) -> bytes:
    root, other = parsed(letter.data), parsed(letter.other)
    replaced(find(root, "Signature", DS), find(other, "Signature", DS))
    return etree.tostring(root)


def header_of_another(letter: Letter) -> bytes:
    root, other = parsed(letter.data), parsed(letter.other)
    replaced(find(root, "MessageHeader"), find(other, "MessageHeader"))
    return etree.tostring(root)


def files_of_another(letter: Letter) -> bytes:
    root, other = parsed(letter.data), parsed(letter.other)
    replaced(find(root, "AttachmentEncoded"), find(other, "AttachmentEncoded"))
    return etree.tostring(root)


def doctype(subset: str) -> Change:
    return swap("<edXML ", f"<!DOCTYPE edXML [{subset}]><edXML ")


LAUGHS: Final = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))


# --- the tables --------------------------------------------------------------------------------------------------------

OWN_XSW: Table = {
    "xsw1-original-in-Object": (tree(original_in_object), "signature: more than one MessageHeader"),
    "xsw2-original-as-child": (tree(original_as_child), "signature: more than one edXMLEnvelope"),
    "xsw3-original-in-Extension": (tree(original_in_extension), "signature: more than one edXMLEnvelope"),
    "xsw4-duplicate-Id": (tree(duplicate_id), "reader: duplicate"),
    "xsw5-two-signatures": (tree(two_signatures), "signature: more than one edXMLEnvelope"),
    "hmac-confusion": (
        tree(set_on("SignatureMethod", "Algorithm", f"{DS}hmac-sha1", namespace=DS)),
        "signature: signature algorithm",
    ),
    "sha1-method": (
        tree(set_on("SignatureMethod", "Algorithm", f"{DS}rsa-sha1", namespace=DS)),
        "signature: signature algorithm",
    ),
    "cert-swapped": (tree(swap_certificate), "signature: the certificate that the signature names is not there"),
    "keyinfo-extra": (
        tree(lambda root: etree.SubElement(find(root, "KeyInfo", DS), f"{{{DS}}}KeyName")),
        "signature: KeyInfo holds more than certificates",
    ),
    "signedproperties-ref-removed": (tree(remove_reference(-2)), "signature: a part is not signed"),
    "tamper-body": (tree(text_of("Subject", EVIL)), "signature: a signed part was changed"),
    "tamper-signingtime": (
        tree(text_of("SigningTime", "2020-01-01T00:00:00Z", namespace=XADES)),
        "signature: a signed part was changed",
    ),
    "two-signedinfo": (
        tree(twice("SignedInfo", namespace=DS)),
        "signature: two elements with one id",
    ),
    "xpath-transform": (tree(add_xpath), "signature: a transform other than exclusive canonicalisation"),
    "comment-in-text": (inside("edXML:Subject", "<!--x-->", at_end=True), "xml: comment"),
    "digestvalue-comment": (tree(comment_in_digest), "xml: comment"),
    "doctype-entity": (doctype('<!ENTITY a "A">'), "xml: doctype"),
    "xxe-file": (doctype('<!ENTITY x SYSTEM "file:///etc/passwd">'), "xml: doctype"),
    "billion-laughs": (doctype(LAUGHS), "xml: doctype"),
    "pi-before-root": (swap("<edXML ", "<?x y?><edXML "), "xml: instruction"),
    "deep-300": (inside("edXML:Subject", "<a>" * 300 + "</a>" * 300), "xml: depth"),
    "attrs-20000": (
        swap("<edXML ", "<edXML " + " ".join(f'a{number}="1"' for number in range(20_000)) + " "),
        "xml: attributes",
    ),
}

CHANGED: Table = {
    "another kind of business": (tree(text_of("BussinessDocType", "1")), "signature: a signed part was changed"),
    "no business any more": (tree(drop("Bussiness")), "signature: a reference to something else"),
    "business spelt right beside it": (
        inside("edXML:TraceHeaderList", f'<b:Business xmlns:b="{QCVN}"/>'),
        "reader: duplicate",
    ),
    "business spelt right in a trace": (
        inside("edXML:TraceHeader", f'<b:Business xmlns:b="{QCVN}"/>'),
        "signature: more than one Bussiness",
    ),
    "a second kind of business": (tree(twice("BussinessDocType")), "reader: duplicate"),
    "a To added": (tree(twice("To")), "reader: duplicate"),
    "a To removed": (tree(drop("To")), "signature: a signed part was changed"),
    "another To": (tree(text_of("OrganId", "Z79.X", within="To")), "signature: a signed part was changed"),
    "a To moved out of the header": (
        tree(move("To", "edXMLHeader", first=True)),
        "signature: a signed part was changed",
    ),
    "a To beside the header": (
        inside("edXML:TraceHeaderList", "<To><OrganId>Z79.X</OrganId></To>"),
        "frame: TraceHeaderList holds an element that does not belong there",
    ),
    "another From": (tree(text_of("OrganId", "Z79.X", within="From")), "signature: a signed part was changed"),
    "another DocumentId": (tree(text_of("DocumentId", "Z79.X,2026/11/20,1/A")), "signature: a signed part was changed"),
    "the header of another letter": (header_of_another, "signature: a signed part was changed"),
    "the signature of another letter": (signature_of_another, "signature: a signed part was changed"),
    "the files of another letter": (files_of_another, "files: digest"),
    "files swapped": (tree(lambda root: swap_files(root, PAYLOAD)), "files: digest"),
    "names of files swapped": (tree(lambda root: swap_files(root, "AttachmentName")), "files: label"),
    "ids of files swapped": (tree(lambda root: swap_files(root, "ContentId")), "files: digest"),
    "a file dropped": (tree(drop("Attachment")), "files: missing"),
    "all files dropped": (tree(drop("AttachmentEncoded")), "files: missing"),
    "a file dropped with its entry": (
        tree(drop("Attachment"), drop("Reference")),
        "signature: a signed part was changed",
    ),
    "a file doubled": (tree(twice("Attachment")), "files: duplicate"),
    "a file doubled under another id": (
        tree(twice("Attachment"), text_of("ContentId", "cid:other", within="Attachment")),
        "files: extra",
    ),
    "the list of files doubled": (tree(twice("AttachmentEncoded")), "reader: duplicate"),
    "a file without bytes": (tree(drop(PAYLOAD)), "files: empty"),
    "a byte of a file changed": (around_payload("QUJD"), "files: digest"),
    "another name of a file": (tree(text_of("AttachmentName", "x.txt", within="Attachment")), "files: label"),
    "another type of a file": (tree(text_of("ContentType", "text/html", within="Attachment")), "files: label"),
    "another digest in the manifest": (
        tree(text_of("DigestValue", b64encode(bytes(32)).decode(), namespace=DS, within="edXMLManifest")),
        "files: digest",
    ),
    "no digest in the manifest": (
        tree(drop_digest),
        "signature: a signed part was changed",
    ),
    "another digest method in the manifest": (
        tree(lambda root: find(find(root, "edXMLManifest"), "DigestMethod", DS).set("Algorithm", f"{DS}sha1")),
        "files: digest_method",
    ),
    "an entry of the manifest doubled": (tree(twice("Reference")), "files: duplicate"),
    "an entry of the manifest dropped": (tree(drop("Reference")), "files: extra"),
}

MOVED: Table = {
    "an Id doubled in the trace": (tree(set_on("TraceHeader", "Id", "header")), "signature: two elements with one id"),
    "an Id of other case": (tree(set_on("TraceHeader", "ID", "body")), "signature: two elements with one id"),
    "an Id in lower case": (tree(set_on("TraceHeader", "id", "business")), "signature: two elements with one id"),
    "an xml:id": (tree(set_on("TraceHeader", f"{{{XML}}}id", "header")), "signature: two elements with one id"),
    "an Id doubled at a file": (tree(set_on("Attachment", "Id", "header")), "signature: two elements with one id"),
    "the signature under a part's Id": (
        tree(set_on("Signature", "Id", "header", namespace=DS)),
        "signature: two elements with one id",
    ),
    "Ids exchanged": (tree(exchange_ids), "signature: MessageHeader does not bear its Id"),
    "no Id": (
        tree(lambda root: find(root, "MessageHeader").attrib.pop("Id")),
        "signature: MessageHeader does not bear its Id",
    ),
    "an Id spelt ID": (
        swap('<edXML:MessageHeader Id="header"', '<edXML:MessageHeader ID="header"'),
        "signature: MessageHeader does not bear its Id",
    ),
    "a second header before": (tree(second_header(f"{{{QCVN}}}MessageHeader", first=True)), "reader: duplicate"),
    "a second header behind": (tree(second_header(f"{{{QCVN}}}MessageHeader")), "reader: duplicate"),
    "a second header of another namespace": (
        tree(second_header("{urn:x}MessageHeader", first=True)),
        "reader: duplicate",
    ),
    "a second header of none": (tree(second_header("MessageHeader", first=True)), "reader: duplicate"),
    "a second header in the trace": (
        tree(second_header(f"{{{QCVN}}}MessageHeader", into="TraceHeader")),
        "signature: more than one MessageHeader",
    ),
    "a second header at a file": (
        tree(second_header(f"{{{QCVN}}}MessageHeader", into="Attachment")),
        "signature: more than one MessageHeader",
    ),
    "the header in another namespace": (
        tree(rename("MessageHeader", "{urn:x}MessageHeader")),
        "signature: MessageHeader is not in its place",
    ),
    "the header moved out": (tree(move("MessageHeader", "edXMLEnvelope")), "reader: missing"),
    "the business moved out": (
        tree(move("Bussiness", "edXMLHeader", first=True)),
        "signature: Bussiness is not in its place",
    ),
    "the body moved out": (tree(move("edXMLBody", "edXML")), "files: extra"),
    "the body moved into the header": (tree(move("edXMLBody", "edXMLHeader", first=True)), "files: extra"),
    "the signature moved to the body": (
        tree(move("Signature", "edXMLBody", namespace=DS)),
        "signature: the signature is not in its place",
    ),
    "the signature moved to the root": (
        tree(move("Signature", "edXML", namespace=DS)),
        "signature: the signature is not in its place",
    ),
    "the signature moved forward": (
        tree(move("Signature", "edXMLHeader", namespace=DS, first=True)),
        "signature: the signature is not in its place",
    ),
    "the signature doubled": (tree(twice("Signature", namespace=DS)), "signature: more than one signature"),
    "the signature removed": (tree(drop("Signature", namespace=DS)), "signature: none"),
    "the signature over the whole document": (
        tree(set_on("Reference", "URI", "", namespace=DS)),
        "signature: a signature over the whole document: not the profile of this gateway",
    ),
    "the signature without its value": (
        tree(text_of("SignatureValue", "", namespace=DS)),
        "signature: SignatureValue is not one value",
    ),
    "a reference removed": (tree(remove_reference(0)), "signature: a part is not signed"),
    "a reference doubled": (tree(twice("Reference", namespace=DS)), "signature: two elements with one id"),
    "a reference to another file": (
        tree(set_on("Reference", "URI", "http://127.0.0.1:9/", namespace=DS)),
        "signature: a reference to something else",
    ),
    "the whole file in another root": (
        lambda letter: b"<x>" + etree.tostring(parsed(letter.data)) + b"</x>",
        "reader: missing",
    ),
    "a second document behind": (lambda letter: letter.data + b"<edXML/>", "xml: syntax"),
}

CUT: Table = {
    **{
        f"a file's bytes in {name}": (inside(f"edXML:{name}", payload()), reason)
        for name, reason in {
            "MessageHeader": "files: extra",
            "edXMLManifest": "files: extra",
            "Bussiness": "files: extra",
            "TraceHeader": "files: extra",
            "edXMLEnvelope": "files: extra",
        }.items()
    },
    **{
        f"a file's bytes in {name}": (inside(f"ds:{name}", payload()), "files: extra")
        for name in ("Object", "KeyInfo", "SignedInfo", "SignatureValue", "DigestValue")
    },
    "a subject cut out": (inside("edXML:Subject", f"<edXML:{PAYLOAD}>", at_end=False), "xml: syntax"),
    "words added to a subject and cut out": (inside("edXML:Subject", payload("S2hvbmc="), at_end=True), "files: extra"),
    "bytes of another namespace in a header": (
        inside("edXML:MessageHeader", payload(prefix="x", namespace="urn:x")),
        "files: extra",
    ),
    "bytes of no namespace in a file": (inside("Attachment", f'<{PAYLOAD} xmlns="">QUJD</{PAYLOAD}>'), "files: extra"),
    "an empty one before the true one": (
        swap(f"<edXML:{PAYLOAD}", f'<x:{PAYLOAD} xmlns:x="{QCVN}"/><edXML:{PAYLOAD}'),
        "files: extra",
    ),
    "an empty one in the header": (inside("edXML:MessageHeader", f"<edXML:{PAYLOAD}/>"), "files: extra"),
    "one within one": (around_payload(payload()), "xml: payload"),
    "one around one": (swap(f"<edXML:{PAYLOAD}", f'<x:{PAYLOAD} xmlns:x="{QCVN}"><edXML:{PAYLOAD}'), "xml: payload"),
    "another element in it": (around_payload("<edXML:b/>"), "xml: payload"),
    "one in a comment": (inside("edXML:MessageHeader", f"<!--{payload()}-->"), "xml: comment"),
    "one in a comment of its own": (around_payload("<!-- x -->"), "xml: payload"),
    "one in an instruction": (inside("edXML:MessageHeader", f"<?x {payload()}?>"), "xml: instruction"),
    "an instruction in it": (around_payload("<?x y?>"), "xml: payload"),
    "one in a CDATA section of a subject": (
        inside("edXML:Subject", f"<![CDATA[<{PAYLOAD}>QUJD</{PAYLOAD}>]]>"),
        "signature: a signed part was changed",
    ),
    "one in an attribute": (swap("<edXML ", f'<edXML x="<{PAYLOAD}>" '), "xml: payload"),
    "its tag never closed": (swap(f"</edXML:{PAYLOAD}>", ""), "xml: syntax"),
    "its tag closed by another": (swap(f"</edXML:{PAYLOAD}>", "</edXML:x>"), "xml: syntax"),
    "its name in other case": (
        lambda letter: letter.data.replace(PAYLOAD.encode(), PAYLOAD.lower().encode(), 2),
        "files: empty",
    ),
    "a name with two colons": (
        lambda letter: letter.data.replace(b"edXML:" + PAYLOAD.encode(), b"edXML:x:" + PAYLOAD.encode(), 2),
        "xml: syntax",
    ),
    "a prefix longer than any": (
        swap(
            f"<edXML:{PAYLOAD}",
            f'<{"p" * 65}:{PAYLOAD} xmlns:{"p" * 65}="urn:x">QUJD</{"p" * 65}:{PAYLOAD}><edXML:{PAYLOAD}',
        ),
        "xml: payload",
    ),
    "it bears another namespace": (
        lambda letter: letter.data.replace(f'xmlns:edXML="{QCVN}">'.encode(), b'xmlns:edXML="urn:x">').replace(
            b'<edXML:edXMLEnvelope xmlns:edXML="urn:x">', f'<edXML:edXMLEnvelope xmlns:edXML="{QCVN}">'.encode()
        ),
        "frame: Attachment holds an element that does not belong there",
    ),
    "it bears an attribute": (
        swap(f"<edXML:{PAYLOAD}", f'<edXML:{PAYLOAD} x=">"'),
        "frame: ContentTransferEncoded has an attribute that does not belong there",
    ),
    "NUL in it": (around_payload(b"\0", at=4), "files: base64"),
    "invalid UTF-8 in it": (around_payload(b"\xff\xfe", at=4), "files: base64"),
    "a letter that is no base64 in it": (around_payload("ộ", at=4), "files: base64"),
    "base64 of addresses": (around_payload("-_", at=4), "files: base64"),
    "an end in the middle": (around_payload("QQ=="), "files: base64"),
    "a letter written as a reference": (around_payload("&#65;&#65;&#65;&#65;"), "files: base64"),
    "an entity in it": (around_payload("&x;"), "files: base64"),
    "white space written as a reference in CDATA": (around_payload("<![CDATA[", "&#13;]]>"), "files: base64"),
    "the end of CDATA in it": (around_payload("]]>"), "files: base64"),
    "NUL in a subject": (inside("edXML:Subject", "\0"), "xml: encoding"),
    "invalid UTF-8 in a subject": (
        lambda letter: inside("edXML:Subject", "@@@")(letter).replace(b"@@@", b"\xff"),
        "xml: encoding",
    ),
    "UTF-16": (lambda letter: letter.data.decode().replace("UTF-8", "UTF-16").encode("utf-16"), "xml: encoding"),
    "another encoding declared": (swap('encoding="UTF-8"', 'encoding="windows-1258"'), "xml: encoding"),
    "XML 1.1": (swap('version="1.0"', 'version="1.1"'), "xml: encoding"),
    "junk before it": (lambda letter: b"1212" + letter.data, "xml: junk"),
}

MAY: Mapping[str, Change] = {
    "the name of the bytes in an attribute of a list": swap(
        "<edXML:TraceHeaderList", f'<edXML:TraceHeaderList x="&lt;{PAYLOAD}>"'
    ),
    "nothing": lambda letter: letter.data,
    "written out anew": tree(),
    "line ends of another system": lambda letter: letter.data.replace(b"\n", b"\r\n"),
    "a byte order mark": lambda letter: b"\xef\xbb\xbf" + letter.data,
    "a trace of a hub": inside(
        "edXML:TraceHeaderList", "<edXML:TraceHeader><edXML:OrganId>null</edXML:OrganId></edXML:TraceHeader>"
    ),
    "base64 in lines": around_payload("\r\n", "\r\n"),
    "base64 in lines, written as references": around_payload("&#13;\n", "&#xD;\n"),
    "base64 in a CDATA section": around_payload("<![CDATA[", "]]>"),
    "base64 in two sections": around_payload("<![CDATA[]]>", "<![CDATA[ ]]>"),
    "another prefix of the bytes": lambda letter: letter.data.replace(
        b"edXML:" + PAYLOAD.encode(), b"q:" + PAYLOAD.encode()
    ).replace(b"<q:" + PAYLOAD.encode() + b" xmlns:edXML", b"<q:" + PAYLOAD.encode() + b" xmlns:q"),
    "room in the tags": lambda letter: letter.data.replace(PAYLOAD.encode() + b">", PAYLOAD.encode() + b" \n>"),
}
