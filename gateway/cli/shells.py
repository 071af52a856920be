"""`gateway completion`: the script by which a shell asks us how a line goes on. The answer is `gateway.cli.completion`'s."""

from typing import Final

from typer._completion_shared import get_completion_script

from gateway.cli.exits import Exit
from gateway.cli.output import Terminal

VARIABLE: Final = "_GATEWAY_COMPLETE"
"""Set by the scripts: with it the program completes a line instead of running it."""


_INSTALL: Final = {"bash": "cli.completion.bash", "zsh": "cli.completion.zsh", "fish": "cli.completion.fish"}


def script(terminal: Terminal, shell: str) -> int:
    """Print the script of that shell: typer's, which are proven in the field."""
    terminal.out.file.write(get_completion_script(prog_name="gateway", complete_var=VARIABLE, shell=shell) + "\n")
    terminal.say(_INSTALL[shell])
    return Exit.OK
