"""Commands of whoever looks after trust: what is believed, lists of anchors, revocation evidence."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import lazy
from gateway.cli.grammar.options import COUNT, DIR, FILE, TEXT, ConfigFile, session_of
from gateway.cli.orders import ListCheckOrder, ListDraftOrder, ListSignOrder

ListFile = Annotated[Path, typer.Argument(metavar=FILE, help="cli.option.list_file", show_default=False)]
ListOutput = Annotated[
    Path, typer.Option("-o", "--output", metavar=FILE, help="cli.option.list_output", show_default=False)
]
Force = Annotated[bool, typer.Option("--force", help="cli.option.force")]


def show(context: typer.Context, config: ConfigFile) -> int:
    """See `lazy.trust_show`."""
    return lazy.trust_show(session_of(context), config)


def check(
    context: typer.Context,
    file: ListFile,
    *,
    keys: Annotated[Path, typer.Option("--keys", metavar=DIR, help="cli.option.list_keys", show_default=False)],
    signatures: Annotated[
        int, typer.Option("--signatures", metavar=COUNT, min=1, max=16, help="cli.option.list_signatures")
    ] = 2,
) -> int:
    """See `lazy.trust_check`."""
    order = ListCheckOrder(file=file, keys=keys, signatures=signatures)
    return lazy.trust_check(session_of(context), order)


def draft(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar=DIR, help="cli.option.list_folder", show_default=False)],
    *,
    name: Annotated[str, typer.Option("--name", metavar=TEXT, help="cli.option.list_name", show_default=False)],
    number: Annotated[
        int, typer.Option("--number", metavar=COUNT, min=1, help="cli.option.list_number", show_default=False)
    ],
    output: ListOutput,
    days: Annotated[int, typer.Option("--days", metavar=COUNT, min=1, max=1100, help="cli.option.list_days")] = 180,
    force: Force = False,
) -> int:
    """See `lazy.trust_draft`."""
    order = ListDraftOrder(folder=folder, name=name, number=number, days=days, output=output, force=force)
    return lazy.trust_draft(session_of(context), order)


def sign(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    file: ListFile,
    *,
    key: Annotated[Path, typer.Option("--key", metavar=FILE, help="cli.option.list_key", show_default=False)],
    output: ListOutput,
    password_file: Annotated[
        Path | None, typer.Option("--password-file", metavar=FILE, help="cli.option.list_password")
    ] = None,
    force: Force = False,
) -> int:
    """See `lazy.trust_sign`."""
    order = ListSignOrder(file=file, key=key, password_file=password_file, output=output, force=force)
    return lazy.trust_sign(session_of(context), order)


def fetch(context: typer.Context, config: ConfigFile) -> int:
    """See `lazy.trust_fetch`."""
    return lazy.trust_fetch(session_of(context), config)
