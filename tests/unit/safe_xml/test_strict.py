"""Hostile and honest files through the strict parse."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from lxml import etree

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.safe_xml import AT_HAND, EXCHANGE, QCVN, Caps, Element, Skeleton, parse_signed, read_skeleton

VECTORS = Path(__file__).parents[3] / ".." / "shared" / "vectors"
XSW = VECTORS / "own-xsw"


def skeleton_of(data: bytes) -> Skeleton:
    return read_skeleton([data])


TEXT_CHARS_MAX = 10_000_000
"""One text node: the bound of libxml2 itself."""

PARSERS: tuple[Callable[[bytes], object], ...] = (parse_signed, skeleton_of)


def refusal(parse: Callable[[bytes], object], data: bytes) -> str:
    with pytest.raises(SenderError) as caught:
        parse(data)
    assert caught.value.code == "envelope.malformed"
    return str(caught.value.params["reason"])


LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY a%d "%s">' % (n + 1, b"&a%s;" % (str(n).encode() if n else b"") * 10) for n in range(9)
)

HOSTILE = {
    "empty": (b"", "empty"),
    "only space": (b" \r\n\t", "empty"),
    "only a declaration": (b'<?xml version="1.0"?>\n', "empty"),
    "junk": (b"1212<?xml version='1.0'?><a/>", "junk"),
    "a PDF": (b"%PDF-1.7\n", "junk"),
    "cdata outside": (b"<![CDATA[x]]><a/>", "junk"),
    "doctype": (b"<!DOCTYPE a><a/>", "doctype"),
    "doctype after the declaration": (b"<?xml version='1.0' encoding='UTF-8'?> <!DOCTYPE a SYSTEM 'x'><a/>", "doctype"),
    "doctype in lower case": (b"<!doctype a><a/>", "junk"),
    "billion laughs": (LAUGHS + b"]><l>&a9;</l>", "doctype"),
    "laughs in an attribute": (LAUGHS + b"]><l a='&a9;'/>", "doctype"),
    "xxe": (b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><l>&x;</l>', "doctype"),
    "parameter entity": (b'<!DOCTYPE l [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><l/>', "doctype"),
    "entity without a DTD": (b"<a>&nbsp;</a>", "syntax"),
    "comment before": (b"<!-- x --><a/>", "comment"),
    "comment inside": (b"<a>on<!-- x -->e</a>", "comment"),
    "comment after": (b"<a/><!-- x -->", "comment"),
    "pi before": (b"<?xml-stylesheet href='x'?><a/>", "instruction"),
    "pi inside": (b"<a>on<?x?>e</a>", "instruction"),
    "pi after": (b"<a/>\n<?x y?>", "instruction"),
    "a second declaration": (b"<?xml version='1.0'?><?xml version='1.0'?><a/>", "instruction"),
    "declaration after a space": (b" <?xml version='1.0'?><a/>", "instruction"),
    "utf-16": ("<a>văn</a>".encode("utf-16"), "encoding"),
    "utf-16 without a mark": ("<a>văn</a>".encode("utf-16-le"), "encoding"),
    "utf-32": ("<a/>".encode("utf-32-be"), "encoding"),
    "declared latin-1": (b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "encoding"),
    "declared utf-7": (b"<?xml version='1.0' encoding='UTF-7'?><a>+ADw-b/+AD4-</a>", "encoding"),
    "xml 1.1": (b"<?xml version='1.1'?><a>&#1;</a>", "encoding"),
    "not utf-8": (b"<a>\xff\xfe</a>", "encoding"),
    "overlong utf-8": (b"<a>\xc0\xbc</a>", "encoding"),
    "nul": (b"<a>\0</a>", "encoding"),
    "nul reference": (b"<a>&#0;</a>", "syntax"),
    "control character": (b"<a>\x08</a>", "syntax"),
    "unclosed": (b"<a><b></a>", "syntax"),
    "cut short": (b"<a><b>text", "syntax"),
    "two roots": (b"<a/><b/>", "syntax"),
    "text after": (b"<a/>x", "syntax"),
    "attribute twice": (b"<a b='1' b='2'/>", "syntax"),
    "attribute twice by namespace": (b"<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", "syntax"),
    "undeclared prefix": (b"<p:a/>", "prefix"),
    "undeclared prefix of an attribute": (b"<a xlink:href='x'/>", "prefix"),
    "depth": (b"<a>" * 65 + b"</a>" * 65, "depth"),
    "depth 300": (b"<a>" * 300 + b"</a>" * 300, "depth"),
    "depth never closed": (b"<a>" * 100_000, "depth"),
    "attributes": (b"<a " + b" ".join(b"a%d=''" % n for n in range(65)) + b"/>", "attributes"),
    "20000 attributes": (b"<a " + b" ".join(b"a%d='1'" % n for n in range(20_000)) + b"/>", "attributes"),
    "20000 namespaces": (b"<a " + b" ".join(b"xmlns:a%d='u'" % n for n in range(20_000)) + b"/>", "attributes"),
    "attributes and namespaces": (
        b"<a " + b" ".join(b"xmlns:a%d='u' b%d=''" % (n, n) for n in range(33)) + b"/>",
        "attributes",
    ),
    "nodes": (b"<a>" + b"<b/>" * limits.XML_NODES_MAX + b"</a>", "nodes"),
    "nodes as attributes": (b"<a>" + b"<b c='' d='' e='' f=''/>" * (limits.XML_NODES_MAX // 5) + b"</a>", "nodes"),
    "huge text": (b"<a>" + b"A" * (TEXT_CHARS_MAX + 1) + b"</a>", "text"),
    "huge cdata": (b"<a><![CDATA[" + b"A" * (TEXT_CHARS_MAX + 1) + b"]]></a>", "text"),
    "huge text in pieces": (
        b"<a>" + b"<![CDATA[AAAAAAAAA]]>&#65;" * (TEXT_CHARS_MAX // 10 + 1) + b"</a>",
        "text",
    ),
    "huge attribute": (b"<a b='" + b"A" * (TEXT_CHARS_MAX + 1) + b"'/>", "text"),
    "huge name": (b"<" + b"a" * (TEXT_CHARS_MAX + 1) + b"/>", "text"),
    "bytes": (b"<a>" + b" " * limits.ENVELOPE_BYTES_MAX + b"</a>", "bytes"),
}


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_for_its_reason(case: str, parse: Callable[[bytes], object]) -> None:
    data, reason = HOSTILE[case]
    if parse is skeleton_of and limits.MARKUP_BYTES_MAX < len(data) <= limits.ENVELOPE_BYTES_MAX:
        reason = "nodes" if case == "huge text in pieces" else "markup"
    assert refusal(parse, data) == reason


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("attrs-20000", "attributes"),
        ("billion-laughs", "doctype"),
        ("comment-in-text", "comment"),
        ("deep-300", "depth"),
        ("digestvalue-comment", "comment"),
        ("doctype-entity", "doctype"),
        ("pi-before-root", "instruction"),
        ("xxe-file", "doctype"),
    ],
)
@pytest.mark.skipif(not XSW.is_dir(), reason="the shared vectors are absent")
def test_the_wrapped_and_hostile_vectors_that_are_about_parsing(
    name: str, reason: str, parse: Callable[[bytes], object]
) -> None:
    assert refusal(parse, (XSW / f"{name}.xml").read_bytes()) == reason


ALLOWED = {
    "plain": b"<a/>",
    "declared": b"<?xml version='1.0' encoding='utf-8' standalone='yes'?>\r\n<a/>",
    "byte order mark": b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?><a/>',
    "space around": b"\n<a/>\n\n",
    "predefined entities": b"<a>&lt;&amp;&gt;&quot;&apos;&#x110;</a>",
    "words of a DTD in text": b"<a><![CDATA[<!DOCTYPE a [<!ENTITY b 'c'>]><!-- d --><?e?>]]></a>",
    "exactly the depth": b"<a>" * 64 + b"</a>" * 64,
    "exactly the attributes": b"<a " + b" ".join(b"a%d=''" % n for n in range(64)) + b"/>",
    "exactly the nodes": b"<a>" + b"<b/>" * (limits.XML_NODES_MAX - 1) + b"</a>",
    "exactly the markup": b"<a>" + b"A" * (limits.MARKUP_BYTES_MAX - 7) + b"</a>",
}


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("case", ALLOWED)
def test_an_honest_file_is_read(case: str, parse: Callable[[bytes], object]) -> None:
    assert parse(ALLOWED[case]) is not None


def test_namespaces_counted_per_element_do_not_add_up_over_siblings() -> None:
    data = b"<a>" + b"<b xmlns:p='u' p:q=''/>" * 1000 + b"</a>"
    assert len(parse_signed(data)) == 1000


def canonical(root: Element) -> bytes:
    return etree.tostring(root, method="c14n", exclusive=True)


def test_the_strict_parse_changes_nothing() -> None:
    data = (
        f'<edXML xmlns="{QCVN}"><e:Envelope xmlns:e="{QCVN}" e:b="2" a="1">\n <e:S>T\u1ea7ng &amp; 2</e:S>'
        "</e:Envelope></edXML>"
    ).encode()
    assert canonical(parse_signed(data)) == canonical(etree.fromstring(data))


def envelope(*payloads: str) -> bytes:
    inside = "".join(
        f'<Attachment n="{n}"><e:ContentTransferEncoded xmlns:e="{QCVN}">{text}</e:ContentTransferEncoded></Attachment>'
        for n, text in enumerate(payloads)
    )
    return f'<edXML xmlns="{QCVN}"><A>kept</A>{inside}</edXML>'.encode()


def contents(skeleton: Skeleton) -> list[bytes]:
    assert all(payload.sound for payload in skeleton.payloads)
    return [payload.read() for payload in skeleton.payloads]


def test_the_skeleton_is_the_file_without_the_payload_texts_and_nothing_else() -> None:
    skeleton = skeleton_of(envelope("QUJD", "", "REVG\n"))
    assert contents(skeleton) == [b"ABC", b"", b"DEF"]
    assert skeleton.markup == envelope("", "", "")
    assert canonical(skeleton.root) == canonical(parse_signed(envelope("", "", "")))


def test_each_payload_comes_with_its_size_and_digest() -> None:
    (payload,) = skeleton_of(envelope("QUJD")).payloads
    assert (payload.size, payload.digest) == (3, sha256(b"ABC").hexdigest())


@pytest.mark.parametrize(
    "text", ["QU<![CDATA[J]]>D", "<![CDATA[QUJD]]>", "QU<![CDATA[]]><![CDATA[JD]]>", "QU&#13;\r\n&#x0D;\t J&#10;D&#9;"]
)
def test_a_payload_written_with_cdata_and_white_references_is_cut_out_whole(text: str) -> None:
    for size in (1, 2, 3, 5, 8, 1000):
        data = envelope(text)
        skeleton = read_skeleton([data[start : start + size] for start in range(0, len(data), size)])
        assert contents(skeleton) == [b"ABC"]
        assert skeleton.markup == envelope("")


@pytest.mark.parametrize(
    "text", ["QU&#74;D", "QUJ", "QU=D", "QQ==QQ==", "Q\u1ea7JD", "QU-_", "=", "QU&#13", "&", "QUJD]]&gt;"]
)
def test_what_is_no_base64_is_unsound(text: str) -> None:
    (payload,) = skeleton_of(envelope(text)).payloads
    assert not payload.sound


def test_elements_comments_and_instructions_inside_a_payload_are_refused() -> None:
    assert refusal(skeleton_of, envelope("QU<b/>JD")) == "payload"
    assert refusal(skeleton_of, envelope("QU<!---->JD")) == "payload"
    assert refusal(skeleton_of, envelope("QU<?x?>JD")) == "payload"
    nested = f'<e:ContentTransferEncoded xmlns:e="{QCVN}">QUJD</e:ContentTransferEncoded>'
    assert refusal(skeleton_of, envelope(nested)) == "payload"


def test_an_element_of_that_name_is_cut_in_whatever_namespace() -> None:
    """The vendor's reader goes by local names: so does the cut, or two readers would find different files."""
    skeleton = skeleton_of(b"<a><ContentTransferEncoded>QUJD</ContentTransferEncoded><ContentTransferEncoded/></a>")
    assert contents(skeleton) == [b"ABC", b""]
    assert [element.text for element in skeleton.carriers] == [None, None]


