"""Tamperings at the gateway that sent the letters."""

from tests.unit.evidence.tampering import ONE, THREE, TWO, Tampering, away, doc, late, leaf, to
from tests.unit.evidence.world import UNKNOWN

NEWEST = "(select lower(hex(hash)) from openings where subject = deliveries.key order by row desc limit 1)"

TRANSFERS = (
    Tampering(
        "notice of non-delivery changed",
        f"update non_deliveries set notice = cast('x' as blob) where {late(7)}",
        "its notice of non-delivery is not the one that the log tells",
    ),
    Tampering(
        "answers gone, transfers queued",
        "update transfers set state = 'queued', answer = null",
        "the receipt that its event names is not the one of its transfer",
    ),
    Tampering(
        "answer gone",
        f"update transfers set answer = null where {away(1)}",
        "receipted without a receipt",
    ),
    Tampering(
        "receipted made queued",
        f"update transfers set state = 'queued' where {away(1)}",
        "queued with a receipt",
    ),
    Tampering(
        "queued made receipted",
        f"update transfers set state = 'receipted' where {away(9)}",
        "receipted without a receipt",
    ),
    Tampering(
        "held made expired",
        f"update transfers set state = 'expired' where {away(5)}",
        "held, but its transfer is expired",
    ),
    Tampering(
        "expired made queued",
        f"update transfers set state = 'queued' where {away(7)}",
        "expired, but its transfer is queued",
    ),
    Tampering(
        "answers swapped",
        f"""create temporary table a as select key, answer from transfers where {away(3, 6)};
        update transfers set answer = (select answer from a where a.key <> transfers.key) where {away(3, 6)}""",
        "the receipt speaks of another transfer",
    ),
    Tampering(
        "answer changed",
        f"update transfers set answer = cast(replace(cast(answer as text), 'e', 'f') as blob) where {away(3)}",
        "peer.receipt",
    ),
    Tampering(
        "transfer deleted",
        f"delete from transfers where {away(3)}",
        "is not there",
    ),
    Tampering(
        "slip names another recipient",
        f"update transfers set slip_recipients = replace(slip_recipients, '{ONE}', '{TWO}') where {away(9)}",
        "its recipients are not those of its deliveries",
    ),
    Tampering(
        "slip names another document",
        f"update transfers set document_id = 'x' where {away(9)}",
        "its slip speaks of another document",
    ),
    Tampering(
        "slip names another envelope",
        f"""update transfers set envelope_digest = (select envelope_digest from transfers where {away(1)})
        where {away(9)}""",
        "its slip speaks of another document",
    ),
)

