"""What all HTTP listeners of the gateway have in common: how connections are accepted and bounded, how an answer says no.

`serve` runs an aiohttp application on a listener that counts its connections (`Listener`, `Place`; `gateway.access`
implements them). `Acceptor` shakes hands, in time; `Connection` bounds heads and idleness and answers what is not HTTP;
`refusal` is the one way in which a `GatewayError` becomes an answer (RFC 9457). What a door says in its own words, the
problem document itself, it hands over in its `Door`.

Rules: nothing leaves a listener but an answer of ours or a closed connection; every time is bounded (handshake, head, idle
connection, closing); nothing that was sent stands in the log; a connection that has shown a good credential is marked
(`mark_known`), for strangers may have to go when others come. What aiohttp does by itself is left to it: framing, bounded
queues of pipelined requests, back pressure.

When it fails: a listener that cannot accept waits a second and tries again; the others go on.
"""

from gateway.http.acceptor import Listener
from gateway.http.answers import PROBLEM_TYPE, WAITS, dress, dressed, from_http, headers_of, refusal, retry_after
from gateway.http.connection import Connection, Door, Place, mark_known, mark_unknown
from gateway.http.framing import postpone_continue, say_continue
from gateway.http.runner import Runner, let_go, serve

__all__ = [
    "PROBLEM_TYPE",
    "WAITS",
    "Connection",
    "Door",
    "Listener",
    "Place",
    "Runner",
    "dress",
    "dressed",
    "from_http",
    "headers_of",
    "let_go",
    "mark_known",
    "mark_unknown",
    "postpone_continue",
    "refusal",
    "retry_after",
    "say_continue",
    "serve",
]
