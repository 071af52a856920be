"""The main job between two whole gateways: everything real but the road."""

from collections import Counter

from gateway.audit import Checkpoint, VerifierKey, format_checkpoint, sign_note, verify_log
from gateway.core.ids import EntryKey, OrganId
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState, Evidence, TransferState
from gateway.core.validation import Indication
from gateway.crypto import FileSigner
from gateway.demo.registry_seed import log_origin
from gateway.evidence import InstallationCheck
from tests.kit.exchange_world import Node, World, letter
from tests.kit.pdfs import tiny_pdf
from tests.kit.whole_lists import deliveries_of, entry_history_of, history_of


async def check(world: World, node: Node) -> None:
    """Everything that node keeps holds, seen from outside."""
    entry = node.directory.current().gateways[node.own]
    keys = [VerifierKey.parse(key) for key in entry.log_keys]
    # What nobody waits for is signed a moment later (CHECKPOINT_IDLE_SECONDS).
    await node.publisher.covering((await node.store.read(lambda uow: uow.log.head())).size)
    report = await node.store.read(lambda uow: verify_log(uow.log, keys))
    assert report.sound, report.faults
    installation = InstallationCheck(
        own=node.own,
        store=node.store,
        blobs=node.blobs,
        snapshot=node.directory.current(),
        records=node.records,
        judge=node.desk.judge,
        clock=world.clock,
    )
    found = await installation.run()
    assert found.sound, (found.problems, found.log.faults)


async def test_one_letter_to_everybody_is_sealed_delivered_receipted_and_logged(world: World) -> None:
    party, government = world.party, world.government
    order = letter(world.sender, world.wards, await party.file("cong-van.pdf", tiny_pdf()))
    document = await party.submit(order)
    assert document.state is DocumentState.ACCEPTED
    await world.settle()

    principal = party.principal(world.sender)
    view = await party.queries.document(principal, document.key)
    assert view.document.state is DocumentState.ROUTED
    assert view.counts == {DeliveryState.DELIVERED: len(world.wards)}
    deliveries = await deliveries_of(party.queries, principal, document.key)
    assert [delivery.recipient for delivery in deliveries] == list(world.wards)
    assert {delivery.evidence for delivery in deliveries} == {Evidence.RECEIPT}
    assert {delivery.sequence for delivery in deliveries} == {1}
    assert {delivery.registry_epoch for delivery in deliveries} == {1}
    # the payload travelled once, for all three bodies of the other gateway
    assert party.road.carried == 1

    for ward in world.wards:
        node = government if ".UB." in ward else party
        page = await node.queries.inbox(node.principal(ward), 0, 10)
        (entry,) = page.entries
        assert entry.document_id == document.document_id
        assert entry.business_status is BusinessStatus.ARRIVED
        path, attachment = await node.queries.attachment(node.principal(ward), entry.key, 1)
        sealed = path.read_bytes()
        assert sealed.startswith(tiny_pdf())
        verdict = node.records.judge_file(path, world.clock.now())
        assert verdict.indication is Indication.TOTAL_PASSED
        assert attachment.blob.size == len(sealed)
    for node in (party, government):
        await check(world, node)


async def test_a_ward_accepts_another_refuses_and_a_third_answers(world: World) -> None:
    party, government = world.party, world.government
    first, second, third = (ward for ward in world.wards if ".UB." in ward)
    document = await party.submit(letter(world.sender, world.wards, await party.file("a.pdf", tiny_pdf())))
    await world.settle()

    async def entry_of(ward: OrganId) -> EntryKey:
        page = await government.queries.inbox(government.principal(ward), 0, 10)
        return page.entries[0].key

    accepted = await government.statuses.accept(government.principal(second), await entry_of(second), trace_id="1" * 32)
    assert accepted.business_status is BusinessStatus.ACCEPTED
    await government.statuses.refuse(
        government.principal(third),
        await entry_of(third),
        "  Không thuộc\n thẩm quyền ",
        trace_id="2" * 32,
    )
    reply = letter(first, (world.sender,), await government.file("tra-loi.pdf", tiny_pdf("Tra loi")), number="25")
    await government.submit(reply)
    await world.settle()

    deliveries = await deliveries_of(party.queries, party.principal(world.sender), document.key)
    said = {
        delivery.recipient: (delivery.business_status, delivery.business_description)
        for delivery in deliveries
        if delivery.business_status
    }
    assert said == {
        second: (BusinessStatus.ACCEPTED, "Đã tiếp nhận"),
        third: (BusinessStatus.REFUSED, "Không thuộc thẩm quyền"),
    }
    page = await party.queries.inbox(party.principal(world.sender), 0, 10)
    assert [entry.sender for entry in page.entries] == [first]
    for node in (party, government):
        await check(world, node)


