"""Any message that can be written, and any message at all."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from gateway.core.free_texts import free_texts, with_texts
from gateway.core.ids import OrganId
from gateway.core.message import (
    Business,
    BusinessKind,
    Code,
    DocumentChanges,
    DocumentMessage,
    Message,
    Organ,
    Priority,
    Receiver,
    ReceiverChange,
    Replacement,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusMessage,
    SteeringType,
    TraceHeader,
)
from gateway.core.plain_text import first_unseen, is_blank
from gateway.core.states import BusinessStatus
from gateway.edxml.block import SPACE

plain = st.characters(exclude_categories=["C", "Zl", "Zp"]).filter(lambda letter: first_unseen(letter) is None)
AWKWARD = ["<", "&", "]]>", '"', "'", "\u0301", "Ậ", "😀", "null null", "&#13;", "=", "%"]


def line(limit: int, *, required: bool = False) -> st.SearchStrategy[str]:
    """A line of text as one stands in a message; as long as it may be, now and then."""
    some = st.lists(plain | st.sampled_from(AWKWARD), max_size=8).map("".join) | st.just("ế" * limit)
    text = some.map(lambda value: value[:limit].strip(SPACE)).filter(lambda value: value != "null")
    return text.filter(lambda value: not is_blank(value)) if required else text


def running(limit: int) -> st.SearchStrategy[str]:
    some = st.lists(plain | st.sampled_from([*AWKWARD, "\n", "\t"]), max_size=8).map("".join)
    return some.map(lambda value: value[:limit].strip(SPACE)).filter(lambda value: value != "null")


def several(one: st.SearchStrategy[Any], **more: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(one, max_size=3, **more).map(tuple)


organ_ids = line(35, required=True).map(OrganId)
document_ids = line(200, required=True)
moments = st.datetimes(datetime(1931, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - as hypothesis wants them
    lambda moment: moment.replace(microsecond=0)
)
organs = st.builds(
    Organ,
    organ_id=organ_ids,
    name=line(200),
    in_charge=line(500),
    address=line(500),
    email=line(100),
    telephone=line(20),
    fax=line(20),
    website=line(100),
)
staff = st.builds(
    StaffInfo,
    department=line(200),
    department_id=line(100),
    staff=line(50, required=True),
    staff_id=line(100),
    email=line(100),
    mobile=line(20),
)
answered = st.builds(
    ResponseFor,
    organ_id=organ_ids,
    document_id=document_ids,
    code=line(42),
    promulgation_date=st.none() | st.dates(),
)
receivers = st.builds(Receiver, organ_id=organ_ids, change=st.sampled_from(ReceiverChange))
changes = st.builds(
    DocumentChanges,
    metadata=st.booleans(),
    recipients=st.just(True),
    receivers=several(receivers, unique_by=lambda one: one.organ_id),
) | st.just(DocumentChanges(metadata=True))
replacements = several(
    st.builds(Replacement, document_id=document_ids, holders=several(organ_ids, unique=True)),
    unique_by=lambda one: one.document_id,
)
STANDING = {"reason": line(500), "paper": st.booleans(), "staff": several(staff)}
businesses = st.one_of(
    st.builds(Business, document_id=st.just("") | document_ids, **STANDING),
    st.builds(Business, kind=st.just(BusinessKind.REVOKE), document_id=st.just("") | document_ids, **STANDING),
    st.builds(
        Business,
        kind=st.just(BusinessKind.UPDATE),
        document_id=document_ids,
        changes=st.none() | changes,
        **STANDING,
    ),
    st.builds(Business, kind=st.just(BusinessKind.REPLACE), replacements=replacements.filter(bool), **STANDING),
)
hops = several(
    st.builds(TraceHeader, organ_id=line(35).map(OrganId), timestamp=st.none() | moments),
)
number = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=11).filter(
    lambda text: text != "null" and first_unseen(text) is None and not is_blank(text)  # a Hangul filler is a letter
)
amounts = st.none() | st.integers(0, 65_535)


@st.composite
def documents(draw: st.DrawFn) -> DocumentMessage:
    """Any document that `validate` has nothing against."""
    business = draw(businesses)
    made = draw(moments)
    asked = st.lists(answered, min_size=1 if business.kind is BusinessKind.REVOKE else 0, max_size=3)
    return draw(
        st.builds(
            DocumentMessage,
            sender=organs,
            recipients=st.lists(organs, min_size=1, max_size=4, unique_by=lambda one: one.organ_id).map(tuple),
            document_id=document_ids,
            code=st.builds(Code, number=number, notation=number),
            promulgation_place=line(50),
            promulgation_date=st.dates(date(1930, 1, 1), made.date()),
            document_type=st.sampled_from([1, 2]),
            type_detail=st.integers(0, 65_535),
            type_name=line(100),
            subject=line(500, required=True),
            content=running(500),
            signer=st.builds(SignerInfo, competence=line(100), position=line(100), full_name=line(50)),
            priority=st.sampled_from(Priority),
            page_amount=amounts,
            response_for=asked.map(tuple),
            created_at=st.just(made),
            due_date=st.none() | st.dates(),
            to_places=several(line(150, required=True)),
            steering_type=st.none() | st.sampled_from(SteeringType),
            sphere=line(100),
            typist=line(10),
            copies=amounts,
            appendixes=several(line(500, required=True)),
            reply_fors=line(500),
            direction=st.none() | st.booleans(),
            reference_codes=line(500),
            task_codes=several(line(100, required=True)),
            application_type=line(100),
            business=st.just(business),
            hops=hops,
            claims=st.just(()),
        )
    )


statuses = st.builds(
    StatusMessage,
    sender=organs,
    response_for=answered,
    status=st.sampled_from(BusinessStatus),
    description=running(500),
    timestamp=moments,
    staff=st.none() | staff,
)

# --- and any message at all: one of them with something else in it ---------------------------------------------------------

WORDS = st.text(max_size=20) | st.sampled_from(["null", " null", "", " ", " x ", "x" * 501, "\x00", "\ud800", "a\nb"])
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-12)), None])
ANY_DOCUMENT: dict[str, st.SearchStrategy[Any]] = {
    "created_at": st.datetimes(timezones=ZONES),
    "document_type": st.integers(-1, 3),
    "type_detail": st.integers(-1, 70_000),
    "page_amount": st.integers(-1, 70_000),
    "copies": st.integers(-1, 70_000),
    "promulgation_date": st.none() | st.dates(),
    "to_places": st.lists(WORDS, max_size=2).map(tuple),
    "appendixes": st.just(("x",) * 101),
    "task_codes": st.lists(WORDS, max_size=2).map(tuple),
    "hops": st.just((TraceHeader(organ_id=OrganId("H1"), timestamp=None),) * 101) | hops,
    "recipients": st.just(()) | st.lists(organs, max_size=3).map(lambda some: tuple(some + some[:1])),
    "response_for": st.just(()),
    "business": st.builds(
        Business,
        kind=st.sampled_from(BusinessKind),
        document_id=st.sampled_from(["", "x"]),
        changes=st.none() | changes | st.just(DocumentChanges()),
        replacements=replacements,
        staff=several(st.just(StaffInfo()) | staff | st.just(StaffInfo(staff=" "))),
    ),
}
ANY_STATUS: dict[str, st.SearchStrategy[Any]] = {
    "timestamp": st.datetimes(timezones=ZONES),
    "staff": st.none() | st.just(StaffInfo()) | staff,
}


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """A message of whatever content the types allow."""
    message: Message = draw(documents() | statuses)
    anything = ANY_DOCUMENT if isinstance(message, DocumentMessage) else ANY_STATUS
    for name in draw(st.lists(st.sampled_from(sorted(anything)), max_size=2)):
        message = replace(message, **{name: draw(anything[name])})
    paths = [path for path, _ in free_texts(message)]
    for chosen in draw(st.lists(st.sampled_from(paths), max_size=2)):
        word = draw(WORDS)
        message = with_texts(message, lambda path, text, to=chosen, new=word: new if path == to else text)  # type: ignore[misc]
    return message


def as_read(message: Message) -> Message:
    """The message as a reader sees it, who has no eyes for white space at the ends of a text."""
    return with_texts(message, lambda _, text: text.strip(SPACE))
