"""Commands of whoever holds a key and signs with it."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import lazy
from gateway.cli.grammar.options import DIR, FILE, Environment, session_of
from gateway.cli.orders import KeyInHand, SignOrder

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
    trust: Annotated[Path, typer.Option("--trust", metavar=DIR, help="cli.option.trust", show_default=False)],
    environment: Annotated[
        Environment, typer.Option("--environment", help="cli.option.environment")
    ] = Environment.PRODUCTION,
    force: Annotated[bool, typer.Option("--force", help="cli.option.force")] = False,
) -> int:
    """See `lazy.sign`."""
    order = SignOrder(
        file=file,
        output=output,
        key=KeyInHand(key=key, password_file=password_file, certificates=(cert, *(chain or ()))),
        trust=trust,
        demo=environment is Environment.DEMO,
        force=force,
    )
    return lazy.sign(session_of(context), order)
