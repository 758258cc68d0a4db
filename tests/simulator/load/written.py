"""What a session of a load test has written."""

from __future__ import annotations

from smppproxy.simulator.load.loop import Peer
from smppproxy.smpp import constants as c
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu


def pdus(session: Peer) -> list[Pdu]:
    """The PDUs that it wrote since it was asked last."""
    data = b"".join(session.out)
    session.out.clear()
    found, error = Framer(c.MAX_PDU).feed(data)
    assert error is None
    return found
