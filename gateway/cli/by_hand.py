"""`gateway queue pause|resume|retry|reroute|void`: the queue changed by hand, by the service itself, over its admin socket."""

from collections.abc import Mapping
from typing import Any

from gateway.api import ApiProblem, ask_operator
from gateway.cli.errors import Failure, Refusal
from gateway.cli.exits import Exit
from gateway.cli.orders import HandOrder
from gateway.cli.output import Terminal
from gateway.config import load_config

Json = dict[str, Any]


async def by_hand(terminal: Terminal, order: HandOrder) -> int:
    """Have it done, and say what was done.

    Raises:
        GatewayError: the configuration is not as it must be.
        Failure: no service answers, or not to the end.
        Refusal: it said no.
        PermissionError: the socket is another user's.
    """
    path = load_config(order.config).admin_socket
    try:
        told = await ask_operator(path, f"/queue/{order.wish}", order.members)
    except ConnectionAbortedError as error:
        raise Failure("cli.no_answer", path=path, reason=str(error)) from error
    except PermissionError:
        raise
    except ApiProblem as problem:
        raise Refusal(problem.status, problem.members, said=_said(problem.code, order.wish)) from problem
    except OSError as error:
        raise Failure("cli.no_service", path=path, reason=error.strerror or str(error)) from error
    if terminal.json:
        terminal.value(told)
    else:
        _tell(terminal, told)
    return Exit.OK


def _said(code: str, wish: str) -> str:
    """What a refusal means to an operator at the queue, where the gateway's own words are an office's."""
    if code == "reason.missing":
        return "cli.queue.no_reason"
    if code == "not_found":
        return "cli.queue.no_road" if wish == "pause" else "cli.queue.no_work"
    return "cli.queue.not_paused" if code == "conflict.state" and wish == "resume" else ""


def _tell(terminal: Terminal, told: Mapping[str, Any]) -> None:
    done = told["done"]
    if done == "paused":
        terminal.print(terminal.text("cli.hand.paused", **_only(told, "destination", "by", "reason")))
    elif done == "resumed":
        terminal.print(terminal.text("cli.hand.resumed", **_only(told, "destination")))
    elif done == "retried":
        terminal.print(terminal.text("cli.hand.retried", **_only(told, "count")))
    elif done == "rerouted":
        terminal.print(terminal.text("cli.hand.rerouted", **_only(told, "count")))
    elif done == "void":
        terminal.print(terminal.text("cli.hand.void", **_only(told, "count", "by")))
    else:
        for request in told["requests"]:
            terminal.print(terminal.text("cli.hand.asked", **_only(request, "transfer", "by", "reason")))
        terminal.say("cli.hand.second")


def _only(told: Mapping[str, Any], *names: str) -> Json:
    return {name: told[name] for name in names}
