"""The promises, asked of a schedule that has come to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smppproxy.admin.ledgers import together, told
from smppproxy.receipts.correlation import destination_tail
from smppproxy.smpp import constants as c
from tests.simulation.history import PASSING, Message, require

if TYPE_CHECKING:
    from tests.simulation.schedule import Schedule


def check(schedule: Schedule) -> None:
    """All of them."""
    for node in schedule.alive:
        schedule.trouble += node.simulated.trouble
    for message in schedule.history.messages.values():
        check_copies(message)
        check_status(schedule, message)
        check_once(schedule, message)
    check_parts(schedule)
    check_receipts(schedule)
    check_written(schedule)
    check_nothing_left(schedule)
    check_ledgers(schedule)


def check_copies(message: Message) -> None:
    """P4, reading 1: one provider has it once; twice only if an answer was lost, and never more."""
    most = 2 if message.silent and message.may_resend else 1
    require(message.copies <= most, "P4: copies", message, message.accepted)


def check_status(schedule: Schedule, message: Message) -> None:
    """P2, P3: who is told that it was not sent can send it again."""
    status = message.status
    if status is None or status == 0:
        return
    if status == c.ESME_RUNKNOWNERR:
        excused = message.silent or schedule.trouble or schedule.disturbed
        require(excused, "P4: in doubt without a reason", message)
    else:
        whole = [each for each in message.accepted if not message.silent and len(each[1]) != 1]
        require(not whole, "P2: an error, and it was sent", message, status, message.accepted)


def check_once(schedule: Schedule, message: Message) -> None:
    """D3: without trouble a final receipt is delivered once."""
    excused = schedule.disturbed or schedule.trouble or schedule.kills or schedule.losses
    if not excused and message.copies < 2:
        require(len(message.finals) <= 1 or message.part, "D3: once", message, message.finals)


def check_parts(schedule: Schedule) -> None:
    """XC-06: all parts of a message go to one provider, unless something came in between."""
    if not schedule.calm or schedule.kills:
        return
    for messages in schedule.history.by_destination.values():
        names = {name for message in messages for name, _ in message.accepted}
        require(len(names) < 2, "XC-06: parts apart", messages, names)


def check_receipts(schedule: Schedule) -> None:
    """D1, P6: whatever has a map and was wanted has come to its account, or is counted as lost."""
    missing: dict[str, list[Message]] = {}
    history = schedule.history
    for message in history.messages.values():
        if message.finals or message.given_up or not message.wants & 3:
            continue
        if message.wants == 2 and message.said != {b"UNDELIV"}:
            continue
        if message.said - {PASSING} and mapped(schedule, message):
            missing.setdefault(message.account, []).append(message)
    for account, messages in missing.items():
        dropped = schedule.shared.drops.get(b"r:" + account.encode(), 0)
        dead = len(schedule.shared.queues.get(b"d:r:" + account.encode(), ()))
        require(len(messages) <= dropped + dead, "D1: lost receipts", messages, dropped)


def mapped(schedule: Schedule, message: Message) -> bool:
    """Whether every accepted part of it has a map that wants a receipt."""
    found = [
        schedule.shared.live(provider.encode(), message_id) for provider, message_id in message.ids
    ]
    tail = destination_tail(message.destination)
    wanting = [
        any(each.mapping.destination == tail and each.mapping.want & 3 for each in maps)
        for maps in found
    ]
    parts = len({octets for _, octets in message.accepted})
    return bool(wanting) and all(wanting) and (parts < 2 or message.status == 0)


def check_written(schedule: Schedule) -> None:
    """M1: every message from a person that was answered OK came to each of its accounts."""
    missing: dict[str, int] = {}
    for written in schedule.history.written.values():
        require(written.taken, "M1: stuck", written)
        for account in written.owners:
            if not written.got[account] and account not in written.given_up:
                missing[account] = missing.get(account, 0) + 1
    for account, count in missing.items():
        dropped = schedule.shared.drops.get(b"m:" + account.encode(), 0)
        require(count <= dropped, "M1: lost", account, count, dropped)


def check_nothing_left(schedule: Schedule) -> None:
    """D4, D5: what is parked has no map; nothing waits for a provider."""
    world = schedule.shared
    for provider, parked in world.parked.items():
        for _, arrival in parked.values():
            maps = [each for key in arrival.keys for each in world.live(provider, key)]
            require(not maps, "D4: parked beside its map", arrival.keys)
    require(not world.quarantine, "D7: nothing is doubtful here", world.quarantine)
    for node in schedule.alive:
        for pool in node.relay.directory.pools.values():
            require(not pool.backlog, "nothing waits", node.node, pool.provider.name)
        for inbox in node.relay.directory.inboxes.values():
            left = [*inbox.due, *inbox.later]
            require(schedule.disturbed or not left, "nothing is due", node.node, left)


def check_ledgers(schedule: Schedule) -> None:
    """Point 9: the ledgers of all nodes balance together, and say what is in the store."""
    for node in schedule.alive:
        require(not node.ledger.in_flight, "in flight", node.node)
        require(not node.ledger.withheld, "withheld", node.node)
    # Every node counts what limits cost, whichever node's call it was.
    if schedule.kills or any(schedule.shared.drops.values()):
        return
    *_, whole = together([{"node": node.node, **told(node.ledger)} for node in schedule.alive])
    require(whole["balanced"], "ledger: balance", whole)
    if schedule.trouble:
        return
    require(not whole["queued"], "ledger: queued", whole)
    parked = sum(map(len, schedule.shared.parked.values()))
    # What one node parked and another one found is in the books of both.
    here = whole["parked_in"] - whole["parked_out"] - whole["orphaned"]
    require(here == parked, "ledger: parked", whole, parked)
