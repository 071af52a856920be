"""The words of the demo's two letters: fictional, in the manner of the offices that write such letters."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Head:
    """The top of the first page."""

    superior: str
    issuer: str
    title: str
    motto: str
    """Empty on a Party letter."""
    star: bool
    """A Party letter has a star under its issuer, a government one a line."""
    number_label: str
    subject_lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A numbered heading."""

    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """A point of a list."""

    text: str
    keep: float = 1.0
    """Lines that must still fit on the page below its top."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, the first row the heading."""

    widths: tuple[int, ...]
    align: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class LetterText:
    """All words of a letter that its envelope does not repeat."""

    type_name: str
    head: Head
    addressees: tuple[str, ...]
    body: tuple[str | Heading | Item | Table, ...]
    copies: tuple[str, ...]
    signer_lines: tuple[str, ...]


CITY_TEXT = LetterText(
    type_name="Công văn",
    head=Head(
        superior="THÀNH ỦY THÀNH PHỐ HỒ CHÍ MINH",
        issuer="VĂN PHÒNG",
        title="ĐẢNG CỘNG SẢN VIỆT NAM",
        motto="",
        star=True,
        number_label="Số",
        subject_lines=(
            "Về việc gửi, nhận văn bản điện tử giữa",
            "Thành ủy, Ủy ban nhân dân Thành phố",
            "và 168 phường, xã, đặc khu",
        ),
    ),
    addressees=(
        "- Đảng ủy các phường, xã, đặc khu,",
        "- Ủy ban nhân dân các phường, xã, đặc khu.",
    ),
    body=(
        (
            "Để việc trao đổi văn bản giữa các cơ quan đảng và chính quyền hai cấp của Thành phố được "
            "thống nhất, kịp thời, đúng nơi nhận và có chứng cứ kiểm tra lại được, Văn phòng Thành ủy đề "
            "nghị đảng ủy và ủy ban nhân dân 168 phường, xã, đặc khu thực hiện gửi, nhận văn bản điện tử "
            "qua cổng liên thông của Thành phố kể từ 07 giờ 30 phút ngày 02 tháng 3 năm 2026, với các nội "
            "dung sau:"
        ),
        Heading("1. Phạm vi áp dụng"),
        (
            "Văn bản gửi, nhận qua cổng liên thông gồm: công văn, thông báo, giấy mời, báo cáo, kế hoạch, "
            "chương trình, tờ trình, quyết định và các loại văn bản hành chính khác không thuộc danh mục "
            "bí mật nhà nước. Văn bản có độ Mật trở lên không được soạn thảo, lưu giữ hoặc gửi qua cổng "
            "này dưới bất kỳ hình thức nào; việc gửi, nhận thực hiện theo quy định về bảo vệ bí mật nhà "
            "nước."
        ),
        (
            "Văn bản điện tử đã được ký số hợp lệ và gửi thành công thì không gửi thêm bản giấy, trừ "
            "trường hợp nơi nhận có yêu cầu bằng văn bản hoặc pháp luật có quy định khác."
        ),
        Heading("2. Chuẩn bị văn bản trước khi gửi"),
        Item(
            "a) Văn bản ở định dạng PDF, phông chữ tiếng Việt Unicode được nhúng trong tệp, dung lượng "
            "mỗi tệp không quá 7 MB. Không quét lại bản giấy nếu đã có bản điện tử gốc."
        ),
        Item(
            "b) Văn bản phải có chữ ký số của người có thẩm quyền và dấu số của cơ quan, đơn vị ban hành. "
            "Cơ quan, đơn vị có thể ủy thác dấu số cho cổng liên thông; khi đó việc đóng dấu chỉ được "
            "thực hiện theo yêu cầu của tài khoản được giao quyền."
        ),
        Item(
            "c) Thông tin kèm theo văn bản (số, ký hiệu, ngày ban hành, loại văn bản, trích yếu, độ khẩn, "
            "nơi nhận) phải khớp với nội dung văn bản. Nơi nhận được xác định bằng mã định danh điện tử, "
            "không xác định bằng tên gọi."
        ),
        Heading("3. Tiếp nhận và phản hồi trạng thái"),
        (
            "Bộ phận văn thư của nơi nhận thường xuyên theo dõi hộp văn bản đến trong giờ làm việc, kiểm "
            "tra kết quả xác thực chữ ký số, dấu số và cập nhật trạng thái xử lý theo bảng sau:"
        ),
        Table(
            widths=(13, 40, 70, 42),
            align=("CENTER", "LEFT", "LEFT", "LEFT"),
            rows=(
                ("Mã", "Trạng thái", "Nội dung", "Thời hạn cập nhật"),
                ("01", "Đã đến", "Cổng nơi nhận đã nhận đủ, kiểm tra và trả biên nhận", "Tự động, ngay khi nhận"),
                (
                    "02",
                    "Từ chối tiếp nhận",
                    "Gửi sai nơi nhận, không đúng thẩm quyền; phải nêu lý do",
                    "04 giờ làm việc",
                ),
                ("03", "Đã tiếp nhận", "Văn thư đã kiểm tra và vào sổ văn bản đến", "04 giờ làm việc"),
                ("04", "Phân công", "Đã trình và có ý kiến phân công của lãnh đạo", "01 ngày làm việc"),
                ("05", "Đang xử lý", "Đơn vị, cá nhân được giao đang thực hiện", "Khi bắt đầu xử lý"),
                ("06", "Hoàn thành", "Đã xử lý xong hoặc đã có văn bản trả lời", "Khi kết thúc"),
            ),
        ),
        "Trường hợp văn bản khẩn, hỏa tốc, thời hạn tại các mã 02 và 03 rút xuống còn 30 phút, kể cả ngoài giờ làm việc.",
        Heading("4. Biên nhận điện tử và lưu vết"),
        (
            "Mỗi lần gửi, cổng nơi nhận trả lại một biên nhận điện tử nêu rõ từng nơi nhận, kết quả và vị "
            "trí của sự kiện trong nhật ký. Biên nhận là căn cứ xác định văn bản đã đến; các đơn vị không "
            "xóa, không sửa biên nhận và xuất trình khi có yêu cầu kiểm tra, đối chiếu. Khi biên nhận nêu "
            "nơi nhận bị từ chối, văn thư xem lý do, sửa thông tin và gửi lại; không gửi lại văn bản đã "
            "có biên nhận thành công."
        ),
        Heading("5. Xử lý sự cố"),
        (
            "Khi đường truyền hoặc hệ thống gián đoạn, văn bản đã được cổng tiếp nhận sẽ tự động gửi "
            "tiếp, không cần thao tác lại. Nếu sau 02 giờ văn bản khẩn vẫn chưa có biên nhận, văn thư báo "
            "ngay cho đầu mối kỹ thuật và gửi bản giấy theo quy định hiện hành, sau đó cập nhật để hai "
            "bản không bị vào sổ hai lần."
        ),
        Heading("6. Tổ chức thực hiện"),
        Item(
            "a) Đảng ủy và ủy ban nhân dân các phường, xã, đặc khu: cử 01 lãnh đạo phụ trách và 02 cán bộ "
            "văn thư làm đầu mối; rà soát mã định danh điện tử, chứng thư số của cơ quan, đơn vị; gửi "
            "danh sách về Văn phòng Thành ủy trước ngày 10 tháng 02 năm 2026."
        ),
        Item(
            "b) Văn phòng Ủy ban nhân dân Thành phố: phối hợp hướng dẫn khối chính quyền, bảo đảm hai "
            "cổng liên thông hoạt động thông suốt; tổng hợp khó khăn, vướng mắc của khối chính quyền."
        ),
        Item(
            "c) Phòng Cơ yếu - Công nghệ thông tin, Văn phòng Thành ủy: quản lý chứng thư số, tập huấn "
            "cho cán bộ văn thư, trực hỗ trợ kỹ thuật trong 30 ngày đầu và báo cáo kết quả hằng tuần."
        ),
        Item("d) Tiến độ thực hiện:", keep=4.0),
        Table(
            widths=(44, 73, 48),
            align=("LEFT", "LEFT", "LEFT"),
            rows=(
                ("Thời gian", "Nội dung", "Thực hiện"),
                (
                    "Trước ngày 10/02/2026",
                    "Gửi danh sách đầu mối; rà soát mã định danh, chứng thư số",
                    "168 phường, xã, đặc khu",
                ),
                (
                    "10/02 - 13/02/2026",
                    "Tập huấn trực tuyến cho lãnh đạo phụ trách và cán bộ văn thư",
                    "Văn phòng Thành ủy, Văn phòng Ủy ban nhân dân Thành phố",
                ),
                (
                    "23/02 - 27/02/2026",
                    "Gửi thử và nhận thử, mỗi khối ít nhất 03 văn bản; kết quả không có giá trị hành chính",
                    "168 phường, xã, đặc khu",
                ),
                ("Từ ngày 02/3/2026", "Gửi, nhận chính thức qua cổng liên thông", "Tất cả cơ quan, đơn vị"),
                (
                    "Ngày 31/3/2026",
                    "Báo cáo kết quả tháng đầu, kiến nghị điều chỉnh",
                    "Văn phòng Thành ủy tổng hợp",
                ),
            ),
        ),
        (
            "Quá trình thực hiện, nếu có khó khăn, vướng mắc, đề nghị các đơn vị kịp thời phản ánh về Văn "
            "phòng Thành ủy để được hướng dẫn, giải quyết."
        ),
        "Đề nghị đảng ủy, ủy ban nhân dân các phường, xã, đặc khu quan tâm, chỉ đạo thực hiện./.",
    ),
    copies=(
        "Như trên,",
        "Thường trực Thành ủy (để báo cáo),",
        "Ủy ban nhân dân Thành phố (để phối hợp),",
        "Các phòng thuộc Văn phòng Thành ủy,",
        "Lưu Văn phòng Thành ủy.",
    ),
    signer_lines=("CHÁNH VĂN PHÒNG",),
)

