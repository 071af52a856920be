"""edXML is read, written and taken apart by `edxml` and `safe_xml` and by nobody else: every other room asks at their doors.

Whoever looked for an element or cut a file out of an envelope by himself would see another document than the one that was
verified. `crypto` knows the frame of an envelope, for it signs by it; it too is handed the tree and parses nothing.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.test_house import trees

ROOMS_OF_XML = ("edxml/", "safe_xml/")
SIGNATURE = frozenset(
    f"crypto/xades/{name}.py" for name in ("parts", "form", "frame", "prepare", "verify", "signature_timestamp", "slip")
)
"""Canonicalisation and the profile of the signature."""
LIBRARIES = frozenset({"lxml", "xml", "xmlsec", "defusedxml", "signxml", "bs4", "html.parser"})
WIRE = re.compile(
    rb"\b(edXML(Envelope|Header|Body|Manifest)|MessageHeader|TraceHeader(List)?|Bussiness\w*|AttachmentEncoded"
    rb"|ContentTransferEncoded|QCVN_102_2016)\b"
)
"""Names that nobody needs who does not handle elements."""
READERS = frozenset({"read_message", "read_tolerantly", "read_skeleton", "read_foreign", "parse_foreign", "texts_in"})
WRITERS = frozenset({"write_skeleton", "assemble"})
VERBS = {
    **dict.fromkeys(READERS, frozenset({"exchange/judging.py"})),
    **dict.fromkeys(WRITERS, frozenset({"exchange/steps.py"})),
    "read_skeleton": frozenset({"exchange/judging.py", "crypto/xades/signature_timestamp.py"}),
    "parse_signed": frozenset({"crypto/xades/prepare.py"}),
    **dict.fromkeys(("Element", "Skeleton"), SIGNATURE),
}
"""Who reads, in a judge, and who writes, of the whole service; a command may do both with the files that its user chose."""


def is_command(name: str) -> bool:
    return name.startswith("cli/")


def docstrings(tree: ast.Module) -> set[int]:
    """Literals that are no more than words about the code."""
    return {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def libraries(name: str, tree: ast.Module) -> Iterator[str]:
    """Imports of anything that can parse or write XML."""
    for node in ast.walk(tree):
        named = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            named = [node.module]
        for module in named:
            if module.split(".")[0] in LIBRARIES or module in LIBRARIES:
                yield f"{name}:{node.lineno} imports {module}"  # type: ignore[attr-defined]  # an import has its line


def literals(name: str, tree: ast.Module) -> Iterator[str]:
    """Names of the wire in texts and byte strings."""
    words = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in words:
            text = node.value.encode() if isinstance(node.value, str) else node.value
            if found := WIRE.search(text):
                yield f"{name}:{node.lineno} names {found[0].decode()}"


def verbs(name: str, tree: ast.Module) -> Iterator[str]:
    """Reading and writing at the front doors, outside the places that do it for all."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node.module not in ("gateway.edxml", "gateway.safe_xml"):
            continue
        for one in node.names:
            if name not in VERBS.get(one.name, frozenset({name})) and not is_command(name):
                yield f"{name}:{node.lineno} uses {one.name}"


def faults(name: str, tree: ast.Module) -> list[str]:
    """What a module does with edXML that is not its business."""
    if name.startswith(ROOMS_OF_XML):
        return []
    own = [] if name in SIGNATURE else [*libraries(name, tree), *literals(name, tree)]
    return [*own, *verbs(name, tree)]


def test_nobody_else_takes_edxml_apart() -> None:
    assert [fault for name, _, tree in trees() for fault in faults(name, tree)] == []


def test_the_main_job_goes_through_the_front_doors() -> None:
    """The verbs are really used where the table says: a table of nothing would be kept by everybody."""
    used = {
        (one.name, name)
        for name, _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("gateway.edxml", "gateway.safe_xml")
        for one in node.names
    }
    needed = {"read_message", "read_skeleton", "texts_in", "write_skeleton", "assemble", "parse_signed"}
    assert {(verb, place) for verb in needed for place in VERBS[verb]} <= used


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("exchange/x.py", "from lxml import etree", "imports lxml"),
        ("evidence/x.py", "import xml.etree.ElementTree as tree", "imports xml.etree.ElementTree"),
        ("peer/x.py", "from xml.sax import saxutils", "imports xml.sax"),
        ("exchange/x.py", "def f():\n    import lxml.etree", "imports lxml.etree"),
        ("exchange/x.py", 'data.find(b"<edXML:MessageHeader")', "names MessageHeader"),
        ("api/x.py", 're.search("<Bussiness(DocType)?>", text)', "names Bussiness"),
        ("delivery/x.py", 'f"<x:ContentTransferEncoded>{data}"', "names ContentTransferEncoded"),
        ("app.py", 'NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"', "names QCVN_102_2016"),
        ("evidence/x.py", "from gateway.safe_xml import read_skeleton", "uses read_skeleton"),
        ("exchange/receive.py", "from gateway.edxml import Violation, read_message", "uses read_message"),
        ("exchange/submit.py", "from gateway.edxml import assemble", "uses assemble"),
        ("crypto/xades/verify.py", "from gateway.safe_xml import parse_signed", "uses parse_signed"),
        ("evidence/x.py", "from gateway.safe_xml import Element", "uses Element"),
        ("cli/x.py", "from lxml import etree", "imports lxml"),
    ],
)
def test_who_does_is_found(name: str, source: str, found: str) -> None:
    (fault,) = faults(name, ast.parse(source))
    assert fault.startswith(f"{name}:")
    assert fault.endswith(found)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("exchange/x.py", '"""A MessageHeader."""\nfrom gateway.edxml import Violation, validate'),
        ("edxml/x.py", 'from lxml import etree\nNAME = "MessageHeader"'),
        ("exchange/judging.py", "from gateway.edxml import read_message"),
        ("cli/x.py", "from gateway.edxml import read_tolerantly"),
        ("core/x.py", 'from gateway.xml import x\nKIND = "edXML"'),
    ],
)
def test_who_does_not_is_left_alone(name: str, source: str) -> None:
    assert faults(name, ast.parse(source)) == []
