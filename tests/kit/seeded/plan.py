"""From a seed to a story: how many gateways, who writes to whom, how bad the roads are, what goes wrong and when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random

from gateway.core.ids import GatewayId, OrganId
from gateway.core.model import PDF
from tests.kit.pdfs import tiny_pdf
from tests.kit.seeded.materials import GATEWAYS_MAX, keyed, newborn, wards
from tests.kit.seeded.network import Weather
from tests.kit.seeded.offices import Letter

MINUTE, HOUR = 60.0, 3600.0
WEEKEND = 62 * HOUR
NAMES = tuple(GatewayId(f"g{number}.test") for number in range(GATEWAYS_MAX))

FAIR = Weather(delay=(0.01, 0.3))
BAD = Weather(
    loss=0.1, lost_answers=0.15, duplicates=0.2, lies=0.08, garbled=0.03, slow=0.03, busy=0.1, delay=(0.05, 8.0)
)
AWFUL = Weather(
    loss=0.3, lost_answers=0.3, duplicates=0.3, lies=0.1, garbled=0.05, slow=0.1, busy=0.15, delay=(0.05, 90.0)
)


class What(StrEnum):
    """Faults."""

    CUT = "cut"
    """The power goes at the `amount`-th point after `at`, and comes back `seconds` later."""
    STEPS = "steps"
    """The power goes right after the `amount`-th unit of a document's walk from `at` on: it is durable, nothing follows."""
    PART = "part"
    """No road from `gateway` to `other` (`amount` 2: nor back) for so many seconds."""
    STEP = "step"
    """The clock is set wrong by `amount` seconds, and right again after `seconds`."""
    BROKEN = "broken"
    """Its judges fail, whatever they are asked, for so many seconds."""
    FULL = "full"
    """Its disk refuses a share `amount` of all writes for so many seconds."""
    LOCK = "lock"
    """A new edition: one ward of the gateway is locked; every gateway has it at a time of its own."""
    CLOSE = "close"
    """A new edition: one ward is closed, with a successor."""
    BORN = "born"
    """A new edition: a body that was unknown before."""
    ROLL = "roll"
    """A new edition with the next keys of the gateway; it uses them `seconds` after it has the edition itself."""


DRAWN = tuple(what for what in What if what is not What.STEPS)
"""What worlds draw; `STEPS` is in every one."""
UNITS_MAX = 5
"""Of a letter to one body at its sender: stored, written, routed, sent, and one of something else."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong."""

    at: float
    what: What
    gateway: GatewayId
    other: GatewayId = NAMES[0]
    amount: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One world's story."""

    seed: int
    gateways: tuple[GatewayId, ...]
    letters: tuple[Letter, ...] = ()
    faults: tuple[Fault, ...] = ()
    weather: dict[tuple[GatewayId, GatewayId], Weather] = field(default_factory=dict)
    until: float = HOUR
    """When everything is mended."""
    deaf: float = 0.0
    words: int = 3
    """How many statuses and answers the receiving offices say at most."""
    gossip: float = 0.5
    """Chance that an office says something of an entry."""
    hurry: float = 10 * MINUTE
    """Longest time between two looks into an inbox."""


def make_plan(seed: int, gateways: int | None = None) -> Plan:
    """The story of a seed; of so many gateways, or of as many as the seed says."""
    random = Random(f"plan {seed}")
    drawn = random.choices((2, 3, 4, 5), (10, 6, 2, 1))[0]
    names = NAMES[: gateways or drawn]
    until = random.uniform(0.3, 3) * HOUR
    letters = tuple(_recalled(seed, _letters(random, names, until)))
    more, aimed = _aimed(seed, letters)
    faults = sorted((*_faults(random, names, letters, until), *aimed), key=lambda fault: fault.at)
    return Plan(
        seed=seed,
        gateways=names,
        letters=(*letters, *more),
        faults=tuple(faults),
        weather={(one, other): _weather(random) for one in names for other in names if one != other},
        until=max([until, *(fault.at + fault.seconds for fault in faults)]),
        deaf=random.choice((0.0, 0.2)),
        words=random.randint(1, 3),
    )


def _recalled(seed: int, letters: Iterator[Letter]) -> Iterator[Letter]:
    """In every other world some are wanted back: at once, or when they are on their way or there."""
    random = Random(f"recalls {seed}")  # of its own: who recalls nothing draws what was always drawn
    for letter in letters:
        wanted = seed % 2 and random.random() < 0.5
        after = random.choice((0.0, random.uniform(0, 3), random.uniform(0, HOUR)))
        yield replace(letter, recalled=after) if wanted else letter