async def test_saying_the_same_again_changes_nothing(world: World) -> None:
    party, government = world.party, world.government
    ward = next(ward for ward in world.wards if ".UB." in ward)
    await party.submit(letter(world.sender, (ward,), await party.file("a.pdf", tiny_pdf())))
    await world.settle()
    principal = government.principal(ward)
    key = (await government.queries.inbox(principal, 0, 10)).entries[0].key
    once = await government.statuses.accept(principal, key, trace_id="1" * 32)
    twice = await government.statuses.accept(principal, key, trace_id="2" * 32)
    assert once == twice
    await world.settle()
    history = await entry_history_of(government.queries, principal, key)
    assert Counter(event.event for event in history) == {"received": 1, "business.status": 1}


async def test_the_history_tells_the_whole_walk_in_order(world: World) -> None:
    party = world.party
    ward = next(ward for ward in world.wards if ".UB." in ward)
    document = await party.submit(letter(world.sender, (ward,), await party.file("a.pdf", tiny_pdf())))
    await world.settle()
    history = await history_of(party.queries, party.principal(world.sender), document.key)
    assert [event.event for event in history] == [
        "accepted",
        "sealed",
        "wrapped",
        "routed",
        "delivery.queued",
        "delivery.delivered",
    ]


async def test_numbers_of_a_stream_have_no_gaps_and_streams_do_not_share_them(world: World) -> None:
    party = world.party
    one, two = [ward for ward in world.wards if ".UB." in ward][:2]
    for number in range(1, 4):
        recipients = (one, two) if number != 2 else (one,)
        file = await party.file("a.pdf", tiny_pdf(f"{number}"))
        await party.submit(letter(world.sender, recipients, file, number=str(number)))
        await world.settle()
    transfers = await party.store.read(lambda uow: uow.transfers.page(None, 100))
    numbers = {ward: [] for ward in (one, two)}
    for transfer in transfers:
        assert transfer.state is TransferState.RECEIPTED
        for recipient in transfer.slip.recipients:
            numbers[recipient.organ_id].append(recipient.sequence)
    # keys made within one millisecond have no order among themselves
    assert {ward: sorted(given) for ward, given in numbers.items()} == {one: [1, 2, 3], two: [1, 2]}


async def test_files_of_other_kinds_are_carried_as_they_are(world: World) -> None:
    party, government = world.party, world.government
    ward = next(ward for ward in world.wards if ".UB." in ward)
    data = b"PK\x03\x04 not really a spreadsheet \x00\xff" * 50
    files = (
        await party.file("cong-van.pdf", tiny_pdf()),
        await party.file("phụ lục – danh sách.xlsx", data, "application/vnd.ms-excel"),
    )
    await party.submit(letter(world.sender, (ward,), *files))
    await world.settle()
    principal = government.principal(ward)
    entry = (await government.queries.inbox(principal, 0, 10)).entries[0]
    assert [attachment.name for attachment in entry.attachments] == ["cong-van.pdf", "phụ lục – danh sách.xlsx"]
    path, _ = await government.queries.attachment(principal, entry.key, 2)
    assert path.read_bytes() == data
    assert entry.verdicts == ("TOTAL-PASSED", "")


async def test_a_log_that_is_shorter_than_somebody_remembers_does_not_hold(world: World) -> None:
    """Cut back to an earlier, truly signed state it is sound in itself: only memory from elsewhere tells."""
    party = world.party
    ward = next(ward for ward in world.wards if ".UB." in ward)
    await party.submit(letter(world.sender, (ward,), await party.file("a.pdf", tiny_pdf())))
    await world.settle()
    assert world.materials
    signer = FileSigner(world.materials.pki.gateways[party.own].files.log_key, key_id="log")
    key = VerifierKey.of(log_origin(party.own), signer.public_key)
    stored = await party.store.read(lambda uow: uow.log.checkpoint())
    assert stored
    longer = format_checkpoint(Checkpoint(origin=key.name, size=stored[0] + 7, root=bytes(32)))
    for remembered, sound in ((stored[1], True), (await sign_note(longer, key=key, signer=signer), False)):
        found = await InstallationCheck(
            own=party.own,
            store=party.store,
            blobs=party.blobs,
            snapshot=party.directory.current(),
            records=party.records,
            judge=party.desk.judge,
            clock=world.clock,
            remembered=[remembered],
        ).run()
        assert found.sound is sound
