"""What may stand before the root of a file of others: what a parser would leave out, and never a DTD."""

import pytest

from gateway.core.errors import SenderError
from gateway.safe_xml import Repair, parse_foreign, parse_signed, read_foreign

DECLARED = b"<?xml version='1.0'?>"


@pytest.mark.parametrize(
    ("data", "repairs"),
    [
        (DECLARED + b"<!-- by hand --><a/>", (Repair.COMMENT,)),
        (DECLARED + b"\n<?xml-stylesheet href='x'?>\n<!-- x -->\n<a/>", (Repair.COMMENT, Repair.INSTRUCTION)),
        (b"<!-- <!DOCTYPE a> --><a/>", (Repair.COMMENT,)),
        (b"\n\n" + DECLARED + b"<a/>", (Repair.JUNK,)),
        (b"\xef\xbb\xbf\n" + DECLARED + b"<a/>", (Repair.JUNK,)),
        (b"\n\n<a/>", ()),
        (b"\xef\xbb\xbf" + DECLARED + b"<a/>", ()),
    ],
)
def test_what_stands_before_the_root_is_left_out_and_told(data: bytes, repairs: tuple[Repair, ...]) -> None:
    skeleton = read_foreign([data])
    assert (skeleton.root.tag, skeleton.repairs) == ("a", repairs)
    if repairs:
        with pytest.raises(SenderError):
            parse_signed(data)


@pytest.mark.parametrize(
    "data",
    [
        b"<!-- x --><!DOCTYPE a []><a/>",
        b"<?x y?><!DOCTYPE a><a/>",
        b"1212<!DOCTYPE a><a/>",
        b"<!DOCTYPE a><!-- x --><a/>",
        b"<!-- <!-- " * 500,
        b"<!-- x -->" + DECLARED + b"<a/>",
    ],
)
def test_a_dtd_is_refused_wherever_it_hides(data: bytes) -> None:
    for read in (parse_foreign, lambda one: read_foreign([one])):
        with pytest.raises(SenderError) as caught:
            read(data)
        assert caught.value.code == "envelope.malformed"


def test_no_attachment_comes_out_of_the_junk() -> None:
    """What was cut out of the junk would be read in an element whose prefix is too long for the cut."""
    prefix = b"p" * 100
    junk = b"12<1:ContentTransferEncoded>QUJD</"
    data = junk + b'<a xmlns:%b="u"><%b:ContentTransferEncoded/></a>' % (prefix, prefix)
    with pytest.raises(SenderError) as caught:
        read_foreign([data])
    assert caught.value.params["reason"] == "junk"
