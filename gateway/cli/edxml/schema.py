"""`gateway edxml schema`: the XSD of what we write, or of what we read."""

from gateway.cli.exits import Exit
from gateway.cli.output import Terminal
from gateway.edxml import Flavour, schema_text


def schema(terminal: Terminal, flavour: str) -> int:
    """Print it as it is: it goes into a file or a validator."""
    text = schema_text(Flavour(flavour)).decode()
    if terminal.json:
        terminal.value({"schema": flavour, "xsd": text})
    else:
        terminal.out.file.write(text)
    return Exit.OK
