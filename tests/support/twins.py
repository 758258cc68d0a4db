"""What a function in Python and its twin in C say to the same question: one answer or one error.

Without the compiled part both are the same function. Whatever a function changes is given to each
of them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from smppproxy.compiled import TWINS
from smppproxy.receipts.profile import Receipt, ReceiptProfile
from smppproxy.receipts.receipt import usual
from smppproxy.relay.deliver import arrival_of
from smppproxy.relay.delivery import Delivery, body_of
from smppproxy.relay.directory import Inbox
from smppproxy.relay.submission import Submit, mapping_of
from smppproxy.routing.accounts import Account
from smppproxy.routing.route import Pick, Route
from smppproxy.routing.targets import Target
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.framing import cut
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.interface import Arrival, Entry
from smppproxy.store.settling import Settled, settle
from tests.support.memory_peers import make_account, make_provider

Function = Callable[..., Any]
Answer = tuple[Any, ...]

PROVIDER = make_provider()


def both(function: Function) -> tuple[Function, Function]:
    """The function in Python, and what is called instead."""
    return TWINS.get(function.__name__, (function, function))


def answer(function: Function, *args: Any) -> Answer:
    """What it returns, or which error it raises."""
    try:
        return ("returns", function(*args))
    except Exception as error:  # noqa: BLE001 - whatever it is, both must say it
        return (type(error), str(error))


def agree(function: Function, ask: Callable[[Function], Answer]) -> Answer:
    """The answer of both to one question, asked twice: what was remembered must not matter."""
    python, compiled = both(function)
    first = ask(python)
    for _ in range(2):
        if (second := ask(compiled)) != first:
            raise AssertionError(f"{function.__name__}: {first} in Python, {second} in C")
    return first


# -- the questions --------------------------------------------------------------------------------


def facts(pdu: Pdu) -> tuple[int, int, int, bytes]:
    """All there is of a PDU."""
    return pdu.command_id, pdu.command_status, pdu.sequence_number, pdu.raw


def cuts(data: bytes, limit: int) -> Answer:
    """Where PDUs end."""

    def ask(function: Function) -> Answer:
        kind, *found = answer(function, data, limit)
        if kind != "returns":
            return (kind, *found)
        pdus, at = found[0]
        return [facts(pdu) for pdu in pdus], at

    return agree(cut, ask)


def walks(raw: bytes) -> Answer:
    """The layout of a message."""
    return agree(walk_message, lambda function: answer(function, raw))


def reads(raw: bytes, **settings: Any) -> Receipt | None:
    """A receipt by such a profile; what it then asks of the store is compared, too."""

    def ask(function: Function) -> Answer:
        profile = ReceiptProfile(**settings)
        answer(function, raw, profile)
        return answer(function, raw, profile)

    _, receipt, *_ = agree(usual, ask)
    if isinstance(receipt, Receipt):
        arrives(receipt, raw)
        return receipt
    return None


def arrives(receipt: Receipt, raw: bytes, place: bytes = b"north/a", arrived: int = 5) -> Answer:
    """What the store is asked for a receipt."""
    keys = receipt.message_ids
    return agree(arrival_of, lambda function: answer(function, receipt, keys, raw, place, arrived))


def maps(raw: bytes, number: int, version: int, segments: int, **settings: Any) -> Answer:
    """What is kept of a submit_sm; nothing of one that cannot be read."""
    try:
        offsets = walk_message(raw)
    except BodyError:
        return ()
    account = make_account(**settings)
    client: Any = SimpleNamespace(session=SimpleNamespace(interface_version=version))
    pdu = Pdu(4, 0, 1, raw)

    def ask(function: Function) -> Answer:
        pick = Pick(Route("all", targets=(Target("north"),)), ("north",))
        submit = Submit(client, account, pdu, offsets, pick, number, 77.25, -1)
        submit.segments = segments
        told = answer(function, submit, b"key", 1_700_000_000.5, PROVIDER)
        return (*told, submit.receipt_message_id)

    return agree(mapping_of, ask)


def shows(entry: Entry, version: int, account: Account) -> Answer:
    """What a client is sent of a queue's entry."""
    client: Any = SimpleNamespace(
        session=SimpleNamespace(
            interface_version=version, takes_tlvs=not 0 < version < 0x34
        )
    )

    def ask(function: Function) -> Answer:
        inbox = Inbox(account, {})
        answer(function, Delivery(inbox, entry), client)
        return answer(function, Delivery(inbox, entry), client)

    return agree(body_of, ask)


def settles(arrivals: list[Arrival], found: list[bytes | None]) -> Answer:
    """What becomes of receipts by the maps under their ids."""

    def ask(function: Function) -> Answer:
        settled = Settled()
        told = answer(function, settled, list(range(len(found))), arrivals, found)
        return (*told, settled)

    return agree(settle, ask)
