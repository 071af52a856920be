"""Claims: what a file is said to be, by its declared type and by its name, and whether its bytes bear it out."""

from pathlib import PurePath
from typing import Final

from gateway.core.filename import plain_name
from gateway.core.magic import OLE, OTHER, TEXT, XML, ZIP
from gateway.core.model import PDF
from gateway.edxml.archive import DOCX, JAR, OPC, PPTX, XLSX

_OPEN_DOCUMENT: Final = "application/vnd.oasis.opendocument."
_EXTENSIONS: Final = {
    "pdf": PDF,
    "zip": ZIP,
    "jar": JAR,
    **dict.fromkeys(("doc", "dot", "xls", "ppt", "msg"), OLE),
    **dict.fromkeys(("docx", "docm", "dotx"), DOCX),
    **dict.fromkeys(("xlsx", "xlsm"), XLSX),
    **dict.fromkeys(("pptx", "ppsx"), PPTX),
    "odt": f"{_OPEN_DOCUMENT}text",
    "ods": f"{_OPEN_DOCUMENT}spreadsheet",
    "odp": f"{_OPEN_DOCUMENT}presentation",
    "xml": XML,
    **dict.fromkeys(("txt", "csv"), TEXT),
    "png": "image/png",
    **dict.fromkeys(("jpg", "jpeg"), "image/jpeg"),
    "gif": "image/gif",
    **dict.fromkeys(("tif", "tiff"), "image/tiff"),
    "rtf": "application/rtf",
    "rar": "application/vnd.rar",
    "7z": "application/x-7z-compressed",
    "gz": "application/gzip",
}
_TYPES: Final = {
    **{kind: kind for kind in _EXTENSIONS.values()},
    **dict.fromkeys(("application/x-pdf", "application/acrobat", "application/vnd.pdf", "text/pdf", "text/x-pdf"), PDF),
    **dict.fromkeys(("application/x-zip-compressed", "application/x-zip", "multipart/x-zip"), ZIP),
    **dict.fromkeys(
        (
            *("application/doc", "application/msword", "application/vnd.ms-word", "application/xls"),
            *("application/vnd.ms-excel", "application/excel", "application/vnd.ms-powerpoint"),
        ),
        OLE,
    ),
    "application/docx": DOCX,
    "application/xlsx": XLSX,
    "application/pptx": PPTX,
    "text/xml": XML,
    "text/csv": TEXT,
    "image/jpg": "image/jpeg",
    "text/rtf": "application/rtf",
    "application/x-rar-compressed": "application/vnd.rar",
}
"""What programs call the kinds of file (facts 1.9; the vendor's misspelt `application/xsl` claims nothing)."""
_ZIP_BASED: Final = frozenset({DOCX, XLSX, PPTX, JAR, OPC, "application/epub+zip"})
_NOT_TO_BE_SEEN: Final = frozenset({TEXT, XML})
"""No magic tells them in every encoding."""


def claim_of_type(content_type: str) -> str | None:
    """The media type that a declared type stands for; None when it claims nothing that could be checked."""
    return _TYPES.get(plain_name(content_type.partition(";")[0]))


def claim_of_name(name: str) -> str | None:
    """The media type that the extension of a name stands for; None when it claims nothing."""
    return _EXTENSIONS.get(PurePath(plain_name(name)).suffix.removeprefix("."))


def is_called_otherwise(name: str, media_type: str) -> bool:
    """Whether the name of a file says that it is of another kind than its bytes are."""
    claim = claim_of_name(name)
    return claim is not None and not agrees(claim, media_type)


def agrees(claim: str, media_type: str) -> bool:
    """Whether a file of that media type may be what was claimed."""
    if claim == ZIP:
        return is_zip_based(media_type)
    if claim in _NOT_TO_BE_SEEN:
        return media_type in {TEXT, XML, OTHER}
    return claim == media_type


def is_zip_based(media_type: str) -> bool:
    """Whether files of that media type are ZIP archives."""
    return media_type == ZIP or media_type in _ZIP_BASED or media_type.startswith(_OPEN_DOCUMENT)
