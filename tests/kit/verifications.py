"""Verdicts made by hand for tests of reports: full ones, bare ones, hostile ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from gateway.core.ids import Digest, OrganId
from gateway.core.validation import (
    CertificateSeen,
    Change,
    ChangeKind,
    Check,
    Indication,
    Level,
    Outcome,
    PolicyUsed,
    RevocationSeen,
    RevocationStatus,
    SignatureDetails,
    SignerIdentity,
    SignerKind,
    SubIndication,
    TimestampKind,
    TimestampSeen,
)
from gateway.core.verdict import FileVerdict, SignatureVerdict
from gateway.evidence import (
    Circumstances,
    ExaminedPart,
    FileReport,
    FileVerification,
    Unreadable,
    Verification,
    unexamined,
    verified,
)

NOW = datetime(2026, 11, 22, 2, 30, 5, tzinfo=UTC)
SIGNED = datetime(2026, 11, 21, 6, 5, 9, tzinfo=UTC)
STAMPED = datetime(2026, 11, 21, 6, 5, 11, tzinfo=UTC)
POLICY = PolicyUsed(name="edoc-gateway", version=1, digest=Digest(sha256(b"policy").hexdigest()))
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "công\u202efdp.văn",
    "a\x1b[2Jb\x00c\r\nd",
    "{{ 7*7 }}{nb}{page}%s",
    "文書 שלום 🎉",
    "&lt;b&gt; ' \" \\ ]]> --",
    "x" * 10_000,
)


def digest(letter: str) -> Digest:
    return Digest(sha256(letter.encode()).hexdigest())


def certificate(name: str, issuer: str, letter: str, *, anchor: bool = False) -> CertificateSeen:
    return CertificateSeen(
        digest=digest(letter),
        subject=f"Common Name: {name}, Organization: Thành ủy Thành phố Hồ Chí Minh, Country: VN",
        issuer=f"Common Name: {issuer}, Country: VN",
        serial=f"5401{letter * 12}",
        not_before=datetime(2026, 1, 1, tzinfo=UTC),
        not_after=datetime(2029, 1, 1, tzinfo=UTC),
        key="RSA-2048",
        anchor=anchor,
    )


LEAF = certificate("Văn phòng Thành ủy Thành phố Hồ Chí Minh", "Cơ quan cấp chứng thư G2", "a")
ISSUER = certificate("Cơ quan cấp chứng thư G2", "Gốc chuyên dùng Chính phủ", "b")
ANCHOR = certificate("Gốc chuyên dùng Chính phủ", "Gốc chuyên dùng Chính phủ", "c", anchor=True)
AUTHORITY = certificate("Dịch vụ cấp dấu thời gian", "Gốc chuyên dùng Chính phủ", "d")

IDENTITY = SignerIdentity(
    kind=SignerKind.BODY,
    name="Văn phòng Thành ủy Thành phố Hồ Chí Minh",
    organization="Thành ủy Thành phố Hồ Chí Minh",
    organ_id="Z79.VPTU",
    title="",
)
PERSON = SignerIdentity(
    kind=SignerKind.PERSON,
    name="Nguyễn Thị Ngọc Ánh",
    organization="Văn phòng Thành ủy",
    organ_id="",
    title="Chánh Văn phòng",
)


def revocation(letter: str, *, kind: str = "crl", source: str = "store") -> RevocationSeen:
    return RevocationSeen(
        certificate=digest(letter),
        status=RevocationStatus.GOOD,
        kind=kind,
        source=source,
        issued_at=SIGNED - timedelta(hours=3),
        next_update=SIGNED + timedelta(days=7),
        age_seconds=3 * 3600 + 2,
        digest=digest("e"),
    )


def timestamp() -> TimestampSeen:
    return TimestampSeen(
        kind=TimestampKind.SIGNATURE,
        indication=Indication.TOTAL_PASSED,
        sub_indication=None,
        reason="trusted",
        time=STAMPED,
        authority="Dịch vụ cấp dấu thời gian",
        certificate=digest("d"),
        policy="1.3.6.1.4.1.99999.1",
        chain=(AUTHORITY, ANCHOR),
        checks=(
            Check(duty=1, name="timestamp.form", clause="RFC 3161 2.4.2", outcome=Outcome.MET),
            Check(duty=5, name="timestamp.authority", clause="RFC 3161 2.3", outcome=Outcome.MET),
        ),
    )


CHECKS = (
    Check(duty=1, name="cades.form", clause="RFC 5652 5.1", outcome=Outcome.MET),
    Check(duty=2, name="cades.message_digest", clause="EN 319 122-1 5.1.2", outcome=Outcome.MET),
    Check(duty=3, name="cades.signature", clause="EN 319 102-1 5.2.7", outcome=Outcome.MET),
    Check(duty=4, name="cades.timestamps", clause="EN 319 122-1 5.3", outcome=Outcome.MET),
)

FULL = SignatureDetails(
    identity=IDENTITY,
    level=Level.B_LT,
    chain=(LEAF, ISSUER, ANCHOR),
    revocation=(revocation("a"), revocation("b", kind="ocsp", source="embedded")),
    timestamps=(timestamp(),),
    best_time=STAMPED,
    changes=(),
    algorithms=("SHA-256", "RSASSA-PKCS1-v1_5"),
    checks=CHECKS,
    policy=POLICY,
)


def signature(
    indication: Indication = Indication.TOTAL_PASSED,
    sub_indication: SubIndication | None = None,
    details: SignatureDetails = FULL,
    **more: object,
) -> SignatureVerdict:
    verdict = SignatureVerdict(
        indication=indication,
        sub_indication=sub_indication,
        reason="trusted" if sub_indication is None else "the bytes are not the signed ones",
        certificate=digest("a"),
        signer="Văn phòng Thành ủy Thành phố Hồ Chí Minh",
        claimed_time=SIGNED,
        covers="whole file",
        details=details,
    )
    return replace(verdict, **more)  # type: ignore[arg-type]  # members of a verdict, for tests


BARE = SignatureDetails()
PASSED = signature()
UNDECIDED = signature(Indication.INDETERMINATE, SubIndication.TRY_LATER, BARE)
FAILED = signature(
    Indication.TOTAL_FAILED,
    SubIndication.HASH_FAILURE,
    replace(
        FULL,
        timestamps=(),
        best_time=None,
        checks=(
            CHECKS[0],
            replace(CHECKS[1], outcome=Outcome.FAILED, detail="the digest is another one"),
            replace(CHECKS[2], outcome=Outcome.NOT_MADE),
            replace(CHECKS[3], outcome=Outcome.NOT_MADE),
        ),
    ),
)
PERSON_THEN_SEAL = (
    signature(
        details=replace(
            FULL,
            identity=PERSON,
            timestamps=(),
            best_time=None,
            changes=(
                Change(kind=ChangeKind.SIGNATURE, allowed=True, revision=2),
                Change(kind=ChangeKind.EVIDENCE, allowed=True, revision=3),
            ),
        ),
        covers="revision",
        certificate=digest("f"),
        signer="Nguyễn Thị Ngọc Ánh",
    ),
    PASSED,
)


def report(*signatures: SignatureVerdict, name: str = "cong-van-12.pdf", **more: object) -> FileReport:
    """A PDF with these signatures, in the order of the worst deciding."""
    order = (Indication.TOTAL_FAILED, Indication.INDETERMINATE, Indication.TOTAL_PASSED)
    found = {one.indication for one in signatures}
    indication = next((one for one in order if one in found), None)
    verdict = FileVerdict(
        media_type="application/pdf", indication=indication, sub_indication=None, signatures=signatures, reason=""
    )
    whole = FileReport(
        name=name,
        size=60_673,
        digest=digest("0"),
        examined_at=NOW,
        judged_at=NOW,
        kind="pdf",
        indication=indication,
        envelope=None,
        parts=(ExaminedPart(name=name, verdict=verdict),),
        signers=((digest("a"), OrganId("Z79.VPTU")),),
    )
    return replace(whole, **more)  # type: ignore[arg-type]  # members of a report, for tests


def verification(*files: FileReport | FileVerification, moment: datetime | None = None) -> Verification:
    return Verification(
        circumstances=Circumstances(version="0.1.0", made_at=NOW, moment=moment, registry=True),
        files=tuple(verified(one) if isinstance(one, FileReport) else one for one in files),
    )


EMPTY = unexamined("rong.pdf", Unreadable(code="file.empty", params={"file": "rong.pdf"}))


def hostile() -> FileReport:
    """A file whose every text tries something."""
    signatures = tuple(
        signature(
            Indication.INDETERMINATE,
            SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
            replace(
                FULL,
                identity=SignerIdentity(
                    kind=SignerKind.UNKNOWN, name=text, organization=text, organ_id=text, title=text
                ),
                chain=(replace(LEAF, subject=f"Common Name: {text}", issuer=text, key=text), ANCHOR),
                timestamps=(replace(timestamp(), authority=text, policy=text, indication=Indication.INDETERMINATE),),
                algorithms=(text,),
                checks=(Check(duty=1, name=text, clause=text, outcome=Outcome.UNDECIDED, detail=text),),
            ),
            signer=text,
            covers=text,
            reason=text,
        )
        for text in HOSTILE
    )
    return report(*signatures, name="<b>công\u202efdp.exe</b>\x1b[2J{nb}.pdf")


def everything() -> Verification:
    """One run over files of every result."""
    return verification(
        report(*PERSON_THEN_SEAL, name="Công văn số 12.pdf"),
        report(UNDECIDED, name="to-trinh.pdf"),
        report(FAILED, name="quyet-dinh.pdf"),
        report(name="khong-ky.pdf"),
        EMPTY,
    )
