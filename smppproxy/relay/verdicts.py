"""What a provider's answer to submit_sm means to a client: the one table (mission section 5).

Standard codes about the message pass unchanged. Codes about our own bind are no business of the
client: it hears ESME_RSYSERR. Vendor codes, codes of SMPP 5.0 and a generic_nack about the PDU's
form become ESME_RSUBMITFAIL, since real clients lose their link over a code they do not know
(0x40d made three of thirteen clients do so).
"""

from __future__ import annotations

from smppproxy.routing.accounts import Account
from smppproxy.routing.providers import Provider
from smppproxy.smpp.constants import (
    ESME_RALYBND,
    ESME_RBINDFAIL,
    ESME_RINVBNDSTS,
    ESME_RINVCMDID,
    ESME_RINVCMDLEN,
    ESME_RINVPASWD,
    ESME_RINVSYSID,
    ESME_RINVSYSTYP,
    ESME_RMSGQFUL,
    ESME_ROK,
    ESME_RUNKNOWNERR,
    STATUS_NAMES,
)
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.refusals import RefusalStatus, named, refusal_of

ABOUT_OUR_BIND = frozenset(
    {
        ESME_RINVBNDSTS,
        ESME_RALYBND,
        ESME_RBINDFAIL,
        ESME_RINVPASWD,
        ESME_RINVSYSID,
        ESME_RINVSYSTYP,
    }
)
ABOUT_THE_FORM = frozenset({ESME_ROK, ESME_RINVCMDLEN, ESME_RINVCMDID})

PASSED = frozenset(
    status
    for status in STATUS_NAMES
    if status <= ESME_RUNKNOWNERR and status not in ABOUT_THE_FORM | ABOUT_OUR_BIND
)
"""What a client hears as the provider said it (row 42)."""

VENDOR = range(0x400, 0x500)
"""command_status that SMPP 3.4 leaves to vendors (XC-11)."""


def to_client(answer: Pdu, provider: Provider, account: Account) -> RefusalStatus:
    """What a client gets for a refusal of a provider's: never ESME_ROK.

    Always one of SMPP 3.4, but for vendors' codes to an account with ``pass_vendor_status``
    (XC-11). What the provider's profile calls throttling or trouble is 0x58 or 0x08 (XC-12).
    """
    status = answer.command_status
    name = trouble_of(status, provider)
    if name:
        return refusal_of(name, account.errors)
    if status in PASSED or (status in VENDOR and account.pass_vendor_status):
        return named("refused_upstream", status)
    return refusal_of("refused_upstream_otherwise", account.errors)


def trouble_of(status: int, provider: Provider) -> str:
    """The refusal that is told once a message has met this status to the end of its time.

    "" for a status that is about the message, or says nothing we know.
    """
    answers = provider.answers
    if status in answers.throttle:
        return "throttled"
    if status in answers.temporary:
        return "queue_full" if status == ESME_RMSGQFUL else "deadline"
    return "deadline" if status in ABOUT_OUR_BIND else ""
