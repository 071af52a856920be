"""Commands of whoever holds a key and signs with it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import lazy
from gateway.cli.grammar.options import DIR, FILE, Environment, session_of
from gateway.cli.orders import Believed, KeyInHand, SignOrder
from gateway.core.validation import Level


class PlainLevel(StrEnum):
    """Levels of what is no PDF."""

    B_B = "B-B"
    B_T = "B-T"


KeyName = Annotated[str, typer.Option("--key", metavar=FILE, help="cli.option.signing_key", show_default=False)]
OwnCertificate = Annotated[
    Path, typer.Option("--cert", metavar=FILE, help="cli.option.signing_certificate", show_default=False)
]
Above = Annotated[
    list[Path] | None, typer.Option("--chain", metavar=FILE, help="cli.option.seal_chain", show_default=False)
]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", metavar=FILE, help="cli.option.password_file", show_default=False)
]
Trust = Annotated[Path, typer.Option("--trust", metavar=DIR, help="cli.option.trust", show_default=False)]
Tsa = Annotated[list[str] | None, typer.Option("--tsa", metavar="URL", help="cli.option.tsa", show_default=False)]
Lower = Annotated[bool, typer.Option("--allow-lower", help="cli.option.seal_lower")]
AnyLevel = Annotated[PlainLevel | None, typer.Option("--level", help="cli.option.seal_level", show_default=False)]
Demo = Annotated[Environment, typer.Option("--environment", help="cli.option.environment")]
Force = Annotated[bool, typer.Option("--force", help="cli.option.force")]
SignedOutput = Annotated[
    Path, typer.Option("-o", "--output", metavar=FILE, help="cli.option.edxml_output", show_default=False)
]
Envelope = Annotated[Path, typer.Argument(metavar=FILE, help="cli.option.edxml_to_sign", show_default=False)]


def sign(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar=FILE, help="cli.option.signed_file", show_default=False)],
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar=FILE, help="cli.option.signature_file")
    ] = None,
    key: KeyName,
    cert: OwnCertificate,
    chain: Above = None,
    password_file: PasswordFile = None,
    level: AnyLevel = None,
    lower: Lower = False,
    tsa: Tsa = None,
    trust: Trust,
    environment: Demo = Environment.PRODUCTION,
    force: Force = False,
) -> int:
    """See `lazy.sign`."""
    order = SignOrder(
        file=file,
        output=output,
        key=key_in_hand(key, cert, chain=chain, password_file=password_file),
        level=_level(level, tsa),
        lower=lower,
        believed=believed(trust, environment, authorities=tsa),
        force=force,
    )
    return lazy.sign(session_of(context), order)


def sign_envelope(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    file: Envelope,
    *,
    output: SignedOutput,
    key: KeyName,
    cert: OwnCertificate,
    chain: Above = None,
    password_file: PasswordFile = None,
    slip: Annotated[bool, typer.Option("--slip", help="cli.option.edxml_slip")] = False,
    level: AnyLevel = None,
    lower: Lower = False,
    tsa: Tsa = None,
    trust: Trust,
    environment: Demo = Environment.PRODUCTION,
    force: Force = False,
) -> int:
    """See `lazy.edxml_sign`."""
    order = SignOrder(
        file=file,
        output=output,
        key=key_in_hand(key, cert, chain=chain, password_file=password_file),
        level=_level(level, tsa),
        lower=lower,
        believed=believed(trust, environment, authorities=tsa),
        force=force,
    )
    return lazy.edxml_sign(session_of(context), order, slip=slip)


def key_in_hand(key: str, cert: Path, *, chain: list[Path] | None, password_file: Path | None) -> KeyInHand:
    """What the line says of the key; its own certificate first."""
    return KeyInHand(key=key, password_file=password_file, certificates=(cert, *(chain or ())))


def believed(trust: Path | None, environment: Environment, *, authorities: list[str] | None) -> Believed:
    """Whom the line says to believe, and who is asked for timestamps."""
    return Believed(trust=trust, demo=environment is Environment.DEMO, authorities=tuple(authorities or ()))


def _level(asked: PlainLevel | None, authorities: list[str] | None) -> Level:
    """As `seal` takes it: whoever names an authority wants a timestamp."""
    if asked is not None:
        return Level(asked.value)
    return Level.B_T if authorities else Level.B_B
