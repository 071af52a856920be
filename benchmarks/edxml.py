"""edXML by itself: files read and written, beside what lxml and base64 alone take for the same bytes, in turn and in one run.

*Ours* does the whole job. Reading: from a file on disk in pieces, every check of the XML, the attachment decoded, hashed and
written to a file of its own, the header read into the model. Writing: the regulation's checks, the header, the attachment from
a file on disk, hashed once more and compared with the digest that the manifest names, into a file on disk.

*Plain* does nothing but lxml and base64, in memory. Reading: the bytes of the file, `etree.fromstring`, the text of the
element, `b64decode`. Writing: `etree.fromstring` of the header that we wrote, the attachment's bytes, `b64encode`, the
element's text, `tostring`. Nothing is hashed and nothing is written anywhere.

*Whole* is plain and, after it, SHA-256 of the attachment and the result written to a file: the same outcome as ours.

All files lie in the page cache; nothing waits for the disk (`fsync`) on any side.
"""

import base64
import hashlib
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pybase64
from lxml import etree

from benchmarks.meter import high_water
from benchmarks.results import Figure
from gateway.core.ids import Digest, OrganId
from gateway.core.limits import CHUNK_BYTES, DOCUMENT_BYTES_MAX, ENVELOPE_PIECE_BYTES
from gateway.core.message import Code, DocumentMessage, Organ, Priority, SignerInfo
from gateway.core.model import Attachment, BlobRef
from gateway.edxml import assemble, read_message, write_skeleton
from gateway.safe_xml import AT_HAND, QCVN, read_skeleton

