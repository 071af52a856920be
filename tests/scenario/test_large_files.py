"""Files that do not fit into a judge's memory or answer: judged all the same, stored from their place in the envelope."""

import asyncio
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from gateway.core.errors import SenderError, SiteError
from gateway.core.large_limits import PDF_BYTES_MAX
from gateway.core.limits import FILE_BYTES_MAX
from gateway.core.model import Document
from gateway.core.sizes import USUAL, Sizes
from gateway.core.states import DeliveryState, DocumentState
from gateway.core.verdict import EnvelopeReading
from gateway.exchange import Submission
from gateway.exchange.files import keep_file
from gateway.exchange.judging import read_envelope_file
from tests.kit.exchange_world import MOMENT, World, letter
from tests.kit.finished import File, finished, order_of, sealed
from tests.kit.pdfs import tiny_pdf
from tests.scenario.test_main_job import check
from tests.scenario.test_ready_made import message_to, state_of, submitted
from tests.scenario.test_trouble import arrived, ub

MAP: File = ("ban-do.bin", "application/octet-stream", bytes(range(256)) * 64)
TEXT: File = ("phu-luc.txt", "text/plain", b"Kinh gui")


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.exchange.judging.KEPT_BYTES_MAX", 1_500)


async def reading_of(world: World, files: list[File], *, moment: datetime = MOMENT) -> tuple[Path, EnvelopeReading]:
    order = await order_of(world.party, await finished(world.party, message_to(world), files))
    path = world.party.blobs.path(order.envelope)
    trust = world.party.desk.trust.current()
    return path, await asyncio.to_thread(read_envelope_file, path, trust=trust, moment=moment)


async def test_what_arrives_is_what_was_handed_in(world: World, tmp_path: Path) -> None:
    pdf = await sealed(world.party, tiny_pdf(), world.sender, tmp_path)
    files = [("cong-van.pdf", "application/pdf", pdf), MAP, TEXT]
    document = await submitted(world, await finished(world.party, message_to(world, *world.wards), files))
    await world.settle()
    view = await world.party.queries.document(world.party.principal(world.sender), document.key)
    assert view.counts == {DeliveryState.DELIVERED: len(world.wards)}
    ward = world.government.principal(ub(world))
    (entry,) = (await world.government.queries.inbox(ward, 0, 10)).entries
    for position, (_, _, data) in enumerate(files, 1):
        path, _ = await world.government.queries.attachment(ward, entry.key, position)
        assert path.read_bytes() == data
    for node in (world.party, world.government):
        await node.publisher.covering((await node.store.read(lambda uow: uow.log.head())).size)
        await check(world, node)


async def test_only_what_fits_is_in_the_answer(world: World) -> None:
    _, reading = await reading_of(world, [TEXT, MAP, ("b.bin", "application/octet-stream", b"x" * 1_400)])
    assert [file.data is not None for file in reading.files] == [True, False, True]
    assert [file.size for file in reading.files] == [len(TEXT[2]), len(MAP[2]), 1_400]


async def test_a_pdf_that_was_not_kept_is_judged_all_the_same(world: World, tmp_path: Path) -> None:
    pdf = await sealed(world.party, tiny_pdf(), world.sender, tmp_path)
    broken = pdf.replace(b"Tj", b"TJ", 1) if b"Tj" in pdf else pdf[:600] + b"X" + pdf[601:]
    document = await submitted(
        world, await finished(world.party, message_to(world), [("a.pdf", "application/pdf", broken)])
    )
    await world.settle()
    state, reason = await state_of(world, document)
    assert state is DocumentState.REFUSED
    assert reason in {"seal.broken", "file.unreadable"}
    assert await arrived(world.government, ub(world)) == 0


async def test_a_pdf_that_no_judge_looks_at_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.exchange.judging.PDF_BYTES_MAX", 1_600)
    with pytest.raises(SenderError) as refused:
        await reading_of(world, [("a.pdf", "application/pdf", tiny_pdf() + b"\n" * 2_000)])
    assert (refused.value.code, refused.value.params["what"]) == ("size.limit", "a.pdf")


async def test_of_an_envelope_that_is_not_believed_no_file_is_decoded_once_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.exchange.judging.PDF_BYTES_MAX", 1_600)
    files: list[File] = [("a.pdf", "application/pdf", tiny_pdf() + b"\n" * 2_000)]
    _, reading = await reading_of(world, files, moment=MOMENT.replace(year=2060))
    (file,) = reading.files
    assert (file.data, file.verdict.media_type) == (None, "application/pdf")
    assert file.verdict.reason.endswith("not judged")


async def test_what_was_judged_is_what_is_kept(world: World) -> None:
    path, reading = await reading_of(world, [MAP])
    (file,) = reading.files
    path.write_bytes(path.read_bytes().replace(b"AAECAwQF", b"AAECAwQG", 1))
    with world.party.blobs.lease() as lease, pytest.raises(SiteError, match=r"blob\.damaged"):
        await keep_file(file, path, lease, sizes=USUAL)


async def test_what_the_operator_allows_is_taken_but_no_larger_pdf(world: World) -> None:
    sizes = Sizes(file_bytes=2 * FILE_BYTES_MAX, document_bytes=6 * FILE_BYTES_MAX)
    large = bytes(FILE_BYTES_MAX + 1)

    async def submit(name: str, data: bytes, allowed: Sizes) -> Document:
        desk = Submission(desk=replace(world.party.desk, sizes=allowed))
        uploaded = await world.party.file(name, data, "application/octet-stream")
        order = letter(world.sender, (ub(world),), uploaded)
        return (await desk.submit(world.party.principal(world.sender), order, trace_id="a" * 32))[0]

    with pytest.raises(SenderError, match=r"size\.limit"):
        await submit("a.bin", large, USUAL)
    assert (await submit("a.bin", large, sizes)).state is DocumentState.ACCEPTED
    with pytest.raises(SenderError) as refused:
        await submit("a.pdf", tiny_pdf() + b"\n" * FILE_BYTES_MAX, sizes)
    assert (refused.value.code, refused.value.params["limit"]) == ("size.limit", PDF_BYTES_MAX)


def test_bounds_follow_from_the_document_s() -> None:
    large = Sizes(file_bytes=1 << 31, document_bytes=1 << 31)
    assert large.envelope_bytes > (1 << 31) * 4 // 3
    assert large.request_bytes > 1 << 31
