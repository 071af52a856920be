"""What each command needs, imported when it is called: the one file of the gateway where a function may import.

Without it `gateway version` would load the whole gateway first (0.9 s instead of 0.2 s).
"""
# ruff: noqa: PLC0415 - that is what this file is for

import asyncio
import gc
import signal
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from gateway import preload
from gateway.cli import orders
from gateway.cli.errors import at_hand
from gateway.cli.orders import Session

# --- documents, over HTTPS ---------------------------------------------------------------------------------------------


def send(session: Session, order: orders.SendOrder, *, dry_run: bool) -> int:
    """See `office.send`, `rehearsal.send`."""
    from gateway.cli import office, rehearsal

    return _run(rehearsal.send(session, order) if dry_run else office.send(session, order))


def send_envelope(session: Session, order: orders.EnvelopeOrder, *, dry_run: bool) -> int:
    """See `office.send_envelope`, `rehearsal.send_envelope`."""
    from gateway.cli import office, rehearsal

    command = rehearsal.send_envelope if dry_run else office.send_envelope
    return _run(command(session, order))


def documents(session: Session, order: orders.PageOrder, *, state: str) -> int:
    """See `sent.documents`."""
    from gateway.cli import sent

    return _run(sent.documents(session, order, state=state))


def inbox(session: Session, order: orders.InboxOrder) -> int:
    """See `office.inbox`."""
    from gateway.cli import office

    return _run(office.inbox(session, order))


def get(session: Session, key: str, *, folder: Path, force: bool) -> int:
    """See `office.get`."""
    from gateway.cli import office

    return _run(office.get(session, key, folder=folder, force=force))


def accept(session: Session, key: str, *, dry_run: bool) -> int:
    """See `office.accept`, `rehearsal.accept`."""
    from gateway.cli import office, rehearsal

    return _run(rehearsal.accept(session, key) if dry_run else office.accept(session, key))


def refuse(session: Session, key: str, *, reason: str | None, dry_run: bool) -> int:
    """See `office.refuse`, `rehearsal.refuse`."""
    from gateway.cli import office, rehearsal

    command = rehearsal.refuse if dry_run else office.refuse
    if reason is None:
        reason = session.stdin.ask("cli.refuse.reason", option="--reason")
    return _run(command(session, key, reason=reason))


def release(session: Session, key: str, *, dry_run: bool) -> int:
    """See `office.release`, `rehearsal.release`."""
    from gateway.cli import office, rehearsal

    return _run(rehearsal.release(session, key) if dry_run else office.release(session, key))


def amend(session: Session, order: orders.AmendOrder | orders.AmendingOrder) -> int:
    """See `amendments.amend`."""
    from gateway.cli import amendments

    return _run(amendments.amend(session, order))


def board(session: Session, key: str, *, missing: bool) -> int:
    """See `board.board`."""
    from gateway.cli import board as command

    return _run(command.board(session, key, missing=missing))


def trace(session: Session, key: str) -> int:
    """See `trace.trace`."""
    from gateway.cli import trace as command

    return _run(command.trace(session, key))


def org_find(session: Session, text: str, order: orders.PageOrder) -> int:
    """See `registry.find`."""
    from gateway.cli import registry

    return _run(registry.find(session, text, order))


def org_show(session: Session, code: str) -> int:
    """See `registry.show`."""
    from gateway.cli import registry

    return _run(registry.show(session, code))


# --- signing -----------------------------------------------------------------------------------------------------------


def sign(session: Session, order: orders.SignOrder) -> int:
    """See `sign.sign`."""
    from gateway.cli import sign as command

    with at_hand():
        return _run(command.sign(session, order))


def edxml_sign(session: Session, order: orders.SignOrder, *, slip: bool) -> int:
    """See `sign.sign_envelope`."""
    from gateway.cli import sign as command

    return _run(command.sign_envelope(session, order, slip=slip))


# --- evidence ----------------------------------------------------------------------------------------------------------


def verify(session: Session, order: orders.VerifyOrder) -> int:
    """See `verify.verify`."""
    from gateway.cli import verify as command

    return _run(command.verify(session, order, draw=_drawing(order.report)))


def _drawing(report: Path | None) -> Callable[[Any, bytes], bytes] | None:
    """What draws a report of that name: libraries that are loaded for whoever wants one."""
    form = report.suffix.lower() if report else ""
    if form == ".html":
        from gateway.evidence.papers.html import draw_html

        return draw_html
    if form == ".pdf":
        from gateway.evidence.papers.pdf import draw_pdf

        return draw_pdf
    return None


def trust_show(session: Session, config: Path) -> int:
    """See `trust.show`."""
    from gateway.cli import trust

    return trust.show(session.terminal, config)


def trust_check(session: Session, order: orders.ListCheckOrder) -> int:
    """See `trust.check`."""
    from gateway.cli import trust

    return trust.check(session.terminal, order)


def trust_draft(session: Session, order: orders.ListDraftOrder) -> int:
    """See `trust.draft`."""
    from gateway.cli import trust

    return trust.draft(session.terminal, order)


def trust_sign(session: Session, order: orders.ListSignOrder) -> int:
    """See `trust.sign`."""
    from gateway.cli import trust

    with at_hand():
        return trust.sign(session.terminal, order)


