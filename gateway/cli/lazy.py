"""What each command needs, imported when it is called: the one file of the gateway where a function may import.

Without it `gateway version` would load the whole gateway first (0.9 s instead of 0.2 s).
"""
# ruff: noqa: PLC0415 - that is what this file is for

import asyncio
from pathlib import Path

from gateway.cli.orders import KeyOrder, SendOrder, Session, VerifyOrder


def send(session: Session, order: SendOrder) -> int:
    """See `office.send`."""
    from gateway.cli import office

    return asyncio.run(office.send(session, order))


def inbox(session: Session, *, after: int, limit: int) -> int:
    """See `office.inbox`."""
    from gateway.cli import office

    return asyncio.run(office.inbox(session, after=after, limit=limit))


def get(session: Session, key: str, *, folder: Path, force: bool) -> int:
    """See `office.get`."""
    from gateway.cli import office

    return asyncio.run(office.get(session, key, folder=folder, force=force))


def accept(session: Session, key: str) -> int:
    """See `office.accept`."""
    from gateway.cli import office

    return asyncio.run(office.accept(session, key))


def refuse(session: Session, key: str, *, reason: str) -> int:
    """See `office.refuse`."""
    from gateway.cli import office

    return asyncio.run(office.refuse(session, key, reason=reason))


def release(session: Session, key: str) -> int:
    """See `office.release`."""
    from gateway.cli import office

    return asyncio.run(office.release(session, key))


def trace(session: Session, key: str, *, verbose: bool) -> int:
    """See `trace.trace`."""
    from gateway.cli import trace as command

    return asyncio.run(command.trace(session, key, verbose=verbose))


def verify(session: Session, order: VerifyOrder) -> int:
    """See `verify.verify`."""
    from gateway.cli import verify as command

    return asyncio.run(command.verify(session.terminal, order))


def apikey(session: Session, order: KeyOrder) -> int:
    """See `apikey.apikey`."""
    from gateway.cli import apikey as command

    return command.apikey(session.terminal, order)


def audit_verify(session: Session, config: Path) -> int:
    """See `audit.verify`."""
    from gateway.cli import audit

    return asyncio.run(audit.verify(session.terminal, config))


def doctor(session: Session, config: Path, *, peers: bool) -> int:
    """See `doctor.doctor`."""
    from gateway.cli import doctor as command

    return asyncio.run(command.doctor(session.terminal, config, peers=peers))


def serve(config: Path) -> int:
    """See `serve.serve`."""
    from gateway.cli import serve as command

    return asyncio.run(command.serve(config))


def demo(session: Session, *, folder: Path, once: bool, wards: int | None) -> int:
    """See `demo.demo`."""
    from gateway.cli import demo as command

    return asyncio.run(command.demo(session.terminal, folder=folder, once=once, wards=wards))