REPLY_TEXT = LetterText(
    type_name="Công văn",
    head=Head(
        superior="ỦY BAN NHÂN DÂN",
        issuer="PHƯỜNG THỦ DẦU MỘT",
        title="CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        motto="Độc lập - Tự do - Hạnh phúc",
        star=False,
        number_label="Số:",
        subject_lines=("V/v cử đầu mối và sẵn sàng gửi, nhận", "văn bản điện tử"),
    ),
    addressees=("Văn phòng Thành ủy Thành phố Hồ Chí Minh.",),
    body=(
        (
            "Thực hiện Công văn số 12-CV/VPTU ngày 02 tháng 02 năm 2026 của Văn phòng Thành ủy về việc "
            "gửi, nhận văn bản điện tử giữa Thành ủy, Ủy ban nhân dân Thành phố và 168 phường, xã, đặc "
            "khu, Ủy ban nhân dân phường Thủ Dầu Một báo cáo như sau:"
        ),
        (
            "1. Ủy ban nhân dân phường đã nhận đủ văn bản qua cổng liên thông; chữ ký số và dấu số được "
            "xác thực hợp lệ, văn bản đã được vào sổ văn bản đến ngay trong ngày."
        ),
        "2. Danh sách đầu mối của Ủy ban nhân dân phường:",
        Table(
            widths=(13, 50, 62, 40),
            align=("CENTER", "LEFT", "LEFT", "LEFT"),
            rows=(
                ("TT", "Họ và tên", "Chức vụ", "Nhiệm vụ"),
                ("1", "Trần Thị Mẫu", "Chủ tịch Ủy ban nhân dân phường", "Lãnh đạo phụ trách"),
                ("2", "Lê Văn Thí Dụ", "Công chức Văn phòng", "Văn thư, đầu mối chính"),
                ("3", "Phạm Thị Minh Họa", "Công chức Văn phòng", "Văn thư, dự phòng"),
            ),
        ),
        (
            "3. Mã định danh điện tử và chứng thư số của Ủy ban nhân dân phường đã được rà soát, đúng với "
            "thông tin trong danh bạ của cổng liên thông. Ủy ban nhân dân phường sẵn sàng gửi, nhận văn "
            "bản điện tử kể từ ngày 02 tháng 3 năm 2026."
        ),
        "Ủy ban nhân dân phường Thủ Dầu Một kính gửi Văn phòng Thành ủy tổng hợp./.",
    ),
    copies=("Như trên;", "Đảng ủy phường (để báo cáo);", "Văn phòng Ủy ban nhân dân Thành phố;", "Lưu: VT."),
    signer_lines=("TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH"),
)