def trust_fetch(session: Session, config: Path) -> int:
    """See `trust.fetch`."""
    from gateway.cli import trust

    return _run(trust.fetch(session, config))


def seal(session: Session, order: orders.SealingOrder) -> int:
    """See `seal.seal`."""
    from gateway.cli import seal as command

    with at_hand():
        return _run(command.seal(session.terminal, order))


def ltaupdate(session: Session, order: orders.RenewalOrder) -> int:
    """See `seal.ltaupdate`."""
    from gateway.cli import seal as command

    with at_hand():
        return _run(command.ltaupdate(session.terminal, order))


def audit_verify(session: Session, config: Path) -> int:
    """See `audit.verify`."""
    from gateway.cli import audit

    return _run(audit.verify(session.terminal, config))


def audit_head(session: Session, config: Path) -> int:
    """See `proof.head`."""
    from gateway.cli import proof

    return _run(proof.head(session.terminal, config))


def audit_prove(session: Session, order: orders.ProofOrder) -> int:
    """See `proof.prove`."""
    from gateway.cli import proof

    return _run(proof.prove(session, order))


# --- edXML files in hand -----------------------------------------------------------------------------------------------


def edxml_inspect(session: Session, file: Path) -> int:
    """See `edxml.inspect.inspect`."""
    from gateway.cli.edxml import inspect

    return inspect.inspect(session, file)


def edxml_validate(session: Session, file: Path, *, flavour: str) -> int:
    """See `edxml.validate.validate`."""
    from gateway.cli.edxml import validate

    return validate.validate(session, file, flavour=flavour)


def edxml_pack(session: Session, order: orders.PackOrder) -> int:
    """See `edxml.pack.pack`."""
    from gateway.cli.edxml import pack

    return pack.pack(session, order)


def edxml_template(session: Session, kind: str) -> int:
    """See `edxml.template.template`."""
    from gateway.cli.edxml import template

    return template.template(session.terminal, kind)


def edxml_unpack(session: Session, order: orders.UnpackOrder) -> int:
    """See `edxml.unpack.unpack`."""
    from gateway.cli.edxml import unpack

    return unpack.unpack(session, order)


def edxml_status(session: Session, order: orders.AnswerOrder) -> int:
    """See `edxml.answer.answer`."""
    from gateway.cli.edxml import answer

    return answer.answer(session, order)


def edxml_schema(session: Session, flavour: str) -> int:
    """See `edxml.schema.schema`."""
    from gateway.cli.edxml import schema

    return schema.schema(session.terminal, flavour)


# --- this installation -------------------------------------------------------------------------------------------------


def apikey(session: Session, order: orders.KeyOrder) -> int:
    """See `apikey.apikey`."""
    from gateway.cli import apikey as command

    return command.apikey(session.terminal, order)


def config_check(session: Session, config: Path) -> int:
    """See `preflight.check`."""
    from gateway.cli import preflight

    return preflight.check(session.terminal, config)


def config_show(session: Session, config: Path) -> int:
    """See `configuration.show`."""
    from gateway.cli import configuration

    return configuration.show(session.terminal, config)


def queue_list(session: Session, order: orders.QueueOrder) -> int:
    """See `queue.listing`."""
    from gateway.cli import queue

    return _run(queue.listing(session.terminal, order))


def by_hand(session: Session, order: orders.HandOrder) -> int:
    """See `by_hand.by_hand`."""
    from gateway.cli import by_hand as command

    return _run(command.by_hand(session.terminal, order))


def doctor(session: Session, config: Path, *, peers: bool) -> int:
    """See `doctor.doctor`."""
    from gateway.cli import doctor as command

    return _run(command.doctor(session.terminal, config, peers=peers))


def backup(session: Session, config: Path, *, folder: Path) -> int:
    """See `backup.backup`."""
    from gateway.cli import backup as command

    return _run(command.backup(session.terminal, config, folder))


def restore(session: Session, folder: Path | None, *, config: Path, check: bool) -> int:
    """See `backup.restore`; without a folder `backup.reopen`."""
    from gateway.cli import backup as command

    if folder is None:
        return _run(command.reopen(session.terminal, config))
    return _run(command.restore(session.terminal, folder, config, only_check=check))


def serve(config: Path) -> int:
    """See `serve.serve`."""
    preload.begin_forkserver()
    gc.disable()  # nothing that is loaded is garbage, and looking is a twelfth of the time; `app.serve` looks again
    try:
        from gateway.cli import serve as command

        return _run(command.serve(config))
    finally:
        gc.enable()


def demo(session: Session, *, folder: Path, once: bool, wards: int | None) -> int:
    """See `demo.demo`."""
    from gateway.cli import demo as command

    return _run(command.demo(session.terminal, folder=folder, once=once, wards=wards))


def _run(work: Coroutine[Any, Any, int]) -> int:
    """Run it in a loop of its own. There Ctrl-C cancels what is under way; elsewhere it ends the program (`__main__`)."""
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(work)
    outside = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return asyncio.run(work)
    finally:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # `serve` is deaf by then, and stays so
            signal.signal(signal.SIGINT, outside)
