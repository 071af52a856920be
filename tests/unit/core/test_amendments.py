"""What an answer to a recall says in the one field that the regulation has for it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.core.amendments import AmendmentAnswer, AmendmentKind, Handling, read_answer
from gateway.core.limits import ANSWER_WORDS_CHARS_MAX, REASON_CHARS_MAX
from gateway.core.states import BusinessStatus

OPENED = datetime(2026, 11, 21, 6, 5, 9, tzinfo=UTC)
HANDLING = Handling(opened_at=OPENED, standing=BusinessStatus.ACCEPTED, forwarded=True)


def test_a_clerk_reads_the_facts_behind_the_words() -> None:
    said = AmendmentAnswer(words="Đã vào sổ", handling=HANDLING)
    assert said.text() == "Đã vào sổ [Đã mở: 2026/11/21 13:05:09; trạng thái: 03; chuyển tiếp: có]"


@pytest.mark.parametrize("words", ["Đồng ý", "", "Lý do [kèm ngoặc]", "x" * ANSWER_WORDS_CHARS_MAX])
@pytest.mark.parametrize("opened", [OPENED, None])
@pytest.mark.parametrize("forwarded", [True, False])
@pytest.mark.parametrize("standing", [BusinessStatus.ARRIVED, BusinessStatus.COMPLETED])
@pytest.mark.parametrize("about", [None, AmendmentKind.RECALL, AmendmentKind.UPDATE])
def test_what_is_written_is_read_again(
    words: str, opened: datetime | None, standing: BusinessStatus, about: AmendmentKind | None, *, forwarded: bool
) -> None:
    handling = Handling(opened_at=opened, standing=standing, forwarded=forwarded)
    said = AmendmentAnswer(words=words, handling=handling, about=about)
    assert read_answer(said.text()) == said
    assert len(said.text()) <= REASON_CHARS_MAX


@pytest.mark.parametrize(
    "description",
    [
        "",
        "Đồng ý",
        "[Đã mở: hôm qua; trạng thái: 03; chuyển tiếp: có]",
        "[Đã mở: 2026/02/30 13:05:09; trạng thái: 03; chuyển tiếp: có]",
        "[Đã mở: 0001/01/01 06:59:59; trạng thái: 03; chuyển tiếp: có]",
        "[Đã mở: chưa; trạng thái: 77; chuyển tiếp: có]",
        "[Đã mở: chưa; trạng thái: 01; chuyển tiếp: có] thêm",
    ],
)
def test_another_programs_words_are_words(description: str) -> None:
    assert read_answer(description) == AmendmentAnswer(words=description, handling=None)
    assert AmendmentAnswer(words=description, handling=None).text() == description


def test_words_never_push_the_facts_out_of_the_field() -> None:
    said = AmendmentAnswer(words="x" * 900, handling=HANDLING)
    assert len(said.text()) == REASON_CHARS_MAX
    assert read_answer(said.text()).handling == HANDLING


def test_too_late_is_who_took_it_up() -> None:
    untouched = Handling(opened_at=OPENED, standing=BusinessStatus.ARRIVED, forwarded=False)
    assert not untouched.taken_up
    assert not replace(untouched, standing=BusinessStatus.REFUSED).taken_up
    assert replace(untouched, forwarded=True).taken_up
    assert replace(untouched, standing=BusinessStatus.IN_PROGRESS).taken_up
