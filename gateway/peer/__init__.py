"""The door between gateways: peer/v1 over mutual TLS 1.3, as docs/PROTOCOL.md lays it down.

`wire` says what the bytes are and `outcome` what an answer means; `session` says who is at the other end. These three
are pure. `server` (with `heads`, `body` and `problems`) lets in transfers, envelopes in pieces, gap notices and a restored
peer's questions, and hands them to their desks; `client` (with `connector`) carries ours out and returns the outcome as
data; `probe` shakes hands with everybody for an operator.

Rules: no byte of a request goes to a key that is not pinned; identity is looked up on every request in the registry in
force; nothing counts whose digests were not checked; the receipt passes through here without being touched.

When the power fails: whatever was not answered is asked for again or sent again by the origin, and the same bytes come
back. This room remembers nothing: pieces lie with the port `Uploads`.
"""

from gateway.peer.client import PeerTransport
from gateway.peer.probe import PeerProbe
from gateway.peer.server import build_peer_app, listen

__all__ = ["PeerProbe", "PeerTransport", "build_peer_app", "listen"]
