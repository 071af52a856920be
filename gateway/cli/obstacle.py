"""Why a signature did not come as far as it was asked to, where that was no reason to stop (`--allow-lower`)."""

from gateway.cli.errors import of_gateway_error
from gateway.cli.output import Terminal
from gateway.core.errors import GatewayError


def tell_obstacle(terminal: Terminal, why: GatewayError | None) -> None:
    """One line for people; what each authority said, for engineers, on demand."""
    if why is None:
        return
    report = of_gateway_error(why, at_hand=True)
    terminal.note(terminal.text("cli.obstacle", what=terminal.choose(report.what)))
    if terminal.verbose:
        terminal.note(report.why)