MB: Final = 1_000_000
SIZES: Final = {"10kb": MB // 100, "1mb": MB, "100mb": 100 * MB}
"""Of the attachment, decoded; speed is counted in these bytes."""
ROUNDS: Final = {"10kb": (30, 40), "1mb": (30, 8), "100mb": (5, 1)}
"""How often every way has its turn, and how often it runs in a turn."""
WEIGHTS: Final = {"1mb": MB, "100mb": 100 * MB, "500mb": 500 * MB}
"""Sizes at which memory is measured."""
RATIO_MIN: Final = 1.0
GROWTH_MB_MAX: Final = 2.0
"""Peak memory at 500 MB above that at 1 MB: flat, but for what the allocator keeps."""
DIRECTIONS: Final = ("read", "write")

MESSAGE: Final = DocumentMessage(
    sender=Organ(organ_id=OrganId("Z79.VPTU"), name="Văn phòng Thành ủy", address="127 Trương Định"),
    recipients=tuple(
        Organ(organ_id=OrganId(f"Z79.DU.{number}"), name="Đảng ủy Phường") for number in range(26734, 26738)
    ),
    document_id="Z79.VPTU,2026/11/20,12/CV/VPTU",
    code=Code(number="12", notation="CV/VPTU"),
    promulgation_place="Thành phố Hồ Chí Minh",
    promulgation_date=date(2026, 11, 20),
    document_type=2,
    type_detail=18,
    type_name="Công văn",
    subject="Về việc trao đổi văn bản điện tử và ký số",
    content="",
    priority=Priority.NORMAL,
    page_amount=3,
    response_for=(),
    signer=SignerInfo(competence="T/L", position="Chánh Văn phòng", full_name="Nguyễn Văn A"),
    created_at=datetime(2026, 11, 20, 17, 30, 5, tzinfo=UTC),
)

_LIST: Final = f"{{{QCVN}}}AttachmentEncoded"
_ONE: Final = f"{{{QCVN}}}Attachment"
_TEXT: Final = f"{{{QCVN}}}ContentTransferEncoded"
_HUGE: Final = etree.XMLParser(huge_tree=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One attachment and its envelope, both on disk."""

    attachment: Attachment
    file: Path
    envelope: Path
    header: bytes
    """The envelope without its attachment."""

    @property
    def size(self) -> int:
        """Bytes of the attachment."""
        return self.attachment.blob.size


def make_sample(folder: Path, size: int) -> Sample:
    """An attachment of that many random bytes, and the envelope that we write around it."""
    file, digest, left = folder / f"{size}.bin", hashlib.sha256(), size
    with file.open("wb") as out:
        while left:
            piece = os.urandom(min(MB, left))
            digest.update(piece)
            left -= out.write(piece)
    blob = BlobRef(digest=Digest(digest.hexdigest()), size=size)
    attachment = Attachment(position=1, name="van-ban.bin", content_type="application/octet-stream", blob=blob)
    sample = Sample(
        attachment=attachment,
        file=file,
        envelope=folder / f"{size}.edxml",
        header=write_skeleton(MESSAGE, [attachment]),
    )
    write_ours(sample, sample.envelope)
    return sample


# --- the ways ---------------------------------------------------------------------------------------------------------


def pieces(path: Path, size: int) -> Iterator[bytes]:
    """A file in pieces."""
    with path.open("rb", buffering=0) as file:
        while piece := file.read(size):
            yield piece


def read_ours(sample: Sample, target: Path) -> None:
    """The envelope into its model, the attachment into the target."""
    with target.open("xb+") as file:
        skeleton = read_skeleton(pieces(sample.envelope, ENVELOPE_PIECE_BYTES), store=lambda _: file, caps=AT_HAND)
        if sample.size <= DOCUMENT_BYTES_MAX:  # more than that, the strict reader refuses
            read_message(skeleton)
    assert skeleton.payloads[0].digest == sample.attachment.blob.digest


def write_ours(sample: Sample, target: Path) -> None:
    """The model and the attachment into the target."""
    header = write_skeleton(MESSAGE, [sample.attachment])
    with target.open("xb") as file:
        file.writelines(assemble(header, [(sample.attachment, pieces(sample.file, CHUNK_BYTES))]))


def read_plain(sample: Sample, _: Path) -> bytes:
    """Nothing but lxml and base64."""
    root = etree.fromstring(sample.envelope.read_bytes(), _HUGE)
    return base64.b64decode(root.findtext(f"{_LIST}/{_ONE}/{_TEXT}", ""))


def write_plain(sample: Sample, _: Path) -> bytes:
    """Nothing but lxml and base64."""
    root = etree.fromstring(sample.header, _HUGE)
    attachment = etree.SubElement(etree.SubElement(root, _LIST), _ONE)
    etree.SubElement(attachment, _TEXT).text = base64.b64encode(sample.file.read_bytes())
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def read_whole(sample: Sample, target: Path) -> None:
    """The same, and SHA-256 and a file."""
    data = read_plain(sample, target)
    assert hashlib.sha256(data).hexdigest() == sample.attachment.blob.digest
    target.write_bytes(data)


def write_whole(sample: Sample, target: Path) -> None:
    """The same, and SHA-256 and a file."""
    assert hashlib.sha256(sample.file.read_bytes()).hexdigest() == sample.attachment.blob.digest
    target.write_bytes(write_plain(sample, target))


Way = Callable[[Sample, Path], object]
WAYS: Final[Mapping[str, Way]] = {
    "read.ours": read_ours,
    "read.plain": read_plain,
    "read.whole": read_whole,
    "write.ours": write_ours,
    "write.plain": write_plain,
    "write.whole": write_whole,
}


# --- where the time of one MB goes -------------------------------------------------------------------------------------


def stages(sample: Sample) -> Mapping[str, Way]:
    """What reading and writing cannot do without, each by itself on pieces of the same size."""
    text = list(pieces(sample.envelope, ENVELOPE_PIECE_BYTES))
    data = list(pieces(sample.file, ENVELOPE_PIECE_BYTES * 3 // 4))
    chunks = list(pieces(sample.file, CHUNK_BYTES))
    base64_text = [base64.b64encode(piece) for piece in data]

    def digest(parts: Sequence[bytes]) -> None:
        running = hashlib.sha256()
        for part in parts:
            running.update(part)

    def keep(parts: Sequence[bytes], target: Path) -> None:
        with target.open("xb") as file:
            file.writelines(parts)

    return {
        "read.file": lambda sample, _: [len(piece) for piece in pieces(sample.envelope, ENVELOPE_PIECE_BYTES)],
        "read.search": lambda *_: [piece.find(b"<") for piece in base64_text],
        "read.base64": lambda *_: [pybase64.b64decode(piece, validate=True) for piece in base64_text],
        "read.sha256": lambda *_: digest(data),
        "read.output": lambda _, target: keep(data, target),
        "write.file": lambda sample, _: [len(piece) for piece in pieces(sample.file, CHUNK_BYTES)],
        "write.base64": lambda *_: [pybase64.b64encode(piece) for piece in chunks],
        "write.sha256": lambda *_: digest(chunks),
        "write.output": lambda _, target: keep(text, target),
    }


# --- measuring --------------------------------------------------------------------------------------------------------


def in_turn(sample: Sample, ways: Mapping[str, Way], *, rounds: int, calls: int) -> dict[str, list[float]]:
    """Seconds of a call, by way and round; every round begins with another way."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways)
    with tempfile.TemporaryDirectory(dir=sample.file.parent) as folder:
        targets = [Path(folder) / f"{number}" for number in range(calls)]
        for number in range(rounds):
            turn = number % len(order)
            for name in order[turn:] + order[:turn]:
                way, started = ways[name], time.perf_counter()
                for target in targets:
                    way(sample, target)
                taken[name].append((time.perf_counter() - started) / calls)
                for target in targets:
                    target.unlink(missing_ok=True)
    return taken


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How many times as fast ours is: the median over the rounds, so that a slow moment counts on both sides or on none."""
    return statistics.median(their / our for our, their in zip(ours, theirs, strict=True))


def speed_figures(size: str, taken: Mapping[str, Sequence[float]]) -> Iterator[Figure]:
    """MB/s of each way, and the ratios."""
    target = RATIO_MIN if SIZES[size] >= MB else None
    for direction in DIRECTIONS:
        seconds = {way: taken[f"{direction}.{way}"] for way in ("ours", "plain", "whole")}
        for way, values in seconds.items():
            value = _short(SIZES[size] / MB / statistics.median(values))
            yield Figure(id=f"edxml.{direction}.{size}.{way}", value=value, unit="MB/s")
        value = _short(ratio(seconds["ours"], seconds["plain"]))
        yield Figure(id=f"edxml.{direction}.{size}.ratio", value=value, unit="ratio", target=target)
        value = _short(ratio(seconds["ours"], seconds["whole"]))
        yield Figure(id=f"edxml.{direction}.{size}.ratio_whole", value=value, unit="ratio")


def stage_figures(taken: Mapping[str, Sequence[float]]) -> Iterator[Figure]:
    """Microseconds of one MB by what they are spent on; `rest` is what no stage explains."""
    for direction in DIRECTIONS:
        total = statistics.median(taken[f"{direction}.ours"]) * 1e6
        rest = total
        for name, values in taken.items():
            way, _, stage = name.partition(".")
            if way == direction and stage not in {"ours", "plain", "whole"}:
                value = statistics.median(values) * 1e6
                rest -= value
                yield Figure(id=f"edxml.stage.{direction}.{stage}", value=_short(value), unit="µs")
        yield Figure(id=f"edxml.stage.{direction}.rest", value=_short(rest), unit="µs")
        yield Figure(id=f"edxml.stage.{direction}.total", value=_short(total), unit="µs")


def peak_above_idle(way: str, sample: Sample) -> float:
    """MB that a process has at most resident when it goes that way once, above one that has only imported the same."""
    return (_peak_in_child(way, sample) - _peak_in_child("", sample)) / MB


def _peak_in_child(way: str, sample: Sample) -> int:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (way, sample))


def _peak(way: str, sample: Sample) -> int:
    if way:
        with tempfile.TemporaryDirectory(dir=sample.file.parent) as folder:
            WAYS[way](sample, Path(folder) / "target")
    return high_water(os.getpid())


def memory_figures(folder: Path) -> Iterator[Figure]:
    """Peaks at each size, and how much they grow from the smallest to the largest; what plain needs, where that is bearable."""
    peaks: dict[tuple[str, str], float] = {}
    for name, size in WEIGHTS.items():
        sample = make_sample(folder, size)
        for direction in DIRECTIONS:
            peaks[direction, name] = peak_above_idle(f"{direction}.ours", sample)
            yield Figure(id=f"edxml.memory.{direction}.{name}", value=_tenths(peaks[direction, name]), unit="MB")
            if name in SIZES:
                value = _tenths(peak_above_idle(f"{direction}.plain", sample))
                yield Figure(id=f"edxml.memory.{direction}.{name}.plain", value=value, unit="MB")
        sample.file.unlink()
        sample.envelope.unlink()
    smallest, *_, largest = WEIGHTS
    for direction in DIRECTIONS:
        value = _tenths(peaks[direction, largest] - peaks[direction, smallest])
        yield Figure(id=f"edxml.memory.{direction}.growth", value=value, unit="MB", target=GROWTH_MB_MAX, at_most=True)


def edxml_figures() -> Iterator[Figure]:
    """Everything, in the order of the tables."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-edxml-") as name:
        folder = Path(name)
        for size, count in SIZES.items():
            sample = make_sample(folder, count)
            rounds, calls = ROUNDS[size]
            ways = {**WAYS, **stages(sample)} if count == MB else WAYS
            taken = in_turn(sample, ways, rounds=rounds, calls=calls)
            yield from speed_figures(size, taken)
            if count == MB:
                yield from stage_figures(taken)
            sample.file.unlink()
            sample.envelope.unlink()
        yield from memory_figures(folder)


def _tenths(value: float) -> float:
    return round(value, 1) + 0.0  # never a negative zero


def _short(value: float) -> float:
    return float(f"{value:.3g}")
