"""Commands that change the queue by hand."""

from typing import Annotated

import typer

from gateway.cli import lazy
from gateway.cli.errors import Failure
from gateway.cli.grammar.options import KEY, TEXT, ConfigFile, session_of
from gateway.cli.orders import HandOrder

Destination = Annotated[str, typer.Argument(metavar="cli.metavar.gateway", help="cli.option.road", show_default=False)]
Subject = Annotated[str, typer.Argument(metavar=KEY, help="cli.option.work", show_default=False)]
WhyOption = typer.Option("--reason", metavar=TEXT, help="cli.option.why", show_default=False)


def queue_pause(
    context: typer.Context, destination: Destination, config: ConfigFile, *, reason: Annotated[str, WhyOption]
) -> int:
    """See `lazy.by_hand`."""
    order = HandOrder(config=config, wish="pause", members={"destination": destination, "reason": reason})
    return lazy.by_hand(session_of(context), order)


def queue_resume(context: typer.Context, destination: Destination, config: ConfigFile) -> int:
    """See `lazy.by_hand`."""
    return lazy.by_hand(
        session_of(context), HandOrder(config=config, wish="resume", members={"destination": destination})
    )


def queue_retry(context: typer.Context, subject: Subject, config: ConfigFile) -> int:
    """See `lazy.by_hand`."""
    return lazy.by_hand(session_of(context), HandOrder(config=config, wish="retry", members={"subject": subject}))


def queue_reroute(context: typer.Context, subject: Subject, config: ConfigFile) -> int:
    """See `lazy.by_hand`."""
    return lazy.by_hand(session_of(context), HandOrder(config=config, wish="reroute", members={"subject": subject}))


def queue_void(
    context: typer.Context,
    subject: Subject,
    config: ConfigFile,
    *,
    reason: Annotated[str | None, WhyOption] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="cli.option.confirm")] = False,
) -> int:
    """See `lazy.by_hand`. Who confirms agrees to the reason that was given: another one would stand nowhere."""
    if confirm and reason is not None:
        raise Failure("cli.void")
    said: dict[str, str | bool] = {"confirm": True} if confirm else {"reason": reason or ""}
    return lazy.by_hand(
        session_of(context), HandOrder(config=config, wish="void", members={"subject": subject, **said})
    )
