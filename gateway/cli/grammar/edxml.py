"""Commands of whoever has edXML files in hand: look at one, check it, make one, take one apart."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import lazy
from gateway.cli.errors import Failure
from gateway.cli.grammar.options import CODE, DIR, FILE, NAME, TEXT, session_of
from gateway.cli.orders import AnswerOrder, PackOrder, UnpackOrder
from gateway.core.states import BusinessStatus


class Schema(StrEnum):
    """The two schemas: of what we write, and of what we read."""

    STRICT = "strict"
    LAX = "lax"


class Template(StrEnum):
    """What there is an example of: a document of each kind of business, and a status message."""

    NEW = "new"
    REVOKE = "revoke"
    UPDATE = "update"
    REPLACE = "replace"
    STATUS = "status"


EnvelopeFile = Annotated[Path, typer.Argument(metavar=FILE, help="cli.option.edxml_file", show_default=False)]
Output = Annotated[
    Path, typer.Option("-o", "--output", metavar=FILE, help="cli.option.edxml_output", show_default=False)
]
Force = Annotated[bool, typer.Option("--force", help="cli.option.force")]


def inspect(context: typer.Context, file: EnvelopeFile) -> int:
    """See `lazy.edxml_inspect`."""
    return lazy.edxml_inspect(session_of(context), file)


def validate(
    context: typer.Context,
    file: EnvelopeFile,
    *,
    schema_: Annotated[Schema, typer.Option("--schema", help="cli.option.edxml_schema")] = Schema.STRICT,
) -> int:
    """See `lazy.edxml_validate`."""
    return lazy.edxml_validate(session_of(context), file, flavour=schema_.value)


def pack(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    meta: Annotated[
        Path | None, typer.Argument(metavar="META", help="cli.option.edxml_meta", show_default=False)
    ] = None,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar=FILE, help="cli.option.edxml_attached", show_default=False)
    ] = None,
    *,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar=FILE, help="cli.option.edxml_output")] = None,
    force: Force = False,
    template: Annotated[bool, typer.Option("--template", help="cli.option.edxml_template")] = False,
    kind: Annotated[Template, typer.Option("--kind", help="cli.option.edxml_kind")] = Template.NEW,
) -> int:
    """See `lazy.edxml_pack`, `lazy.edxml_template`."""
    session = session_of(context)
    chosen = context.get_parameter_source("kind")
    if template:
        if meta is not None or output is not None:
            raise Failure("cli.usage.extra", name=str(meta or "--output"))
        return lazy.edxml_template(session, kind.value)
    if chosen is not None and chosen.name == "COMMANDLINE":
        raise Failure("cli.usage.missing", name="'--template'")
    if meta is None:
        raise Failure("cli.usage.missing", name="'META'")
    if output is None:
        raise Failure("cli.usage.missing", name="'--output'")
    order = PackOrder(meta=meta, files=tuple(files or ()), output=output, force=force)
    return lazy.edxml_pack(session, order)


def unpack(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    file: EnvelopeFile,
    *,
    folder: Annotated[Path, typer.Option("-d", "--directory", metavar=DIR, help="cli.option.output")],
    as_carried: Annotated[bool, typer.Option("--as-carried", help="cli.option.edxml_as_carried")] = False,
    despite_errors: Annotated[bool, typer.Option("--despite-errors", help="cli.option.edxml_despite")] = False,
    force: Force = False,
) -> int:
    """See `lazy.edxml_unpack`."""
    order = UnpackOrder(file=file, folder=folder, as_carried=as_carried, despite_errors=despite_errors, force=force)
    return lazy.edxml_unpack(session_of(context), order)


def status(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    *,
    document: Annotated[Path, typer.Option("--for", metavar=FILE, help="cli.option.edxml_for", show_default=False)],
    code: Annotated[BusinessStatus, typer.Option("--code", help="cli.option.edxml_code", show_default=False)],
    output: Output,
    sender: Annotated[str | None, typer.Option("--from", metavar=CODE, help="cli.option.edxml_from")] = None,
    recipient: Annotated[str | None, typer.Option("--to", metavar=CODE, help="cli.option.edxml_to")] = None,
    description: Annotated[
        str | None, typer.Option("--description", metavar=TEXT, help="cli.option.edxml_description")
    ] = None,
    staff: Annotated[
        str, typer.Option("--staff", metavar=NAME, help="cli.option.edxml_staff", show_default=False)
    ] = "",
    department: Annotated[
        str, typer.Option("--department", metavar=NAME, help="cli.option.edxml_department", show_default=False)
    ] = "",
    force: Force = False,
) -> int:
    """See `lazy.edxml_status`."""
    order = AnswerOrder(
        document=document,
        code=code,
        sender=sender,
        recipient=recipient,
        description=description,
        staff=staff,
        department=department,
        output=output,
        force=force,
    )
    return lazy.edxml_status(session_of(context), order)


def schema(
    context: typer.Context,
    flavour: Annotated[Schema, typer.Argument(metavar="strict|lax", help="cli.option.edxml_flavour")] = Schema.STRICT,
) -> int:
    """See `lazy.edxml_schema`."""
    return lazy.edxml_schema(session_of(context), flavour.value)
