"""XML signature verifiers that we did not write: Apache Santuario (Java), xml-security-c (C++), libxmlsec (C).

Each has its own parser and its own canonicaliser. Each answers one question only: does the first signature in the file fit
what its references name? None asks whether that is what a reader reads (docs/VERIFY.md, "Where sound verifiers disagree").
"""

import base64
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest
import xmlsec
from lxml import etree

from tests.interop.programs import Answer, pem, run, run_lines

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
JARS: Final = tuple(
    Path("/usr/share/java") / f"{name}.jar"
    for name in ("xmlsec", "slf4j-api", "slf4j-nop", "commons-codec", "woodstox-core", "stax2-api")
)
"""As Debian's libxml-security-java and what it depends on put them there."""
BOUNDS: Final = ("prlimit", "--as=100000000", "--cpu=10")
"""Around a program that sets itself no bounds on entities: bytes of memory, seconds of its own."""
PROGRAMS: Final = {"S": "Apache Santuario", "C": "xml-security-c", "L": "libxmlsec"}


def needs_xml_programs() -> pytest.MarkDecorator:
    """Skip where one of them is not installed; libxmlsec comes with Python's packages."""
    absent = [program for program in ("java", "xsec-checksig", "prlimit") if shutil.which(program) is None]
    absent += [jar.name for jar in JARS if not jar.exists()]
    return pytest.mark.skipif(bool(absent), reason=f"{', '.join(absent)} not installed")


def santuario(
    files: Sequence[Path], *, anchors: Sequence[bytes], others: Sequence[bytes] = (), at: datetime
) -> list[Answer]:
    """Of each file, by a certificate that leads to an anchor at that moment; one process for all, since Java starts slowly.

    A runtime is enough: Debian's holds the compiler that `java File.java` needs (module jdk.compiler) though it has no javac.
    """
    folder = files[0].parent
    for name, ders in (("anchors.pem", anchors), ("others.pem", others)):
        (folder / name).write_bytes(pem(ders))
    code, out, errors = run_lines(
        *(
            "java",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            ":".join(map(str, JARS)),
            Path(__file__).with_name("Santuario.java"),
        ),
        *(str(int(at.timestamp() * 1000)), folder / "anchors.pem", folder / "others.pem"),
        lines=[str(file) for file in files],
    )
    assert code == 0, errors
    assert len(out) == len(files), (out, errors)
    return [Answer(line == "good", line) for line in out]


def xsec_checksig(file: Path) -> Answer:
    """xml-security-c, by the certificate in the file, whoever issued it."""
    code, said = run(*BOUNDS, "xsec-checksig", "--id", "Id", file)
    return Answer(code == 0 and "Signature verified OK!" in said, said)


def libxmlsec(data: bytes, signers: Sequence[bytes]) -> Answer:
    """libxmlsec, where the first certificate in the file is one of these."""
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
        signature = xmlsec.tree.find_node(root, "Signature", xmlsec.constants.DSigNs)
        shown = base64.b64decode(signature.findtext(f".//{{{DS}}}X509Certificate") or "")
        if shown not in signers:
            return Answer(False, "another certificate")
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(shown, xmlsec.constants.KeyDataFormatCertDer, None)
        for element in root.iter():
            if isinstance(element.tag, str) and "Id" in element.attrib:
                context.register_id(element, "Id")
        context.verify(signature)
    except (xmlsec.Error, etree.XMLSyntaxError, TypeError, AttributeError) as error:
        return Answer(False, f"{type(error).__name__}: {error}")
    return Answer(True, "verified")


def who_accepts(
    files: Mapping[str, bytes],
    folder: Path,
    *,
    signers: Sequence[bytes],
    anchors: Sequence[bytes],
    at: datetime,
    others: Sequence[bytes] = (),
) -> dict[str, str]:
    """Of each file, the letters (`PROGRAMS`) of those that accept it."""
    paths = [folder / f"{number}.xml" for number in range(len(files))]
    for path, data in zip(paths, files.values(), strict=True):
        path.write_bytes(data)
    with ThreadPoolExecutor(2) as threads:
        by_santuario = threads.submit(santuario, paths, anchors=anchors, others=others, at=at)
        by_xsec = list(threads.map(xsec_checksig, paths))
    rows = zip(files, by_santuario.result(), by_xsec, files.values(), strict=True)
    return {
        name: "".join(letter for letter, answer in zip("SCL", (*answers, libxmlsec(data, signers)), strict=True) if answer)
        for name, *answers, data in rows
    }  # fmt: skip
