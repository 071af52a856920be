"""The cut against a plain parser: both see one document, however it is written and in whatever pieces it comes.

The plain reading is a strict parse of the whole file by lxml, files and all, of which the texts of its payloads are taken
afterwards. Whatever the cut accepts, the plain parser accepts, with the same tree and the same files; and of a
well-formed file nothing is refused that is not of the few things that safe XML refuses.
"""

import base64
import binascii
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from gateway.core.errors import SenderError
from gateway.safe_xml import Skeleton, read_foreign, read_skeleton

PAYLOAD = "ContentTransferEncoded"
WHITE = str.maketrans("", "", " \t\r\n")
Element = etree._Element
Seen = tuple[bytes, tuple[bytes | None, ...]]
"""The tree with its payloads emptied, written out, and the bytes of each; None where they are not base64."""


class RefusedError(Exception):
    """The plain parser takes no such file."""


def plain(data: bytes, *, tolerant: bool = False) -> Seen:
    """What a program sees that parses the whole file and then looks for its files."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        remove_comments=tolerant,
        remove_pis=tolerant,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise RefusedError from error
    payloads = []
    for carrier in root.iter(f"{{*}}{PAYLOAD}"):
        payloads.append(decoded(carrier))
        carrier.text = None
    return etree.tostring(root, encoding="UTF-8"), tuple(payloads)


def decoded(carrier: Element) -> bytes | None:
    if len(carrier):
        return None
    try:
        return base64.b64decode((carrier.text or "").translate(WHITE).encode(), validate=True)
    except (ValueError, binascii.Error):
        return None


def holds_more_than_text(data: bytes) -> bool:
    """Elements, comments or instructions in a payload: what the cut refuses of a well-formed file."""
    return any(len(carrier) for carrier in etree.fromstring(data).iter(f"{{*}}{PAYLOAD}"))


def seen(skeleton: Skeleton) -> Seen:
    payloads = tuple(payload.read() if payload.sound else None for payload in skeleton.payloads)
    return etree.tostring(skeleton.root, encoding="UTF-8"), payloads


def pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The file in pieces of these sizes, over and over."""
    at = number = 0
    while at < len(data):
        size = sizes[number % len(sizes)]
        yield data[at : at + size]
        at, number = at + size, number + 1


# --- documents ---------------------------------------------------------------------------------------------------------

NAMES = (PAYLOAD, f"e:{PAYLOAD}", f"tiền-tố.1:{PAYLOAD}", f"{PAYLOAD}s", f"X{PAYLOAD}", f"e:X{PAYLOAD}", "a", "e:b")
NAMESPACES = ' xmlns:e="urn:e" xmlns:tiền-tố.1="urn:v"'
SPACE = st.text(" \t\r\n", min_size=1, max_size=4)
REFERENCES = st.sampled_from(["&#13;", "&#xD;", "&#xd;", "&#10;", "&#x0a;", "&#9;", "&#32;", "&#0013;"])
LOOKALIKES = f"<{PAYLOAD}> </{PAYLOAD}> <e:{PAYLOAD} <![CDATA[ <!-- <? ?> <a x='"
TAG_SPACE = st.sampled_from([" ", "\n", "\t ", "\r\n"])


@st.composite
def base64_text(draw: st.DrawFn) -> str:
    """A file as text: white space wherever, references to it, and CDATA sections, as senders differ."""
    text = base64.b64encode(draw(st.binary(max_size=40))).decode()
    parts, at = [], 0
    while at < len(text):
        step = draw(st.integers(1, 12))
        part, at = text[at : at + step], at + step
        form = draw(st.integers(0, 5))
        parts.append(f"<![CDATA[{part}]]>" if form == 0 else part)
        if form in (1, 2):
            parts.append(draw(SPACE if form == 1 else REFERENCES))
    return "".join(parts)


any_text = st.one_of(
    base64_text(),
    st.sampled_from(["", "&lt;", "x &gt; y", ">", "]] ", "&#65;", "Kính gửi", "&#x26;#13;", "]]&gt;", "&amp;#13;"]),
)
any_section = st.one_of(
    st.sampled_from(["", "x", "&#13;", "QUJD", "]]", "]", ">", LOOKALIKES]).map(lambda text: f"<![CDATA[{text}]]>"),
    st.sampled_from(["", "QUJD", LOOKALIKES.replace("--", "-"), "-", ">"]).map(lambda text: f"<!--{text} -->"),
    st.sampled_from(["?", LOOKALIKES.replace("?>", "?"), ">", "xml"]).map(lambda text: f"<?p {text}?>"),
)
payload_text = st.one_of(
    base64_text(), base64_text(), any_text, st.lists(any_text | any_section, max_size=3).map("".join)
)


@st.composite
def attributes(draw: st.DrawFn) -> str:
    written = []
    for name in draw(st.lists(st.sampled_from(["x", "y", "e:x", "Id"]), unique=True, max_size=3)):
        quote = draw(st.sampled_from("\"'"))
        other = "'" if quote == '"' else '"'
        value = draw(
            st.sampled_from(["", "/", ">", "/>", "&lt;ContentTransferEncoded>", f"a{other}>{other}", "-->", "]]>"])
        )
        written.append(f"{draw(TAG_SPACE)}{name}{draw(st.sampled_from(['=', ' = ']))}{quote}{value}{quote}")
    return "".join(written)


