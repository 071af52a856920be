"""F-22: files that are made to kill, hang or fill whoever reads them, among others that are well."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

from tests.kit.lab.fault import Done, Order, hurt
from tests.kit.lab.site import site
from tests.kit.lab.traffic import make_letter, offices, until_read
from tests.kit.pdf_attacks import sealed
from tests.kit.pdf_bombs import objects, spoiled, store, table
from tests.kit.pdfs import encrypted_pdf, tiny_pdf

EVERY = 10
POISONS: tuple[Callable[[], bytes], ...] = (
    lambda: spoiled(sealed()),
    lambda: table(2)(sealed()),
    lambda: objects(2)(sealed()),
    lambda: store("Certs", 2, 3)(sealed()),
    encrypted_pdf,
    lambda: tiny_pdf()[:-200],
    lambda: b"%PDF-1.7\n" + random.Random(1).randbytes(40_000) + b"\n%%EOF\n",
    lambda: tiny_pdf().replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]"),
)
"""Streams that unpack to gigabytes, tables without end, encryption, a file that ends in the middle, noise, a circle."""


async def poison(order: Order) -> Done:
    """Every tenth letter is poison: it is refused at the door, or refused or held behind it; all others arrive."""
    made_poisons = await asyncio.to_thread(lambda: [make() for make in POISONS])
    async with site(order.folder, seed=order.seed) as made:
        letters = []
        for number in range(1, order.documents + 1):
            letter = make_letter(made, order.seed, number)
            if number % EVERY == 0:
                data = made_poisons[number // EVERY % len(POISONS)]
                letter = replace(
                    letter, sender=made.offices[0], recipients=(made.offices[1],), files=(("doc.pdf", data),)
                )
                letter = replace(letter, expect="stopped")
            letters.append(letter)
        async with made.gateways, offices(made, order.seed) as traffic:
            await traffic.run(letters)
            await made.rest()
            await until_read(made, traffic)
        stopped = made.books.rows("party", "SELECT reason, count(*) FROM documents WHERE state <> 'routed' GROUP BY 1")
        count = sum(int(row[1]) for row in stopped) + traffic.turned_away
        hurt(count == order.documents // EVERY, f"{count} of {order.documents // EVERY} poisons were stopped")
        return Done(notes={"turned away at the door": traffic.turned_away, **{str(why): n for why, n in stopped}})
