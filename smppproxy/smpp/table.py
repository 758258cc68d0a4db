"""
Who may send what, and when: `TABLE` is the whole protocol, as data.

`session` does what it says, and answers or counts whatever is not in it.
"""

from typing import Final

from smppproxy.smpp import constants as c

#: Our role on a session: SMSC towards clients, ESME towards providers.
SMSC: Final = "smsc"
ESME: Final = "esme"

OPEN: Final = "open"
BINDING: Final = "binding"
BOUND_TX: Final = "bound_tx"
BOUND_RX: Final = "bound_rx"
BOUND_TRX: Final = "bound_trx"
UNBINDING: Final = "unbinding"
CLOSED: Final = "closed"

#: tx and rx are seen from the ESME, in both roles.
STATES: Final = (OPEN, BINDING, BOUND_TX, BOUND_RX, BOUND_TRX, UNBINDING, CLOSED)
BOUND_STATES: Final = frozenset({BOUND_TX, BOUND_RX, BOUND_TRX})

#: The state that each bind leads to.
STATE_OF_BIND: Final = {
    c.BIND_TRANSMITTER: BOUND_TX,
    c.BIND_RECEIVER: BOUND_RX,
    c.BIND_TRANSCEIVER: BOUND_TRX,
}

_LINK = frozenset({c.ENQUIRE_LINK, c.ENQUIRE_LINK_RESP, c.GENERIC_NACK, c.UNBIND})

#: What a peer may send: {(our role, state): command_ids}. While a client's bind is being verified
#: nothing is taken: what comes waits for the verdict.
TABLE: Final[dict[tuple[str, str], frozenset[int]]] = {
    (SMSC, OPEN): c.BINDS | {c.ENQUIRE_LINK},
    (SMSC, BINDING): frozenset(),
    (SMSC, BOUND_TX): _LINK | {c.SUBMIT_SM},
    (SMSC, BOUND_RX): _LINK | {c.DELIVER_SM_RESP},
    (SMSC, BOUND_TRX): _LINK | {c.SUBMIT_SM, c.DELIVER_SM_RESP},
    (SMSC, UNBINDING): _LINK | {c.DELIVER_SM_RESP, c.UNBIND_RESP},
    (SMSC, CLOSED): frozenset(),
    (ESME, OPEN): frozenset({c.ENQUIRE_LINK}),
    (ESME, BINDING): c.BIND_RESPS | {c.ENQUIRE_LINK, c.GENERIC_NACK},
    (ESME, BOUND_TX): _LINK | {c.SUBMIT_SM_RESP},
    (ESME, BOUND_RX): _LINK | {c.DELIVER_SM, c.DATA_SM},
    (ESME, BOUND_TRX): _LINK | {c.SUBMIT_SM_RESP, c.DELIVER_SM, c.DATA_SM},
    (ESME, UNBINDING): _LINK | {c.SUBMIT_SM_RESP, c.DELIVER_SM, c.DATA_SM, c.UNBIND_RESP},
    (ESME, CLOSED): frozenset(),
}

#: Requests that are answered by their own kind where the state forbids them (F26 to F28); every
#: other one that is not in the table gets a generic_nack (F07, F09).
TYPED: Final = {
    SMSC: c.BINDS | {c.SUBMIT_SM, c.DELIVER_SM},
    ESME: frozenset({c.DELIVER_SM, c.DATA_SM}),
}
#: The two command_ids that make up the traffic of each role.
REQUEST: Final = {SMSC: c.SUBMIT_SM, ESME: c.DELIVER_SM}
ANSWER: Final = {SMSC: c.DELIVER_SM_RESP, ESME: c.SUBMIT_SM_RESP}