@st.composite
def element(draw: st.DrawFn, depth: int = 0) -> str:
    name = draw(st.sampled_from(NAMES))
    end = draw(st.sampled_from(["", "", " ", "\r\n"]))
    opening = f"<{name}{NAMESPACES if depth == 0 else ''}{draw(attributes())}{end}"
    if draw(st.integers(0, 4)) == 0:
        return f"{opening}/>"
    if name.rpartition(":")[2] == PAYLOAD and draw(st.integers(0, 9)):
        inside = draw(payload_text)
    else:
        more = any_text | any_section if depth > 2 else any_text | any_section | element(depth + 1)
        inside = "".join(draw(st.lists(more, max_size=5)))
    return f"{opening}>{inside}</{name}{end}>"


documents = st.tuples(
    st.sampled_from(["", '<?xml version="1.0" encoding="UTF-8"?>', "\ufeff", "<?xml version='1.0'?>\r\n"]), element()
).map("".join)
sizes = st.lists(st.integers(1, 30) | st.just(100_000), min_size=1, max_size=4)
SNIPPETS = (
    *(
        "<",
        ">",
        "/>",
        '"',
        "'",
        "&",
        ";",
        "&#13;",
        "&#",
        "\0",
        "\x0b",
        "\ufffe",
        "=",
        "]]>",
        "<![CDATA[",
        "<!--",
        "-->",
    ),
    *(
        "<?",
        "?>",
        "<?xml ",
        "<!DOCTYPE a>",
        f"<{PAYLOAD}>",
        f"<{PAYLOAD}/>",
        f"</{PAYLOAD}>",
        f"<:{PAYLOAD}>",
        f"<a:b:{PAYLOAD}>",
    ),
    *(f'x="<{PAYLOAD}>"', "&x;", "&#X0D;", "&#0;", " ", "QUJD", f"<e:{PAYLOAD} a='>'>", f"<{'p' * 65}:{PAYLOAD}>"),
)
BYTES = (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\0", b"\xef\xbb\xbf", b"\xfe\xff")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A document with a few things put in, taken out or doubled, wherever."""
    data = draw(documents).encode()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 6)))
        new = draw(
            st.sampled_from(
                [*(snippet.encode("utf-8", "replace") for snippet in SNIPPETS), *BYTES, b"", data[at:end] * 2]
            )
        )
        data = data[:at] + new + data[end:]
    return data


# --- the two of them -----------------------------------------------------------------------------------------------------


def agree(data: bytes, sizes: list[int], *, tolerant: bool) -> None:
    """What the cut takes, the plain parser takes, and they see the same; a file that is unsound is nothing seen."""
    try:
        skeleton = (read_foreign if tolerant else read_skeleton)(pieces(data, sizes))
    except SenderError:
        return
    if tolerant and skeleton.repairs and set(skeleton.repairs) & {"junk", "prefix"}:
        return  # repaired on its bytes: by definition not what a plain parser takes
    if not all(payload.sound for payload in skeleton.payloads):
        return
    try:
        other = plain(data, tolerant=tolerant)
    except RefusedError:
        pytest.fail("the cut took what no parser takes")
    assert seen(skeleton) == other


@given(documents, sizes)
def test_of_a_well_formed_file_both_see_the_same(text: str, sizes: list[int]) -> None:
    """And the cut refuses none of it, but files that hold elements."""
    data = text.encode()
    tree, payloads = plain(data, tolerant=True)
    if holds_more_than_text(data):
        with pytest.raises(SenderError, match="payload"):
            read_foreign(pieces(data, sizes))
        return
    skeleton = read_foreign(pieces(data, sizes))
    cut_tree, cut_payloads = seen(skeleton)
    assert cut_tree == tree
    assert len(cut_payloads) == len(payloads)
    for ours, theirs in zip(cut_payloads, payloads, strict=True):
        assert ours in (theirs, None)


@given(base64_text(), sizes)
def test_base64_however_it_is_written_is_the_same_file(text: str, sizes: list[int]) -> None:
    data = f"<a><{PAYLOAD}>{text}</{PAYLOAD}></a>".encode()
    assert seen(read_skeleton(pieces(data, sizes))) == plain(data)
    assert read_skeleton(pieces(data, sizes)).payloads[0].sound


@given(damaged(), sizes, st.booleans())
@example(f"<{PAYLOAD}><![CDATA[QUJ&#13;D]]></{PAYLOAD}>".encode(), [1000], False)
@example(f"<{PAYLOAD}>QUJ&#13<![CDATA[;]]>D</{PAYLOAD}>".encode(), [1000], False)
@example(f"<{PAYLOAD}>QUJ<![CDATA[&#1]]>3;D</{PAYLOAD}>".encode(), [1000], False)
@example(f"<{PAYLOAD}>QUJ&#X0D;D</{PAYLOAD}>".encode(), [1000], False)
@example(f"<{PAYLOAD}>QUJD&{' ' * 20}#13;QUJD</{PAYLOAD}>".encode(), [len(PAYLOAD) + 27, 1000], False)
@example(f"<{PAYLOAD}>QUJ&#1&#13;3;D</{PAYLOAD}>".encode(), [34, 1000], False)
@example(f"<{PAYLOAD}>QUJ& #13;D</{PAYLOAD}>".encode(), [3], False)
def test_what_the_cut_takes_every_parser_takes_and_sees_the_same(data: bytes, sizes: list[int], tolerant: bool) -> None:
    agree(data, sizes, tolerant=tolerant)
