"""`gateway verify --report`, `--at`, `--trust`: whole runs with judge and key-holder, and everything that is refused first."""

import io
import json
import re
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader

from gateway.cli import main
from gateway.cli.errors import Failure
from gateway.cli.grammar.options import parse_moment
from gateway.cli.orders import VerifyOrder
from gateway.cli.verify_report import ReportWriter
from gateway.cli.verify_told import print_file, print_summary
from gateway.core.limits import REPORT_FILES_MAX, REPORT_SIGNATURES_MAX
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import Pki, write_key
from tests.kit.verifications import (
    EMPTY,
    FAILED,
    HOSTILE,
    NOW,
    PASSED,
    PERSON_THEN_SEAL,
    UNDECIDED,
    everything,
    hostile,
    report,
    verification,
)
from tests.unit.cli.schemas import check
from tests.unit.cli.world import printed, terminal
from tests.unit.crypto.sealing import sealed

Capture = pytest.CaptureFixture[str]
PRINT = 4
"""Of the flags of an annotation (ISO 32000-2 table 167), the third bit."""


class Desk:
    """A folder with a sealed file, an unsigned one, whom to believe, and a key for reports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pki = Pki(now=datetime.now(UTC))
        self.trust = self.pki.write_trust(folder / "trust")
        leaf = self.pki.leaf("seal", common_name="Văn phòng Thành ủy")
        self.good = self._file("công văn.pdf", sealed(tiny_pdf(), leaf))
        self.unsigned = self._file("b.pdf", tiny_pdf())
        self.key = write_key(folder / "report.pem", leaf.key)
        chain = (leaf.certificate, leaf.issuing)
        self.certificate = self._file("report.crt", b"".join(one.public_bytes(Encoding.PEM) for one in chain))

    def _file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def verify(self, *line: object) -> int:
        return main(["verify", "--trust", str(self.trust), *map(str, line)])

    def seal(self) -> tuple[object, ...]:
        return ("--seal-key", self.key, "--seal-cert", self.certificate)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# --- what the terminal says


@pytest.mark.parametrize(
    ("found", "vi", "en"),
    [
        (report(PASSED), "✔ Chữ ký hợp lệ: ", "✔ Signature valid: "),
        (report(UNDECIDED), "! Chưa đủ căn cứ kết luận: ", "! Not enough evidence: "),
        (report(FAILED), "✘ Chữ ký KHÔNG hợp lệ: ", "✘ Signature NOT valid: "),
        (report(), "? Không có chữ ký số: ", "? Not signed: "),
        (EMPTY, "! Không kiểm tra được: ", "! Could not be examined: "),
    ],
)
def test_the_sentence_comes_first_and_what_to_do_last(found: object, vi: str, en: str) -> None:
    (file,) = verification(found).files  # type: ignore[arg-type]
    for language, words in (("vi", vi), ("en", en)):
        shown = terminal(language)
        print_file(shown, file)
        lines = printed(shown.out).splitlines()
        assert lines[0] == words + file.name
        assert lines[-1].startswith(("  Cần làm gì tiếp:", "  What to do next:"))


def test_who_changed_chain_and_time_stand_below_each_signature() -> None:
    shown = terminal()
    print_file(shown, verification(report(*PERSON_THEN_SEAL)).files[0])
    said = printed(shown.out)
    for line in (
        "    Cá nhân: Chánh Văn phòng, Văn phòng Thành ủy",
        "    Cơ quan, tổ chức (con dấu): Thành ủy Thành phố Hồ Chí Minh (mã định danh Z79.VPTU)",
        "    Sửa sau khi ký: Nội dung đã ký còn nguyên vẹn. Sau khi ký có phần được thêm vào, tất cả đều được phép.",
        "    Dấu thời gian: không có; thời điểm ký không được chứng minh",
        "    Dấu thời gian: 21/11/2026 13:05:11 +07:00, Dịch vụ cấp dấu thời gian: Được công nhận",
    ):
        assert line in said.splitlines()
    (path, _) = (line for line in said.splitlines() if line.startswith("    Chứng thư số: "))
    assert path.index("Văn phòng") < path.index("→ Cơ quan cấp chứng thư G2") < path.index("→ Gốc chuyên dùng")


def test_several_files_end_with_a_summary() -> None:
    shown = terminal()
    print_summary(shown, everything())
    assert printed(shown.out).startswith("✘ 5 tệp: 1 hợp lệ, ")
    alone = terminal()
    print_summary(alone, verification(report(PASSED)))
    assert printed(alone.out) == ""


def test_hostile_names_move_nothing_on_a_terminal() -> None:
    shown = terminal()
    print_file(shown, verification(hostile()).files[0])
    said = printed(shown.out)
    assert not [letter for letter in said if unicodedata.category(letter).startswith("C") and letter != "\n"]
    heads = [line for line in said.splitlines() if line.startswith("  Chưa đủ căn cứ kết luận.")]
    assert len(heads) == len(HOSTILE)


# --- moments


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T13:05:09+07:00", datetime(2026, 11, 21, 6, 5, 9, tzinfo=UTC)),
        ("2026-11-21T06:05:09Z", datetime(2026, 11, 21, 6, 5, 9, tzinfo=UTC)),
        ("21/11/2026 13:05", datetime(2026, 11, 21, 6, 5, tzinfo=UTC)),
        (" 21/11/2026  13:05:09 ", datetime(2026, 11, 21, 6, 5, 9, tzinfo=UTC)),
    ],
)
def test_a_moment_as_programs_and_people_write_it(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "text", ["", "now", "21/11/2026", "2026-11-21T13:05:09", "11/21/2026 13:05", "31/02/2026 1:00"]
)
def test_what_could_be_two_moments_is_none(text: str) -> None:
    with pytest.raises(Failure, match=r"cli\.moment"):
        parse_moment(text)


# --- refused before anything is examined


def test_nobody_is_believed_unless_he_was_named(tmp_path: Path, capsys: Capture) -> None:
    letter = tmp_path / "a.pdf"
    letter.write_bytes(tiny_pdf())
    assert main(["verify", str(letter)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "--trust THƯ-MỤC" in said.err
    assert "hệ điều hành không bao giờ" in said.err


def test_a_report_that_cannot_be_made_is_refused_at_once(desk: Desk, capsys: Capture) -> None:
    def refused(*line: object, code: int, why: str) -> None:
        assert desk.verify(desk.good, *line) == code
        said = capsys.readouterr()
        assert (said.out, why in said.err) == ("", True), said.err

    there = desk.folder / "there.json"
    there.write_text("{}")
    refused("--report", desk.folder / "r.doc", code=2, why="cli.report_form")
    refused("--report", desk.folder / "none" / "r.pdf", code=3, why="cli.no_folder")
    refused("--report", there, code=7, why="cli.exists")
    assert there.read_text() == "{}"
    link = desk.folder / "link.pdf"
    link.symlink_to(desk.good)
    refused("--report", link, "--force", code=2, why="cli.report_input")
    pdf = desk.folder / "beside.pdf"
    pdf.write_bytes(b"a signature")
    refused("--report", pdf, "--signature", pdf, "--force", code=2, why="cli.report_input")
    refused(desk.unsigned, "--signature", pdf, code=2, why="cli.signature_alone")
    for more in (("--seal-key", desk.key), ("--seal-cert", desk.certificate), desk.seal()):
        refused(*more, "--report", desk.folder / "r.html", code=2, why="cli.seal_pair")
    refused(*desk.seal(), code=2, why="cli.seal_pair")
    files = [desk.good] * REPORT_FILES_MAX
    refused(*files, "--report", desk.folder / "r.json", code=2, why="cli.report_files")
    broken = desk.folder / "policy.toml"
    broken.write_text("name = ")
    refused("--policy", broken, code=8, why="cli.policy_unread")
    refused("--policy", desk.folder / "none.toml", code=8, why="cli.policy_unread")
    refused("--at", "yesterday", code=2, why="cli.moment")
    assert sorted(path.suffix for path in desk.folder.glob("r*")) == [".crt", ".pem"]


# --- whole runs


@pytest.mark.slow
def test_the_same_verdicts_in_three_forms(desk: Desk, capsys: Capture) -> None:
    forms = {form: desk.folder / f"r{form}" for form in (".json", ".html", ".pdf")}
    for path in forms.values():
        assert desk.verify(desk.good, desk.unsigned, "--report", path) == 4, "one is unsigned"
        assert f"Đã ghi báo cáo: {path}" in capsys.readouterr().err
    record = json.loads(forms[".json"].read_text("utf-8"))
    check("verify", record)
    assert (record["result"], [file["result"] for file in record["files"]]) == ("unsigned", ["passed", "unsigned"])
    page = forms[".html"].read_text("utf-8")
    assert "2 tệp: 1 hợp lệ, 0 chưa đủ căn cứ kết luận, 0 KHÔNG hợp lệ, 1 không có chữ ký số" in page
    root = PdfFileReader(io.BytesIO(forms[".pdf"].read_bytes())).root
    attached = root["/AF"][0].get_object()["/EF"]["/F"].get_object().data
    assert [file["sha256"] for file in json.loads(attached)["files"]] == [file["sha256"] for file in record["files"]]
    assert desk.verify(desk.good, "--report", forms[".json"], "--force") == 0
    assert len(json.loads(forms[".json"].read_text("utf-8"))["files"]) == 1
    assert not list(desk.folder.glob(".gateway-*"))


@pytest.mark.slow
def test_a_sealed_report_is_itself_verified(desk: Desk, capsys: Capture) -> None:
    path = desk.folder / "r.pdf"
    assert desk.verify(desk.good, "--report", path, *desk.seal()) == 0
    assert "có đóng dấu số" in capsys.readouterr().err
    assert desk.verify(path) == 0
    assert "✔ Chữ ký hợp lệ: r.pdf\n  Chữ ký hợp lệ. Người ký: Văn phòng Thành ủy" in capsys.readouterr().out
    root = PdfFileReader(io.BytesIO(path.read_bytes())).root
    assert re.search('pdfaid:part(="3"|>3<)', root["/Metadata"].data.decode()), "sealing leaves it what it was"
    assert root["/AF"][0].get_object()["/UF"] == "verification.json"
    widgets = [note.get_object() for kid in root["/Pages"]["/Kids"] for note in kid.get_object().get("/Annots", ())]
    assert len(widgets) == 1
    for widget in widgets:  # ISO 19005-3 clause 6.3.2: printed, not hidden; 6.3.3: of no size, or with an appearance
        assert widget["/F"] & PRINT
        assert not widget["/F"] & ~(PRINT | 128)
        assert "/AP" in widget or list(widget["/Rect"]) == [0, 0, 0, 0]


@pytest.mark.slow
def test_a_key_that_cannot_be_used_is_told_before_any_verdict(desk: Desk, capsys: Capture) -> None:
    desk.key.chmod(0o644)
    path = desk.folder / "r.pdf"
    assert desk.verify(desk.good, "--report", path, *desk.seal()) == 8
    said = capsys.readouterr()
    assert (said.out, "key.missing" in said.err, path.exists()) == ("", True, False)


@pytest.mark.slow
def test_another_moment_of_judgement_is_said_as_such(desk: Desk, capsys: Capture) -> None:
    path, later = desk.folder / "r.json", desk.pki.now + timedelta(days=4000)
    assert desk.verify(desk.good, "--report", path, "--at", later.isoformat()) == 4, (
        "its certificate has run out by then"
    )
    out = capsys.readouterr().out
    assert "Thời điểm xét do người kiểm tra chọn: " in out
    record = json.loads(path.read_text("utf-8"))
    (file,) = record["files"]
    assert datetime.fromisoformat(record["moment"]) == datetime.fromisoformat(file["judged_at"])
    assert file["examined_at"] < file["judged_at"]
    assert "moment" in [limit["code"] for limit in file["limits"]]


@pytest.mark.slow
def test_the_policy_that_was_named_is_the_one_that_is_told(desk: Desk) -> None:
    policy = Path(__file__).parents[3] / "config" / "policy" / "strict-example-3.toml"
    path = desk.folder / "r.json"
    desk.verify(desk.good, "--report", path, "--policy", policy)
    (told,) = json.loads(path.read_bytes())["files"][0]["policies"]
    assert told["name"] == "strict-example"
    assert told["sha256"] == sha256(policy.read_bytes()).hexdigest()


def test_time_is_told_in_vietnam() -> None:
    shown = terminal()
    print_file(shown, verification(report(PASSED)).files[0])
    assert "22/11/2026 09:30:05 +07:00" in printed(shown.out)
    assert NOW.hour == 2


def test_what_draws_is_loaded_for_whoever_wants_a_drawing() -> None:
    """fpdf2, Pillow and fontTools take a fifth of a second, and forty megabytes."""
    probe = (
        "import sys, gateway.cli.verify; print([name for name in ('fpdf', 'jinja2', 'segno') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_report_that_nobody_reads_is_not_drawn(tmp_path: Path) -> None:
    many = verification(*[report(*[PASSED] * 20)] * (REPORT_SIGNATURES_MAX // 20 + 1))
    path = tmp_path / "r.pdf"
    order = VerifyOrder(
        files=(path,),
        signature=None,
        trust=None,
        policy=None,
        moment=None,
        demo=False,
        registry=None,
        registry_digest=None,
        report=path,
        seal=None,
        force=False,
    )
    with pytest.raises(Failure, match=r"cli\.report_signatures"):
        await ReportWriter(order=order, draw=lambda _, record: record, seal=None).write(terminal(), many)
    assert not path.exists()
    await ReportWriter(order=order, draw=None, seal=None).write(terminal(), many)
    assert json.loads(path.read_bytes())["result"] == "passed"
