"""Addresses in what strangers sent: nobody who judges ever asks there. Somebody on loopback listens and is not called.

Judges have no network (test_workers); this is about the code itself, in a process that could.
"""

import contextlib
import http.client
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from lxml import etree

from gateway.core.errors import SenderError
from gateway.core.validation import Indication, SubIndication
from gateway.crypto import Evidence, Trust, judge_certificate, judge_detached, judge_pdf, verify_envelope, verify_slip
from gateway.edxml import parse_slip
from gateway.safe_xml import parse_foreign, parse_signed, read_skeleton
from tests.kit import pdfs
from tests.kit.listener import Listener
from tests.kit.pki import MOMENT, Leaf, Pki
from tests.unit.crypto.detached import CONTENT, Recipe, digests_of
from tests.unit.crypto.envelopes import DS, document, signed
from tests.unit.crypto.sealing import sealed
from tests.unit.crypto.second_opinions import XADES
from tests.unit.crypto.test_paths import Extensions, Issued, authority, leaf, trusting

PKI = Pki()
LEAF = PKI.leaf("transport")
SIGNED = signed(document(), LEAF)
PASSED = Indication.TOTAL_PASSED


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as one:
        yield one


def test_whoever_calls_is_counted(listener: Listener) -> None:
    assert listener.calls() == 0
    for number in (1, 2):
        caller = http.client.HTTPConnection(listener.url.removeprefix("http://"), timeout=5)
        caller.request("GET", "/x")
        with pytest.raises(OSError):
            caller.getresponse()
        caller.close()
        assert listener.calls() == number


# --- XML --------------------------------------------------------------------------------------------------------------


def one(tree: etree._Element, name: str, namespace: str = DS) -> etree._Element:
    return next(tree.iter(f"{{{namespace}}}{name}"))


