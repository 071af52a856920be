"""The door between gateways: peer/v1 over mutual TLS 1.3, as docs/PROTOCOL.md lays it down.

`wire` says what the bytes are and `outcome` what an answer means; `session` says who is at the other end. These three
are pure. `server` (with `body` and `problems`) lets transfers in and hands them to the reception desk; `client` (with
`connector`) carries ours out and returns the outcome as data; `probe` shakes hands with everybody for an operator.

Rules: no byte of a request goes to a key that is not pinned; identity is looked up on every request in the registry in
force; nothing is stored whose digests were not checked; the receipt passes through here without being touched.

When the power fails: whatever was not answered is asked for again or sent again by the origin, and the same bytes come
back. This room remembers nothing.
"""

from gateway.peer.client import PeerTransport
from gateway.peer.probe import PeerProbe
from gateway.peer.server import build_peer_app, listen

__all__ = ["PeerProbe", "PeerTransport", "build_peer_app", "listen"]
