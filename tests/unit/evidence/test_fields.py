"""Bit rot in what a row says of its document: whatever an envelope, slip, receipt or leaf says too is compared with it.

Single fields by hand, each named in the report; then every column that the world fills, by bits that flip: it is noticed, or
stands in the lab's list of what nothing signed or hashed contains.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import GatewayError
from gateway.evidence.story import WITHOUT_ROW
from tests.kit.lab.rot import unproven
from tests.unit.evidence.tampering import ONE, away, came, doc, entry, shown
from tests.unit.evidence.test_installation import expect
from tests.unit.evidence.world import AGAIN, Kept, Opened

HEADER = (
    ("promulgation_place", "'Huế'", "its place is not what its envelope says"),
    ("type_name", "'Quyết định'", "its type is not what its envelope says"),
    ("document_type", "1", "its numbers of the type is not what its envelope says"),
    ("type_detail", "2", "its numbers of the type is not what its envelope says"),
    ("signer.full_name", "'Trần Thị B'", "its signer is not what its envelope says"),
    ("signer.position", "'Phó'", "its signer is not what its envelope says"),
    ("priority", "3", "its priority is not what its envelope says"),
    ("page_amount", "77", "its number of pages is not what its envelope says"),
    ("content", "'x'", "its content is not what its envelope says"),
    (
        "response_for",
        """json('[{"organ_id":"Z79.VPTU","document_id":"x","code":"","promulgation_date":null}]')""",
        "its answered documents is not what its envelope says",
    ),
)
MESSAGE = (
    ("created_at", "'2026-11-20T00:00:00Z'", "its time of writing is not what its envelope says"),
    ("sender.telephone", "'0123'", "its addresses of bodies is not what its envelope says"),
    ("due_date", "'2026-12-01'", "its due date is not what its envelope says"),
    ("sphere", "'x'", "its sphere is not what its envelope says"),
    ("business.kind", "2", "its business is not what its envelope says"),
)
FILES = (
    ("position", "7", "its order of files is not what its envelope says"),
    ("name", "'b.pdf'", "its list of files is not what its envelope says"),
    ("content_type", "'application/qdf'", "its types of files is not what its envelope says"),
    ("blob.size", "7", "blob.damaged"),
)
OTHER = (
    ("party", f"update transfers set sent_at = sent_at + 1 where {away(9)}", "the log tells another time of sending"),
    ("party", f"update transfers set registry_epoch = 9 where {away(9)}", "epoch is not what delivery.queued says"),
    ("party", f"update transfers set origin = 'x' where {away(9)}", "it is not from here but from x"),
    (
        "government",
        f"update incoming_transfers set received_at = received_at + 1 where key = '{AGAIN}'",
        "the receipt given tells another time of arrival",
    ),
    ("government", f"update incoming_transfers set received_at = 0 where {came(3)}", "another time of arrival"),
    (
        "party",
        f"update documents set metadata = json_set(metadata, '$.promulgation_place', 'Huế') where key = {doc(2)}",
        "its metadata or files are not those that were handed in",
    ),
    (
        "party",
        "update checkpoints set note = replace(note, '/audit', '/aueit') where size = (select min(size) from checkpoints)",
        "checkpoint of size",
    ),
    ("party", "update openings set recipient = 'x' where event = 'delivery.queued'", "under another recipient"),
    ("party", "update openings set organ = 'x' where event = 'accepted'", "told to another body than the row's"),
    (
        "government",
        f"update inbox set changed_at = 7 where {entry(1, ONE)}",
        "the log tells of nothing that changed it at that time",
    ),
    (
        "government",
        f"update inbox set opened_at = 7 where {entry(1, ONE)}",
        "the log tells another time at which it was opened",
    ),
    ("party", f"update documents set changed_at = 7 where key = {doc(3)}", "nothing that changed it at that time"),
    (
        "government",
        """update documents set status = json_set(status, '$.sender.email', 'x') where document_id like 'status 02%'""",
        "its sender's block is not what its envelope says",
    ),
)
RENAMED = (
    ("documents", "metadata", '"page_amount"'),
    ("documents", "attachments", '"seal"'),
    ("inbox", "attachments", '"seal"'),
)
FLIPS_EACH = 2


@pytest.mark.parametrize(("field", "value", "found"), HEADER)
async def test_what_a_document_s_row_says_is_what_its_envelope_says(
    both: dict[str, Kept], field: str, value: str, found: str, tmp_path: Path
) -> None:
    script = f"update documents set metadata = json_set(metadata, '$.{field}', {value}) where key = {doc(3)}"
    await expect(both["party"], tmp_path, lambda opened: opened.sql(script), found)


@pytest.mark.parametrize(("field", "value", "found"), HEADER + MESSAGE)
async def test_what_an_inbox_shows_is_what_the_envelope_says(
    both: dict[str, Kept], field: str, value: str, found: str, tmp_path: Path
) -> None:
    """Even where whoever changed it knew to change the digest of the message."""
    script = shown(f"json_set(message, '$.{field}', {value})")
    await expect(both["government"], tmp_path, lambda opened: opened.sql(script), found)


@pytest.mark.parametrize(("field", "value", "found"), FILES)
@pytest.mark.parametrize(
    ("side", "rows"), [("party", f"documents|key = {doc(3)}"), ("government", f"inbox|{entry(3, ONE)}")]
)
async def test_files_are_listed_as_the_envelope_lists_them(
    both: dict[str, Kept], side: str, rows: str, field: str, value: str, found: str, tmp_path: Path
) -> None:
    table, _, where = rows.partition("|")
    script = f"update {table} set attachments = json_set(attachments, '$[0].{field}', {value}) where {where}"
    await expect(both[side], tmp_path, lambda opened: opened.sql(script), found)


@pytest.mark.parametrize(("side", "script", "found"), OTHER)
async def test_what_leaves_and_receipts_say_is_compared(
    both: dict[str, Kept], side: str, script: str, found: str, tmp_path: Path
) -> None:
    await expect(both[side], tmp_path, lambda opened: opened.sql(script), found)


@pytest.mark.parametrize(("table", "column", "name"), RENAMED)
async def test_a_field_whose_name_rotted_is_not_its_default(
    both: dict[str, Kept], table: str, column: str, name: str, tmp_path: Path
) -> None:
    script = f"""update {table} set {column} = replace({column}, '{name}', '{name.replace("a", "c")}')"""
    await expect(both["party"], tmp_path, lambda opened: opened.sql(script), "a stored value does not read back")


async def test_a_row_of_before_an_upgrade_is_compared_by_what_it_says(both: dict[str, Kept], tmp_path: Path) -> None:
    """Fields that came with later versions are not in it."""
    later = ("due_date", "to_places", "steering_type", "sphere", "copies", "business", "hops", "claims")
    with both["government"].opened(tmp_path) as opened:
        opened.sql(shown(f"json_remove(message, {', '.join(repr(f'$.{name}') for name in later)})"))
        opened.sql("update documents set metadata = json_remove(metadata, '$.business') where metadata is not null")
        opened.sql("update openings set organ = ''")
        assert (await opened.check()).sound


# --- every column ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["party", "government"])
async def test_a_flipped_bit_of_any_column_is_noticed_or_named(
    both: dict[str, Kept], side: str, tmp_path: Path
) -> None:
    chance, unnoticed = random.Random(15), list[str]()
    with both[side].opened(tmp_path) as opened:
        for table, column in list(columns(opened)):
            for _ in range(FLIPS_EACH):
                opened.db.deserialize(both[side].database)
                opened.db.execute("PRAGMA foreign_keys = OFF")
                if (what := flip_one(opened, table, column, chance)) and not await noticed(opened):
                    unnoticed.append(f"{table}.{column}: {what}")
    assert unnoticed == []


def columns(opened: Opened) -> Iterator[tuple[str, str]]:
    """Those of which something that is kept can tell."""
    tables = [row[0] for row in opened.db.execute("select name from sqlite_master where type = 'table'")]
    for table in tables:
        for _, column, *_rest in opened.db.execute(f"pragma table_info({table})"):
            if not (table.startswith(("sqlite_", "alembic_")) or unproven(table, column) or table in NOT_IN_THE_LAB):
                yield table, column


NOT_IN_THE_LAB = frozenset({"non_deliveries"})
"""Nothing expires there."""


def flip_one(opened: Opened, table: str, column: str, chance: random.Random) -> str:
    """One bit of one value, if the database lets it be; what it was and is."""
    keys = [row[1] for row in opened.db.execute(f"pragma table_info({table})") if row[5]]
    query = f"select {', '.join(keys)}, {column} from {table} where length(cast({column} as blob)) > 0"
    if table == "openings":  # an alarm happened to no row that could be held against it
        query += f" and event not in ({', '.join(map(repr, sorted(WITHOUT_ROW)))})"
    rows = opened.db.execute(query).fetchall()
    if not rows:
        return ""
    *where, value = chance.choice(rows)
    try:
        other = flipped(value, chance)
        opened.db.execute(
            f"update {table} set {column} = ? where {' and '.join(f'{key} = ?' for key in keys)}", (other, *where)
        )
    except (ValueError, opened.db.DatabaseError):
        return ""  # no text any more, or what a constraint forbids
    return f"{value!r} -> {other!r}"


def flipped(value: Any, chance: random.Random) -> Any:
    if isinstance(value, int):
        return value ^ 1 << chance.randrange(max(value.bit_length(), 1))
    data = bytearray(value.encode() if isinstance(value, str) else value)
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return data.decode() if isinstance(value, str) else bytes(data)


async def noticed(opened: Opened) -> bool:
    try:
        return not (await opened.check()).sound
    except GatewayError:
        return True
