"""PDUs, clocks and bound sessions that the tests of this room share."""

import json
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Bind, Message
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.session import ESME, SMSC, Session
from smppproxy.smpp.timers import Timers

HERE = Path(__file__).parent

#: Random tests are bounded by their count, not by a clock: the machine may be busy.
bounded = settings(max_examples=60, deadline=None, database=None)


def vectors() -> dict[str, bytes]:
    """V01 to V35: {"V01": octets}."""
    listed = json.loads((HERE / "vectors.json").read_text())
    return {entry["name"][:3]: bytes.fromhex(entry["hex"]) for entry in listed}


def known_pdus() -> list[dict[str, Any]]:
    """PDUs of other projects' tests, with the fields they expect."""
    listed: list[dict[str, Any]] = json.loads((HERE / "known_pdus.json").read_text())
    return listed


def cut(data: bytes) -> list[Pdu]:
    """The PDUs in these octets; they must be whole and good."""
    framer = Framer(c.MAX_PDU)
    pdus, error = framer.feed(data)
    if error is not None or framer.pending:
        raise ValueError(f"not whole PDUs: {error}")
    return pdus


def one(data: bytes) -> Pdu:
    """The only PDU in these octets."""
    (pdu,) = cut(data)
    return pdu


def facts(data: bytes) -> list[tuple[int, int, int]]:
    """(command_id, command_status, sequence_number) of each PDU in these octets."""
    return [(pdu.command_id, pdu.command_status, pdu.sequence_number) for pdu in cut(data)]


def octets(most: int) -> st.SearchStrategy[bytes]:
    """Strings that a C-octet string of at most `most` octets can hold."""
    return st.binary(max_size=most).map(lambda value: value.replace(b"\0", b"\1"))


octet = st.integers(0, 255)
sequence_numbers = st.integers(0, 0xFFFFFFFF)

binds = st.builds(
    Bind,
    system_id=octets(255),
    password=octets(255),
    system_type=octets(12),
    interface_version=octet,
    addr_ton=octet,
    addr_npi=octet,
    address_range=octets(40),
)

#: Tags that no size is known of, so that every length is good.
free_tags = st.integers(0x1400, 0x3FFF)

messages = st.builds(
    Message,
    service_type=octets(5),
    source_addr_ton=octet,
    source_addr_npi=octet,
    source_addr=octets(20),
    dest_addr_ton=octet,
    dest_addr_npi=octet,
    destination_addr=octets(20),
    esm_class=octet,
    protocol_id=octet,
    priority_flag=octet,
    schedule_delivery_time=octets(16),
    validity_period=octets(16),
    registered_delivery=octet,
    replace_if_present_flag=octet,
    data_coding=octet,
    sm_default_msg_id=octet,
    short_message=st.binary(max_size=255),
    tlvs=st.lists(st.tuples(free_tags, st.binary(max_size=300)), max_size=8),
)

BIND_OF_STATE = {
    "bound_tx": c.BIND_TRANSMITTER,
    "bound_rx": c.BIND_RECEIVER,
    "bound_trx": c.BIND_TRANSCEIVER,
}


def session_in(role: str, state: str, timers: Timers | None = None, limit: int = 50) -> Session:
    """A session brought into a state at time 0 by the PDUs that lead there."""
    session = Session(role, timers or Timers(), window_limit=limit)
    session.start(0.0)
    if state == "open":
        return session
    if state == "closed":
        session.receive(b"\0\0\0\0", 0.0)
        return session
    command_id = BIND_OF_STATE.get(state, c.BIND_TRANSCEIVER)
    if role == SMSC:
        session.receive(build.bind(command_id, 1, Bind(b"esme01", b"secret08")), 0.0)
        if state != "binding":
            session.accept_bind(b"smppproxy", 0.0)
    else:
        request = one(session.bind(command_id, Bind(b"esme01", b"secret08"), 0.0))
        if state != "binding":
            answer = build.bind_resp(command_id, 0, request.sequence_number, b"provider")
            session.receive(answer, 0.0)
    if state == "unbinding":
        session.unbind(0.0)
    return session


__all__ = [
    "ESME",
    "SMSC",
    "binds",
    "bounded",
    "cut",
    "facts",
    "free_tags",
    "known_pdus",
    "messages",
    "octets",
    "one",
    "sequence_numbers",
    "session_in",
    "vectors",
]
