"""Commands of whoever has a key in hand and a PDF to sign, or one whose timestamps grow old."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import lazy
from gateway.cli.errors import Failure
from gateway.cli.grammar.options import COUNT, DIR, FILE, NAME, TEXT, Environment, session_of
from gateway.cli.grammar.signing import (
    Above,
    Demo,
    Force,
    KeyName,
    Lower,
    OwnCertificate,
    PasswordFile,
    Tsa,
    believed,
    key_in_hand,
)
from gateway.cli.orders import RenewalOrder, SealingOrder, Shown
from gateway.core.validation import Level


class Look(StrEnum):
    """What a signature shows (Decree 30/2020/ND-CP)."""

    INVISIBLE = "invisible"
    SIGNATURE = "signature"
    SEAL = "seal"
    ATTACHMENT = "attachment"
    COPY = "copy"


PdfFile = Annotated[Path, typer.Argument(metavar=FILE, help="cli.option.pdf_file", show_default=False)]
Output = Annotated[Path, typer.Option("-o", "--output", metavar=FILE, help="cli.option.pdf_output", show_default=False)]
Width = Annotated[float | None, typer.Option("--width", metavar="MM", min=1, max=300, help="cli.option.seal_width")]
PageNumber = Annotated[int | None, typer.Option("--page", metavar=COUNT, min=1, help="cli.option.seal_page")]
Beside = Annotated[str, typer.Option("--beside", metavar=NAME, help="cli.option.seal_beside", show_default=False)]
Field = Annotated[str, typer.Option("--field", metavar=NAME, help="cli.option.seal_field", show_default=False)]
Number = Annotated[str, typer.Option("--number", metavar=TEXT, help="cli.option.seal_number", show_default=False)]
Form = Annotated[str, typer.Option("--form", metavar=TEXT, help="cli.option.seal_form", show_default=False)]
Body = Annotated[str, typer.Option("--body", metavar=TEXT, help="cli.option.seal_body", show_default=False)]
OwnTrust = Annotated[
    Path | None, typer.Option("--trust", metavar=DIR, help="cli.option.seal_trust", show_default=False)
]


def seal(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    file: PdfFile,
    *,
    output: Output,
    key: KeyName,
    cert: OwnCertificate,
    chain: Above = None,
    password_file: PasswordFile = None,
    appearance: Annotated[Look, typer.Option("--appearance", help="cli.option.seal_appearance")] = Look.INVISIBLE,
    image: Annotated[Path | None, typer.Option("--image", metavar=FILE, help="cli.option.seal_image")] = None,
    width: Width = None,
    page: PageNumber = None,
    at: Annotated[str | None, typer.Option("--at", metavar="X,Y", help="cli.option.seal_at")] = None,
    beside: Beside = "",
    field: Field = "",
    number: Number = "",
    form: Form = "",
    body: Body = "",
    level: Annotated[Level | None, typer.Option("--level", help="cli.option.seal_level", show_default=False)] = None,
    lower: Lower = False,
    tsa: Tsa = None,
    trust: OwnTrust = None,
    environment: Demo = Environment.PRODUCTION,
    force: Force = False,
) -> int:
    """See `lazy.seal`."""
    shown = Shown(
        kind=appearance.value,
        image=image,
        width_mm=width,
        page=page,
        at=None if at is None else parse_place(at),
        beside=beside,
        number=number,
        form=form,
        body=body,
    )
    order = SealingOrder(
        file=file,
        output=output,
        force=force,
        key=key_in_hand(key, cert, chain=chain, password_file=password_file),
        field=field,
        level=level or (Level.B_T if tsa else Level.B_B),
        lower=lower,
        shown=shown,
        believed=believed(trust, environment, authorities=tsa),
    )
    return lazy.seal(session_of(context), order)


def ltaupdate(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    file: PdfFile,
    *,
    output: Output,
    tsa: Annotated[list[str], typer.Option("--tsa", metavar="URL", help="cli.option.tsa", show_default=False)],
    trust: Annotated[Path, typer.Option("--trust", metavar=DIR, help="cli.option.trust", show_default=False)],
    environment: Demo = Environment.PRODUCTION,
    force: Force = False,
) -> int:
    """See `lazy.ltaupdate`."""
    said = believed(trust, environment, authorities=tsa)
    order = RenewalOrder(file=file, output=output, force=force, believed=said)
    return lazy.ltaupdate(session_of(context), order)


def parse_place(text: str) -> tuple[float, float]:
    """Millimetres from the left and from the top: `120,85.5`.

    Raises:
        Failure: it is none.
    """
    across, _, down = text.partition(",")
    try:
        place = float(across), float(down)
    except ValueError as error:
        raise Failure("cli.seal.at", value=text) from error
    if not all(0 <= side <= 10_000 for side in place):  # a NaN is none of them either
        raise Failure("cli.seal.at", value=text)
    return place