DELIVERIES = (
    Tampering(
        "business statuses all alike",
        "update deliveries set business_status = '03'",
        "business status 03, the log tells 02",
    ),
    Tampering(
        "business status invented",
        f"update deliveries set business_status = '06' where {to(3, ONE)}",
        "business status 06, the log tells None",
    ),
    Tampering(
        "business status forgotten",
        f"update deliveries set business_status = null where {to(1, ONE)}",
        "business status None, the log tells 03",
    ),
    Tampering(
        "another reason given",
        f"update deliveries set business_description = 'Sai thể thức' where {to(1, TWO)}",
        "no status message says so",
    ),
    Tampering(
        "said at another time",
        f"update deliveries set business_at = business_at + 86400000 where {to(1, TWO)}",
        "no status message says so",
    ),
    Tampering(
        "business statuses swapped, with their leaves",
        f"""create temporary table d as select * from deliveries where {to(1, ONE, TWO)};
        update deliveries set (business_status, last_leaf) =
            (select business_status, last_leaf from d where d.key <> deliveries.key) where {to(1, ONE, TWO)}""",
        "its last leaf is not the newest event",
    ),
    Tampering(
        "delivered made queued",
        f"update deliveries set state = 'queued' where {to(3, ONE)}",
        "queued is not what the log tells: delivery.delivered",
    ),
    Tampering(
        "queued made delivered",
        f"update deliveries set state = 'delivered', evidence = 'receipt' where {to(9, ONE)}",
        "delivered is not what the log tells: delivery.queued",
    ),
    Tampering(
        "held made queued",
        f"update deliveries set state = 'queued' where {to(5, ONE)}",
        "queued is not what the log tells: held",
    ),
    Tampering(
        "refused by its gateway made delivered",
        f"update deliveries set state = 'delivered', reason = '' where {to(8, THREE)}",
        "delivered is not what the receipt says",
    ),
    Tampering(
        "refused by the plan made delivered",
        f"update deliveries set state = 'delivered' where {to(1, UNKNOWN)}",
        "delivered without a transfer",
    ),
    Tampering(
        "another destination",
        f"update deliveries set destination = 'gz79.test' where {to(7, ONE)}",
        "it goes to gz79.test, its transfer to ",
    ),
    Tampering(
        "expired made refused",
        f"update deliveries set state = 'refused' where {to(7, ONE)}",
        "refused, but its transfer is expired",
    ),
    Tampering(
        "another reason",
        f"update deliveries set reason = 'seal.broken' where {to(8, THREE)}",
        "code is not what delivery.refused says",
    ),
    Tampering(
        "evidence forgotten",
        f"update deliveries set evidence = null where {to(3, ONE)}",
        "evidence None, the log tells receipt",
    ),
    Tampering(
        "evidence invented",
        f"update deliveries set evidence = 'receipt' where {to(9, ONE)}",
        "evidence receipt, the log tells none",
    ),
    Tampering(
        "another event's leaf",
        f"update deliveries set last_leaf = {leaf('genesis')} where {to(3, ONE)}",
        "its last leaf is not the newest event",
    ),
    Tampering(
        "another number",
        f"update deliveries set sequence = 77 where {to(3, ONE)}",
        "another number in the stream",
    ),
    Tampering(
        "another edition of the registry",
        f"update deliveries set registry_epoch = 9 where {to(3, ONE)}",
        "epoch is not what delivery.queued says",
    ),
    Tampering(
        "another recipient",
        f"update deliveries set recipient = 'Z79.UB.1' where {to(3, ONE)}",
        "to is not what delivery.queued says",
    ),
    Tampering(
        "another transfer",
        f"update deliveries set transfer = (select key from transfers where {away(6)}) where {to(3, ONE)}",
        "transfer is not what delivery.queued says",
    ),
    Tampering(
        "deleted",
        f"delete from deliveries where {to(1, THREE)}",
        "there is no row that it happened to",
    ),
    Tampering(
        "deleted with its events",
        f"""delete from openings where subject = (select key from deliveries where {to(1, THREE)});
        delete from deliveries where {to(1, THREE)}""",
        "a leaf without an opening",
    ),
    Tampering(
        "everything as if it had not arrived, the event hidden elsewhere",
        f"""update deliveries set state = 'queued', evidence = null,
            last_leaf = {leaf("delivery.queued", "deliveries.key")} where {to(3, ONE)};
        update transfers set state = 'queued', answer = null where {away(3)};
        update openings set document = 'elsewhere' where event = 'delivery.delivered'
            and subject = (select key from deliveries where {to(3, ONE)})""",
        "events delivery.delivered: 9 in the log, 8 with a row",
    ),
    Tampering(
        "statuses swapped, with leaves and openings",
        f"""create temporary table k as select key from deliveries where {to(1, ONE, TWO)};
        update openings set subject = (select key from k where k.key <> openings.subject)
            where subject in (select key from k) and event = 'business.status_received';
        update deliveries set business_status = case business_status when '02' then '03' else '02' end,
            last_leaf = {NEWEST} where key in (select key from k)""",
        "business.status_received does not follow the event before it",
    ),
    Tampering(
        "two deliveries swapped, with all their openings",
        f"""create temporary table k as select key, last_leaf from deliveries where {to(1, ONE, TWO)};
        update openings set subject = (select key from k where k.key <> openings.subject)
            where subject in (select key from k);
        update deliveries set last_leaf = (select last_leaf from k where k.key <> deliveries.key)
            where key in (select key from k)""",
        "to is not what delivery.queued says",
    ),
    Tampering(
        "event renamed",
        "update openings set event = 'delivery.refused' where event = 'delivery.delivered'",
        "its leaf says delivery.delivered",
    ),
    Tampering(
        "time of an event",
        "update openings set at = at + 1 where event = 'accepted'",
        "its leaf says accepted at",
    ),
)