def _aimed(seed: int, letters: tuple[Letter, ...]) -> tuple[Iterable[Letter], Iterable[Fault]]:
    """What is too rare to be left to chance alone, aimed at letters' walks at their senders."""
    random = Random(f"aimed {seed}")
    letter, units = random.choice(letters), random.randint(1, UNITS_MAX)
    down = random.choice((1.0, random.uniform(1, MINUTE)))
    # The power goes between two units, where whatever should have been one falls apart.
    at = max(0.0, letter.at - 0.001)
    power = Fault(at=at, what=What.STEPS, gateway=letter.gateway, amount=units, seconds=down)
    if seed % 2:  # those have recalls
        return (), (power,)
    # The clock jumps while a letter is under way: its lease is over, and the next letter wakes whoever takes it again.
    letter, back = random.choice(letters), random.uniform(MINUTE, HOUR)
    at = letter.at + random.uniform(0.05, 3)
    clock = Fault(at=at, what=What.STEP, gateway=letter.gateway, amount=HOUR, seconds=back)
    woken = replace(letter, number=len(letters) + 1, at=at + random.uniform(0.01, 1), again=None, recalled=None)
    return (woken,), (power, clock)


def _weather(random: Random) -> Weather:
    return random.choices((FAIR, BAD, AWFUL), (3, 5, 2))[0]


def _letters(random: Random, names: tuple[GatewayId, ...], until: float) -> Iterator[Letter]:
    rush = random.random() < 0.3  # everything at once, so that windows and numbers are fought over
    for number in range(1, random.randint(3, 6) + 1):
        name = random.choice(names)
        sender = random.choice(keyed(name)[:2])
        yield Letter(
            number=number,
            gateway=name,
            sender=sender,
            recipients=_recipients(random, names, sender),
            files=_files(random, number, sender),
            at=random.uniform(0, 5) if rush else random.uniform(0, until * 0.8),
            again=random.choice((None, None, 0.0, random.uniform(0, HOUR))),
            contradicts=random.random() < 0.15,
        )


def _recipients(random: Random, names: tuple[GatewayId, ...], sender: OrganId) -> tuple[OrganId, ...]:
    known = [code for name in names for code in (*keyed(name), *wards(name)) if code != sender]
    strange = [newborn(name) for name in names]
    count = random.choices((1, 2, 4, len(known)), (10, 6, 3, 1))[0]
    # the bodies that can answer are favoured, and few wards, so that streams have more than one number
    favoured = [code for name in names for code in (*keyed(name), *wards(name)[:2]) if code != sender]
    chosen = random.sample(favoured if count <= 4 else known, min(count, 60))
    if random.random() < 0.15:
        chosen.append(random.choice(strange))
    return tuple(chosen)


def _files(random: Random, number: int, sender: OrganId) -> tuple[tuple[str, str, bytes], ...]:
    if sender.endswith("K0") and random.random() < 0.15:
        return (("cong-van.pdf", PDF, tiny_pdf(f"So {number}")),)
    text = f"Kinh gui, so {number}\n".encode() * random.randint(1, 9)
    return tuple((f"{part}.txt", "text/plain", text + bytes([48 + part])) for part in range(random.randint(1, 2)))


def _faults(random: Random, names: tuple[GatewayId, ...], letters: tuple[Letter, ...], until: float) -> Iterator[Fault]:
    for what in random.choices(DRAWN, (8, 4, 4, 1, 2, 1, 1, 1, 2), k=random.randint(1, 6)):
        name = random.choice(names)
        other = random.choice([one for one in names if one != name])
        at = random.uniform(0, until * 0.9)
        if random.random() < 0.6:  # most of what goes wrong meets somebody at work
            letter = random.choice(letters)
            moment = random.choice((-0.001, -0.001, random.uniform(0, 0.05), random.uniform(0, 3)))
            at, name = max(0.0, letter.at + moment), random.choice((letter.gateway, letter.gateway, name))
        if what is What.CUT:
            down = random.choice((1.0, random.uniform(1, MINUTE), random.uniform(MINUTE, HOUR)))
            yield Fault(at=at, what=what, gateway=name, amount=random.randint(1, 20), seconds=down)
        elif what is What.PART and name != other:
            away = random.uniform(MINUTE, HOUR) if random.random() < 0.98 else WEEKEND
            yield Fault(at=at, what=what, gateway=name, other=other, amount=random.choice((1, 2)), seconds=away)
        elif what is What.STEP:
            wrong = random.choice((-1, 1, 1)) * random.choice((30.0, 200.0, HOUR))
            back = random.uniform(MINUTE, HOUR)
            yield Fault(at=at, what=what, gateway=name, amount=wrong, seconds=back)
        elif what is What.FULL:
            share = random.choice((0.1, 0.5, 1.0))
            yield Fault(at=at, what=what, gateway=name, amount=share, seconds=random.uniform(1, 5 * MINUTE))
        elif what is not What.PART:
            yield Fault(at=at, what=what, gateway=name, seconds=random.uniform(MINUTE, HOUR))