def in_signature(name: str, url: str) -> bytes:
    tree = etree.fromstring(SIGNED)
    if name == "reference":
        one(tree, "Reference").set("URI", f"{url}/x")
    elif name == "xpointer":
        one(tree, "Reference").set("URI", f"{url}/x#xpointer(/)")
    elif name == "relative to a base":
        tree.set("{http://www.w3.org/XML/1998/namespace}base", f"{url}/")
        one(tree, "Reference").set("URI", "x")
    elif name == "retrieval method":
        etree.SubElement(
            one(tree, "KeyInfo"), f"{{{DS}}}RetrievalMethod", URI=f"{url}/x", Type=f"{DS}rawX509Certificate"
        )
    elif name == "stylesheet as a transform":
        sheet = "http://www.w3.org/1999/XSL/Transform"
        step = one(tree, "Transform")
        step.set("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
        made = etree.SubElement(step, f"{{{sheet}}}stylesheet", version="1.0")
        etree.SubElement(made, f"{{{sheet}}}import", href=f"{url}/x")
        template = etree.SubElement(made, f"{{{sheet}}}template", match="/")
        etree.SubElement(template, f"{{{sheet}}}copy-of", select=f"document('{url}/x')")
    elif name == "policy of the signature":
        properties = one(tree, "SignedSignatureProperties", XADES)
        policy = etree.SubElement(properties, f"{{{XADES}}}SignaturePolicyIdentifier")
        etree.SubElement(policy, f"{{{XADES}}}SPURI").text = f"{url}/x"
    elif name == "manifest":
        manifest = etree.SubElement(one(tree, "Object"), f"{{{DS}}}Manifest")
        etree.SubElement(manifest, f"{{{DS}}}Reference", URI=f"{url}/x")
    return etree.tostring(tree)


IN_SIGNATURE = (
    *("reference", "xpointer", "relative to a base", "retrieval method", "stylesheet as a transform"),
    *("policy of the signature", "manifest"),
)
AROUND = {
    "DTD": (b"<edXML ", '<!DOCTYPE edXML SYSTEM "{}/x"><edXML '),
    "public DTD": (b"<edXML ", '<!DOCTYPE edXML PUBLIC "-//x" "{}/x"><edXML '),
    "entity": (b"<edXML ", '<!DOCTYPE edXML [<!ENTITY x SYSTEM "{}/x">]><edXML x="&x;" '),
    "parameter entity": (b"<edXML ", '<!DOCTYPE edXML [<!ENTITY % x SYSTEM "{}/x"> %x;]><edXML '),
    "stylesheet": (b"<edXML ", '<?xml-stylesheet href="{}/x"?><edXML '),
    "schema": (
        b"<edXML ",
        '<edXML xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="urn:x {}/x" ',
    ),
    "schema of no namespace": (
        b"<edXML ",
        '<edXML xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:noNamespaceSchemaLocation="{}/x" ',
    ),
    "inclusion": (
        b"<edXML:TraceHeader>",
        '<edXML:TraceHeader><i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{}/x" parse="text"/>',
    ),
    "namespace": (b"<edXML ", '<edXML xmlns:x="{}/x" x:y="1" '),
}


def changed(name: str, url: str) -> bytes:
    if name in IN_SIGNATURE:
        return in_signature(name, url)
    before, after = AROUND[name]
    assert SIGNED.count(before) == 1
    return SIGNED.replace(before, after.format(url).encode())


@pytest.mark.parametrize("name", [*IN_SIGNATURE, *AROUND])
def test_an_envelope_s_addresses_are_not_asked(name: str, listener: Listener) -> None:
    data = changed(name, listener.url)
    assert listener.url.encode() in data
    for parse in (lambda: read_skeleton([data]).root, lambda: parse_signed(data), lambda: parse_slip(data)):
        try:
            tree = parse()
        except SenderError:
            continue
        for verify in (verify_envelope, verify_slip):
            signature = verify(tree, trust=PKI.trust, moment=MOMENT).signature
            assert signature is not None
            assert signature.indication is not PASSED
    with contextlib.suppress(SenderError):
        parse_foreign(data)
    assert listener.calls() == 0


# --- certificates -------------------------------------------------------------------------------------------------------


def places(url: str) -> Extensions:
    """Where this certificate says that its issuer, its status and its lists are."""
    where = x509.UniformResourceIdentifier(f"{url}/x")
    point = x509.DistributionPoint(full_name=[where], relative_name=None, reasons=None, crl_issuer=None)
    access = [x509.AccessDescription(kind, where) for kind in (Access.CA_ISSUERS, Access.OCSP)]
    policy = x509.PolicyInformation(x509.ObjectIdentifier("2.16.704.1.1"), [f"{url}/x"])
    return (
        (x509.AuthorityInformationAccess(access), False),
        (x509.CRLDistributionPoints([point]), False),
        (x509.FreshestCRL([point]), False),
        (x509.CertificatePolicies([policy]), False),
    )


def signer(url: str) -> tuple[Issued, Leaf]:
    sub = authority("Asked CA", extensions=places(url))
    issued = leaf(sub, *places(url))
    return sub, Leaf(key=issued.key, certificate=issued.certificate, issuing=sub.certificate)


WANTED = {
    "the list": SubIndication.TRY_LATER,
    "the issuer": SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
}


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("kind", ["certificate", "envelope", "PDF", "detached"])
def test_a_certificate_s_addresses_are_not_asked(kind: str, wanted: str, listener: Listener) -> None:
    """Not even where what they would give is all that is missing; where it is here, the same signature passes."""
    sub, who = signer(listener.url)
    whole = trusting(sub)
    assert judged(kind, who, who.chain, whole) == (PASSED, None)
    poor = replace(whole, crls=()) if wanted == "the list" else replace(whole, intermediates=())
    chain = who.chain if wanted == "the list" else (who.der,)
    indication, reason = judged(kind, who, chain, poor)
    assert (indication, reason) == (Indication.INDETERMINATE, WANTED[wanted])
    assert listener.calls() == 0


def judged(kind: str, who: Leaf, chain: tuple[bytes, ...], trust: Trust) -> tuple[Indication | None, object]:
    if kind == "certificate":
        verdict = judge_certificate(who.der, trust=trust, moment=MOMENT, evidence=Evidence(certificates=chain[1:]))
        return verdict.indication, verdict.sub_indication
    if kind == "envelope":
        alone = len(chain) == 1
        shown = signed(document(), replace(who, issuing=who.certificate) if alone else who)
        signature = verify_envelope(read_skeleton([shown]).root, trust=trust, moment=MOMENT).signature
        assert signature is not None
        return signature.indication, signature.sub_indication
    if kind == "PDF":
        file = judge_pdf(sealed(pdfs.tiny_pdf(), who, chain=chain), trust=trust, moment=MOMENT)
    else:
        cms = Recipe(leaf=who).cms(chain=chain)
        file = judge_detached(cms, digests=digests_of(CONTENT), trust=trust, moment=MOMENT)
    return file.indication, file.sub_indication


# --- PDFs -----------------------------------------------------------------------------------------------------------------

CATALOG = b"/Type /Catalog"
PAGE = b"/Type /Page "
ADDRESSES = {
    "page opened": (PAGE, b"/AA << /O << /S /URI /URI (%b/x) >> >> "),
    "file opened": (CATALOG, b" /OpenAction << /S /GoToR /F << /FS /URL /F (%b/x) >> /D [0 /Fit] >>"),
    "form sent": (CATALOG, b" /OpenAction << /S /SubmitForm /F << /FS /URL /F (%b/x) >> >>"),
    "base address": (CATALOG, b" /URI << /Base (%b/) >>"),
    "metadata elsewhere": (CATALOG, b" /AF [<< /Type /Filespec /FS /URL /F (%b/x) >>]"),
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_pdf_s_addresses_are_not_asked(name: str, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are part of what was signed, so the seal is good; judging opens none of them."""
    before, after = ADDRESSES[name]
    made = pdfs._file

    def with_address(objects: list[bytes], trailer: bytes = b"") -> bytes:
        return made([one.replace(before, before + after % listener.url.encode(), 1) for one in objects], trailer)

    monkeypatch.setattr(pdfs, "_file", with_address)
    data = sealed(pdfs.tiny_pdf(), LEAF)
    assert listener.url.encode() in data
    assert judge_pdf(data, trust=PKI.trust, moment=MOMENT).indication is PASSED
    assert listener.calls() == 0


def test_a_pdf_whose_page_lies_elsewhere_is_not_completed(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream may lie in another file, at an address too (ISO 32000-2 clause 7.3.8.2)."""
    made = pdfs._file
    elsewhere = b"<< /F << /FS /URL /F (%b/x) >> /Length" % listener.url.encode()
    monkeypatch.setattr(
        pdfs, "_file", lambda objects: made([one.replace(b"<< /Length", elsewhere, 1) for one in objects])
    )
    data = sealed(pdfs.tiny_pdf(), LEAF)
    assert listener.url.encode() in data
    judge_pdf(data, trust=PKI.trust, moment=MOMENT)
    assert listener.calls() == 0
