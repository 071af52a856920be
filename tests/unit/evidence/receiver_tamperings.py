"""Tamperings at the gateway that received the letters."""

from tests.unit.evidence.tampering import ONE, THREE, TWO, Tampering, came, entry, leaf, shown
from tests.unit.evidence.world import AGAIN

INBOX = (
    Tampering(
        "business statuses all alike",
        "update inbox set business_status = '02'",
        "business status 02, the log tells 03",
    ),
    Tampering(
        "business status forgotten",
        f"update inbox set business_status = '01' where {entry(1, ONE)}",
        "business status 01, the log tells 03",
    ),
    Tampering(
        "another reason given",
        f"update inbox set business_description = 'Sai thể thức' where {entry(1, TWO)}",
        "no status message says so",
    ),
    Tampering(
        "everything as if nothing had been said, the event hidden elsewhere",
        f"""update openings set document = 'elsewhere' where event = 'business.status'
            and subject = (select key from inbox where {entry(1, ONE)});
        update inbox set business_status = '01', last_leaf = {leaf("received", "inbox.key")}
            where {entry(1, ONE)}""",
        "events business.status: 2 in the log, 1 with a row",
    ),
    Tampering(
        "verdict changed for the worse",
        f"""update inbox set verdicts = '["TOTAL-FAILED"]' where {entry(1, ONE)}""",
        "verdict TOTAL-FAILED of a file that was received",
    ),
    Tampering(
        "verdict taken away",
        f"""update inbox set verdicts = '[""]' where {entry(1, ONE)}""",
        "verdict missing of a file that was received",
    ),
    Tampering(
        "one entry deleted",
        f"delete from inbox where {entry(1, THREE)}",
        f"received for {THREE}, whose inbox has no such document",
    ),
    Tampering(
        "emptied",
        "delete from inbox",
        "whose inbox has no such document",
    ),
    Tampering(
        "entry moved to another body",
        f"update inbox set recipient = '{TWO}' where {entry(3, ONE)}",
        "recipient is not what received says",
    ),
    Tampering(
        "entry ascribed to the repeated transfer",
        f"update inbox set transfer = '{AGAIN}' where {entry(1, ONE)}",
        f"no line of transfer {AGAIN} received it",
    ),
    Tampering(
        "entry of a transfer that never was",
        f"update inbox set transfer = 'x' where {entry(3, ONE)}",
        "no line of transfer x received it",
    ),
    Tampering(
        "entry invented",
        f"""insert into inbox select null, 'x', '{TWO}', sender, document_id, transfer, message_digest,
            envelope_digest, envelope_size, attachments, verdicts, sequence, business_status, business_description,
            received_at, changed_at, last_leaf, opened_at from inbox where {entry(3, ONE)}""",
        "inbox entry x: the log tells nothing of it",
    ),
    Tampering(
        "another event's leaf",
        f"update inbox set last_leaf = {leaf('genesis')} where {entry(1, THREE)}",
        "its last leaf is not the newest event",
    ),
    Tampering(
        "another number",
        f"update inbox set sequence = 77 where {entry(1, THREE)}",
        "another number in the stream",
    ),
    Tampering(
        "another subject shown",
        shown("replace(message, 'gửi', 'giữ')"),
        "its subject is not what its envelope says",
    ),
    Tampering(
        "another message than its digest's",
        "update inbox_messages set message = replace(message, 'gửi', 'giữ')",
        "a stored message is not what its digest says",
    ),
    Tampering(
        "another's files",
        f"update inbox set attachments = (select attachments from inbox where {entry(3, ONE)}) where {entry(6, ONE)}",
        "its list of files is not what its envelope says",
    ),
    Tampering(
        "another's envelope",
        f"""update inbox set (envelope_digest, envelope_size) =
            (select envelope_digest, envelope_size from inbox where {entry(3, ONE)}) where {entry(6, ONE)}""",
        "envelope is not what received says",
    ),
)

INCOMING = (
    Tampering(
        "refused made received",
        "update incoming_recipients set outcome = 'received', code = '' where outcome = 'refused'",
        "says otherwise: receive.refused",
    ),
    Tampering(
        "another code",
        "update incoming_recipients set code = 'seal.broken' where outcome = 'refused'",
        "code is not what receive.refused says",
    ),
    Tampering(
        "line deleted",
        f"delete from incoming_recipients where organ_id = '{THREE}' and transfer <> '{AGAIN}'",
        "its lines are not those of its slip",
    ),
    Tampering(
        "leaf of a line",
        f"update incoming_recipients set leaf = cast(leaf || ' ' as blob) where transfer = '{AGAIN}'",
        "is not in the log",
    ),
    Tampering(
        "salt of a line",
        f"update incoming_recipients set salt = zeroblob(32) where transfer = '{AGAIN}'",
        "salt and private part do not fit",
    ),
    Tampering(
        "slip names another origin",
        f"update incoming_transfers set origin = destination where key = '{AGAIN}'",
        "origin is not what received says",
    ),
    Tampering(
        "receipt given changed",
        f"update incoming_transfers set answer = cast(answer || 'A' as blob) where key = '{AGAIN}'",
        f"receipt given for {AGAIN}",
    ),
    Tampering(
        "receipt given for another",
        f"""update incoming_transfers set answer = (select answer from incoming_transfers where {came(6)})
        where {came(3)}""",
        "the receipt speaks of another transfer",
    ),
    Tampering(
        "transfer without effect deleted",
        f"""delete from incoming_recipients where transfer = '{AGAIN}';
        delete from incoming_transfers where key = '{AGAIN}'""",
        "events received: 10 in the log, 7 with a row",
    ),
    Tampering(
        "transfer deleted with its entries",
        f"""delete from incoming_recipients where transfer = (select key from incoming_transfers where {came(3)});
        delete from inbox where {entry(3, ONE)};
        delete from incoming_transfers where {came(3)}""",
        "events received: 10 in the log, 9 with a row",
    ),
    Tampering(
        "our own status message reworded",
        "update documents set status = replace(status, 'Không thuộc', 'Thuộc') where document_id like 'status 02%'",
        "its description is not what its envelope says",
    ),
)

AT_RECEIVER = (*INBOX, *INCOMING)
