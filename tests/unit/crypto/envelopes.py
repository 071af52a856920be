"""Envelopes of the profile, signed by any leaf, without processes or ports."""

from datetime import datetime

from gateway.crypto import prepare_envelope
from tests.kit.pki import MOMENT, Leaf
from tests.unit.crypto.sealing import raw_signature

NS = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
DS = "http://www.w3.org/2000/09/xmldsig#"


def organ(tag: str, code: str) -> str:
    return f"<edXML:{tag}><edXML:OrganId>{code}</edXML:OrganId><edXML:OrganName>Đơn vị {code}</edXML:OrganName></edXML:{tag}>"


def document(recipients: int = 1, subject: str = "Về việc thử") -> bytes:
    """The skeleton of a document."""
    to = "".join(organ("To", f"Z79.{number}") for number in range(recipients))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<edXML xmlns="{NS}"><edXML:edXMLEnvelope xmlns:edXML="{NS}">'
        f'<edXML:edXMLHeader><edXML:MessageHeader Id="header">{organ("From", "Z79.1")}{to}'
        f"<edXML:DocumentId>Z79.1,2026/11/21,12/CV</edXML:DocumentId><edXML:Subject>{subject}</edXML:Subject>"
        '</edXML:MessageHeader><edXML:TraceHeaderList id="trace" version="1.0"><edXML:TraceHeader>'
        "<edXML:OrganId>Z79.1</edXML:OrganId></edXML:TraceHeader>"
        '<edXML:Bussiness Id="business"><edXML:BussinessDocType>0</edXML:BussinessDocType></edXML:Bussiness>'
        '</edXML:TraceHeaderList></edXML:edXMLHeader><edXML:edXMLBody Id="body"><edXML:edXMLManifest><edXML:Reference>'
        f'<edXML:ContentId>cid:1</edXML:ContentId><ds:DigestValue xmlns:ds="{DS}">AAAA</ds:DigestValue>'
        "</edXML:Reference></edXML:edXMLManifest></edXML:edXMLBody></edXML:edXMLEnvelope><AttachmentEncoded><Attachment>"
        "<ContentId>cid:1</ContentId><AttachmentName>a.pdf</AttachmentName><ContentType>application/pdf</ContentType>"
        f'<edXML:ContentTransferEncoded xmlns:edXML="{NS}"/></Attachment>'
        "</AttachmentEncoded></edXML>"
    ).encode()


def status() -> bytes:
    """The skeleton of a status message: a header and nothing else."""
    return (
        f'<edXML xmlns="{NS}"><edXML:edXMLEnvelope xmlns:edXML="{NS}"><edXML:edXMLHeader>'
        f'<edXML:MessageHeader Id="header">{organ("From", "Z79.1")}<edXML:StatusCode>03</edXML:StatusCode>'
        "</edXML:MessageHeader></edXML:edXMLHeader></edXML:edXMLEnvelope></edXML>"
    ).encode()


def signed(skeleton: bytes, leaf: Leaf, *, moment: datetime = MOMENT) -> bytes:
    """The skeleton with the leaf's signature; nothing about the leaf is checked."""
    prepared = prepare_envelope(skeleton, chain=leaf.chain, moment=moment)
    return prepared.filled(raw_signature(leaf, prepared.to_sign))
