"""Commands of whoever wants proof: of one file, of one leaf, of a whole installation."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import lazy
from gateway.cli.errors import Failure
from gateway.cli.grammar.options import DIR, FILE, KEY, ConfigFile, Environment, Files, parse_moment, session_of
from gateway.cli.orders import KeyInHand, ProofOrder, VerifyOrder


def verify(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    files: Files,
    *,
    trust: Annotated[Path | None, typer.Option("--trust", metavar=DIR, help="cli.option.trust")] = None,
    signature: Annotated[Path | None, typer.Option("--signature", metavar=FILE, help="cli.option.signature")] = None,
    policy: Annotated[Path | None, typer.Option("--policy", metavar=FILE, help="cli.option.policy")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="cli.metavar.moment", help="cli.option.at")] = None,
    registry: Annotated[Path | None, typer.Option("--registry", metavar=FILE, help="cli.option.registry")] = None,
    sha256: Annotated[str | None, typer.Option("--sha256", metavar="HEX", help="cli.option.sha256")] = None,
    environment: Annotated[
        Environment, typer.Option("--environment", help="cli.option.environment")
    ] = Environment.PRODUCTION,
    report: Annotated[Path | None, typer.Option("--report", metavar=FILE, help="cli.option.report")] = None,
    force: Annotated[bool, typer.Option("--force", help="cli.option.force")] = False,
    seal_key: Annotated[str | None, typer.Option("--seal-key", metavar=FILE, help="cli.option.report_key")] = None,
    seal_cert: Annotated[Path | None, typer.Option("--seal-cert", metavar=FILE, help="cli.option.report_cert")] = None,
    seal_password_file: Annotated[
        Path | None, typer.Option("--seal-password-file", metavar=FILE, help="cli.option.password_file")
    ] = None,
) -> int:
    """See `lazy.verify`."""
    order = VerifyOrder(
        files=tuple(files),
        signature=signature,
        trust=trust,
        policy=policy,
        moment=None if at is None else parse_moment(at),
        demo=environment is Environment.DEMO,
        registry=registry,
        registry_digest=sha256,
        report=report,
        seal=_sealing(seal_key, seal_cert, seal_password_file),
        force=force,
    )
    return lazy.verify(session_of(context), order)


def _sealing(key: str | None, certificate: Path | None, password_file: Path | None) -> KeyInHand | None:
    """What a report is sealed with: a key and its certificate, or neither."""
    if key is None and certificate is None and password_file is None:
        return None
    if key is None or certificate is None:
        raise Failure("cli.seal_pair")
    return KeyInHand(key=key, password_file=password_file, certificates=(certificate,))


def audit_verify(context: typer.Context, config: ConfigFile) -> int:
    """See `lazy.audit_verify`."""
    return lazy.audit_verify(session_of(context), config)


def audit_head(context: typer.Context, config: ConfigFile) -> int:
    """See `lazy.audit_head`."""
    return lazy.audit_head(session_of(context), config)


def audit_prove(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    key: Annotated[str | None, typer.Argument(metavar=KEY, help="cli.option.proven", show_default=False)] = None,
    *,
    config: Annotated[
        Path | None, typer.Option("--config", metavar=FILE, envvar="GATEWAY_CONFIG", help="cli.option.config")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar=FILE, help="cli.option.proof_file")] = None,
    force: Annotated[bool, typer.Option("--force", help="cli.option.force")] = False,
    check: Annotated[Path | None, typer.Option("--check", metavar=FILE, help="cli.option.check")] = None,
    log_keys: Annotated[
        list[str] | None, typer.Option("--key", metavar="cli.metavar.log_key", help="cli.option.log_key")
    ] = None,
) -> int:
    """See `lazy.audit_prove`."""
    order = ProofOrder(key=key, config=config, output=output, force=force, check=check, log_keys=tuple(log_keys or ()))
    return lazy.audit_prove(session_of(context), order)