DOCUMENTS = (
    Tampering(
        "made by the gateway, said to be handed in",
        f"update documents set ready_made = 1 where key = {doc(1)}",
        "the log tells otherwise whether it was handed in as an envelope",
    ),
    Tampering(
        "held made routed",
        f"update documents set state = 'routed' where key = {doc(4)}",
        "routed is not what the log tells: held",
    ),
    Tampering(
        "refused made accepted",
        f"update documents set state = 'accepted' where key = {doc(2)}",
        "accepted is not what the log tells: refused",
    ),
    Tampering(
        "another reason",
        f"update documents set reason = 'seal.broken' where key = {doc(2)}",
        "code is not what refused says",
    ),
    Tampering(
        "an older leaf of its own",
        f"update documents set last_leaf = {leaf('sealed', 'documents.key')} where key = {doc(3)}",
        "its last leaf is not the newest event",
    ),
    Tampering(
        "no leaf",
        f"update documents set last_leaf = '' where key = {doc(3)}",
        "its last leaf is not the newest event",
    ),
    Tampering(
        "another's envelope",
        f"""update documents set (envelope_digest, envelope_size) =
            (select envelope_digest, envelope_size from documents where key = {doc(3)}) where key = {doc(6)}""",
        "its envelope is not the one that the log tells",
    ),
    Tampering(
        "a path instead of a digest",
        f"update documents set envelope_digest = '../../../etc/passwd' where key = {doc(3)}",
        "blob ../../../etc/passwd: its row names no digest",
    ),
    Tampering(
        "another size",
        f"update documents set envelope_size = envelope_size - 1 where key = {doc(3)}",
        "its slip speaks of another document",
    ),
    Tampering(
        "another size of a file",
        f"update documents set attachments = json_set(attachments, '$[0].blob.size', 7) where key = {doc(3)}",
        "blob.damaged",
    ),
    Tampering(
        "submitted by another key",
        f"update documents set principal = 'other' where key = {doc(3)}",
        "principal is not what accepted says",
    ),
    Tampering(
        "accepted at another time",
        f"update documents set accepted_at = accepted_at - 1 where key = {doc(3)}",
        "another time of acceptance",
    ),
    Tampering(
        "another subject",
        f"update documents set metadata = replace(metadata, 'gửi', 'giữ') where key = {doc(1)}",
        "its subject is not what its envelope says",
    ),
    Tampering(
        "another's file",
        f"""update documents set attachments = (select attachments from documents where key = {doc(3)})
        where key = {doc(6)}""",
        "its list of files is not what its envelope says",
    ),
    Tampering(
        "deleted with everything of it",
        f"""delete from transfers where document = {doc(3)};
        delete from deliveries where document = {doc(3)};
        delete from documents where key = {doc(3)}""",
        "events accepted: 9 in the log, 8 with a row",
    ),
    Tampering(
        "deleted alone",
        f"delete from documents where key = {doc(9)}",
        "is not there",
    ),
    Tampering(
        "a state that is none",
        "update documents set state = 'lost'",
        "documents: cannot be read on",
    ),
    Tampering(
        "an edition of the registry that never was",
        "insert into activations (epoch, digest, at) values (7, 'x', 1)",
        "the editions that were in force",
    ),
)

AT_SENDER = (*TRANSFERS, *DELIVERIES, *DOCUMENTS)
