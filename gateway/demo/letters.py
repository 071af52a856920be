"""What is printed on the demo's two letters. Their envelopes must say the same, so both are made from these values.

The letters are fictional; `tests/kit/letter.py` prints them (`make letter`) and a test compares.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from gateway.core.message import Code, SignerInfo
from gateway.demo.resources import LETTER, REPLY


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoLetter:
    """One letter: its file and the facts an envelope repeats."""

    resource: str
    """For `demo_resource`."""
    code: Code
    promulgation_date: date
    promulgation_place: str
    subject: str
    signer: SignerInfo
    page_amount: int


CITY_LETTER: Final = DemoLetter(
    resource=LETTER,
    code=Code(number="12", notation="CV/VPTU"),
    promulgation_date=date(2026, 2, 2),
    promulgation_place="Thành phố Hồ Chí Minh",
    subject="Về việc gửi, nhận văn bản điện tử giữa Thành ủy, Ủy ban nhân dân Thành phố và 168 phường, xã, đặc khu",
    signer=SignerInfo(position="Chánh Văn phòng", full_name="Nguyễn Văn Mẫu"),
    page_amount=3,
)
"""From the city's Party office to every Party committee and People's Committee of the 168 units."""

WARD_REPLY: Final = DemoLetter(
    resource=REPLY,
    code=Code(number="25", notation="UBND-VP"),
    promulgation_date=date(2026, 2, 5),
    promulgation_place="Thủ Dầu Một",
    subject="Về việc cử đầu mối và sẵn sàng gửi, nhận văn bản điện tử",
    signer=SignerInfo(competence="TM.", position="Chủ tịch", full_name="Trần Thị Mẫu"),
    page_amount=1,
)
"""The answer of the People's Committee of Thủ Dầu Một ward."""
