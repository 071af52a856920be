"""Commands of whoever runs a gateway: start it, look at its configuration and its queue, make keys."""

from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli import lazy, version
from gateway.cli.errors import Failure
from gateway.cli.grammar.options import (
    CODE,
    COUNT,
    DIR,
    FILE,
    SCOPE,
    TEXT,
    ConfigFile,
    Limit,
    Shell,
    parse_instant,
    session_of,
)
from gateway.cli.orders import KeyOrder, QueueOrder
from gateway.cli.shells import script
from gateway.core.limits import PAGE_ROWS_DEFAULT
from gateway.core.principal import Scope

DEMO_FOLDER: Final = Path("gateway-demo")


def version_(context: typer.Context) -> int:
    """Nothing heavy is loaded for it."""
    return version.version(session_of(context).terminal)


def completion(
    context: typer.Context,
    shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish", help="cli.option.shell", show_default=False)],
) -> int:
    """The script is text for the shell: it is printed as it is."""
    return script(session_of(context).terminal, shell.value)


def demo(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="cli.option.once")] = False,
    folder: Annotated[Path, typer.Option("--folder", metavar=DIR, help="cli.option.folder")] = DEMO_FOLDER,
    wards: Annotated[
        int | None, typer.Option("--wards", metavar=COUNT, min=3, max=168, help="cli.option.wards")
    ] = None,
) -> int:
    """See `lazy.demo`."""
    return lazy.demo(session_of(context), folder=folder, once=once, wards=wards)


def serve(config: ConfigFile) -> int:
    """See `lazy.serve`."""
    return lazy.serve(config)


def config_check(context: typer.Context, config: ConfigFile) -> int:
    """See `lazy.config_check`."""
    return lazy.config_check(session_of(context), config)


def config_show(context: typer.Context, config: ConfigFile) -> int:
    """See `lazy.config_show`."""
    return lazy.config_show(session_of(context), config)


def doctor(
    context: typer.Context,
    config: ConfigFile,
    *,
    peers: Annotated[bool, typer.Option("--peers", help="cli.option.peers")] = False,
) -> int:
    """See `lazy.doctor`."""
    return lazy.doctor(session_of(context), config, peers=peers)


def backup(
    context: typer.Context,
    config: ConfigFile,
    *,
    folder: Annotated[
        Path, typer.Option("-o", "--output", metavar=DIR, help="cli.option.backup_output", show_default=False)
    ],
) -> int:
    """See `lazy.backup`."""
    return lazy.backup(session_of(context), config, folder=folder)


def restore(
    context: typer.Context,
    config: Annotated[
        Path,
        typer.Option(
            "--config", metavar=FILE, envvar="GATEWAY_CONFIG", help="cli.option.restore_config", show_default=False
        ),
    ],
    folder: Annotated[
        Path | None, typer.Argument(metavar=DIR, help="cli.option.backup_folder", show_default=False)
    ] = None,
    *,
    check: Annotated[
        Path | None, typer.Option("--check", metavar=DIR, help="cli.option.backup_check", show_default=False)
    ] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="cli.option.in_place")] = False,
) -> int:
    """See `lazy.restore`. `--check` has the folder for its value, so that no word is both a switch and an option."""
    if [folder is not None, check is not None, in_place].count(True) != 1:
        raise Failure("cli.restore")
    return lazy.restore(session_of(context), folder or check, config=config, check=check is not None)


def queue_list(
    context: typer.Context,
    config: ConfigFile,
    *,
    destination: Annotated[
        str | None, typer.Option("--destination", metavar="cli.metavar.gateway", help="cli.option.destination")
    ] = None,
    dead: Annotated[bool, typer.Option("--dead", help="cli.option.dead")] = False,
    limit: Limit = PAGE_ROWS_DEFAULT,
) -> int:
    """See `lazy.queue_list`."""
    order = QueueOrder(config=config, destination=destination, dead=dead, limit=limit)
    return lazy.queue_list(session_of(context), order)


def apikey(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    *,
    name: Annotated[str, typer.Option("--name", metavar=TEXT, help="cli.option.name", show_default=False)],
    organs: Annotated[list[str], typer.Option("--organ", metavar=CODE, help="cli.option.organ", show_default=False)],
    scopes: Annotated[list[Scope], typer.Option("--scope", metavar=SCOPE, help="cli.option.scope", show_default=False)],
    expires_at: Annotated[
        str | None, typer.Option("--expires-at", metavar="RFC3339", help="cli.option.expires_at")
    ] = None,
    addresses: Annotated[
        list[str] | None, typer.Option("--address", metavar="CIDR", help="cli.option.address", show_default=False)
    ] = None,
) -> int:
    """See `lazy.apikey`."""
    order = KeyOrder(
        name=name,
        organs=tuple(organs),
        scopes=tuple(scopes),
        expires_at=None if expires_at is None else parse_instant(expires_at),
        addresses=tuple(addresses or ()),
    )
    return lazy.apikey(session_of(context), order)