def test_what_only_looks_like_a_payload_is_left_alone() -> None:
    texts = (
        "<![CDATA[<ContentTransferEncoded>QUJD</ContentTransferEncoded>]]>",
        "<b c='ContentTransferEncoded>QUJD'/>",
        "<ContentTransferEncodedX>QUJD</ContentTransferEncodedX>",
        "<XContentTransferEncoded>QUJD</XContentTransferEncoded>",
        "&lt;ContentTransferEncoded&gt;QUJD",
    )
    for text in texts:
        data = f"<a>{text}</a>".encode()
        skeleton = skeleton_of(data)
        assert (skeleton.markup, skeleton.payloads) == (data, ())


def test_payloads_larger_than_one_chunk_come_out_whole() -> None:
    texts = ("QUJD" * 500_000, "REVG" * 300_000)
    data = envelope(*texts)
    pieces = [data[start : start + 65_536] for start in range(0, len(data), 65_536)]
    assert contents(read_skeleton(pieces)) == [b"ABC" * 500_000, b"DEF" * 300_000]


def test_each_cap_is_told_apart() -> None:
    data = envelope("QUJD" * 100, "QUJD")

    def told(caps: Caps) -> tuple[str, object]:
        with pytest.raises(SenderError) as caught:
            read_skeleton([data], caps=caps)
        return caught.value.code, caught.value.params.get("reason", caught.value.params.get("limit"))

    assert told(replace(EXCHANGE, file_bytes=len(data) - 1)) == ("envelope.malformed", "bytes")
    assert told(replace(EXCHANGE, markup_bytes=200)) == ("envelope.malformed", "markup")
    assert told(replace(EXCHANGE, payload_bytes=299)) == ("size.limit", 299)
    assert told(replace(EXCHANGE, payloads=1)) == ("envelope.malformed", "payloads")
    assert told(replace(EXCHANGE, depth=2)) == ("envelope.malformed", "depth")
    assert contents(read_skeleton([data], caps=AT_HAND))[0] == b"ABC" * 100


def test_an_error_says_the_line_and_no_content() -> None:
    with pytest.raises(SenderError) as caught:
        parse_signed(b"<a>\n<secret>\n</a>")
    assert caught.value.params["line"] == 3
    assert "secret" not in str(caught.value)


def test_a_namespace_is_no_longer_than_canonicalisation_can_repeat_it() -> None:
    longest = "u" * limits.XML_NAMESPACE_CHARS_MAX
    assert parse_signed(f'<a xmlns="{longest}"/>'.encode()).nsmap == {None: longest}
    with pytest.raises(SenderError) as caught:
        parse_signed(f'<a xmlns:p="{longest}u"/>'.encode())
    assert caught.value.params["reason"] == "text"
