"""What the journeys noted becomes rows for the scribe: a few hundred nanoseconds each, no text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgpack
from twisted.logger import Logger

from smppproxy.admin.message_log import rows
from smppproxy.admin.message_log.pieces import addresses
from smppproxy.admin.message_log.texts import body_text, text_of
from smppproxy.receipts.profile import Receipt
from smppproxy.relay import journal
from smppproxy.relay.delivery import Delivery
from smppproxy.relay.journal import Fact
from smppproxy.relay.peers import Client, Upstream
from smppproxy.relay.submission import Submit, origin_of
from smppproxy.routing.accounts import Account
from smppproxy.smpp.constants import GENERIC_NACK
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.refusals import RefusalStatus
from smppproxy.store.interface import Arrival, Matched

log = Logger()

NOBODY = -1

PRUNE_EVERY = 30.0
"""Seconds between two looks for peers that are gone."""

KINDS = {
    journal.IN_DOUBT: "in_doubt",
    journal.ABANDONED: "abandoned",
    journal.RESENT: "resent",
}


def packed(row: tuple[Any, ...]) -> bytes:
    """One row as octets."""
    octets: bytes = msgpack.packb(row)
    return octets


def shared(values: Sequence[Any]) -> Any:
    """The one value that all of them have, else all of them; see ``rows``."""
    first = values[0]
    return first if values.count(first) == len(values) else values


class Facts:
    """Makes rows as it is told facts. Peers and accounts are told before the first row about them.

    :ivar faults: facts that could not be made into rows.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        seconds: Callable[[], float],
        accounts: Callable[[], Mapping[str, Account]],
    ) -> None:
        """
        :param wall: unix seconds.
        :param seconds: the monotonic clock, which facts go by.
        :param accounts: as they are now; another object after each change.
        """
        self.faults = 0
        self._wall = wall
        self._seconds = seconds
        self._network = accounts
        self._packer = msgpack.Packer(autoreset=False)
        self._pack = self._packer.pack
        self._numbers: dict[Client | Upstream, int] = {}
        self._next = 0
        self._count = 0
        self._pruned = 0.0
        self._accounts: Mapping[str, Account] | None = None
        self._full: frozenset[str] = frozenset()
        self._began = wall() - seconds()
        self._makers: dict[int, Callable[[Fact], None]] = {
            journal.ACCEPTED: self._accepted,
            journal.REFUSED: self._refused,
            journal.IN_DOUBT: self._undecided,
            journal.ABANDONED: self._undecided,
            journal.RESENT: self._undecided,
            journal.RECEIPTS: self._receipts,
            journal.NAMELESS: self._nameless,
            journal.DELIVERED: self._delivered,
            journal.MESSAGES: self._messages,
            journal.NETWORK: lambda fact: self._look(),
        }
        self._look()

    def note(self, fact: Fact) -> None:
        """Add the row of this fact."""
        try:
            self._makers[fact[0]](fact)
        except Exception:  # noqa: BLE001 - whatever is wrong here, the journeys must not feel it
            log.failure("a fact could not be packed", event="message_log_fault")
            self.faults += 1
            self.forget()
        else:
            self._count += 1

    def take(self) -> tuple[bytes, int]:
        """The rows since the last time, and how many facts they tell; b"" and 0 when it is none."""
        count = self._count
        taken = b""
        if count:
            taken = packed((rows.TIME, self._began)) + self._packer.bytes()
            self._packer.reset()
            self._count = 0
        self._began = self._wall() - self._seconds()
        self._look()
        if self._seconds() - self._pruned >= PRUNE_EVERY:
            self._prune()
        return taken, count

    def forget(self) -> None:
        """Another scribe, or a gap in what it was told: peers and accounts are told anew."""
        self._numbers.clear()
        self._accounts = None
        self._packer.reset()
        self._count = 0
        self._look()

    def _look(self) -> None:
        """Tell the accounts' wishes when they are others than before."""
        accounts = self._network()
        if accounts is self._accounts:
            return
        self._accounts = accounts
        told = {name: (each.message_log, each.mask_numbers) for name, each in accounts.items()}
        self._full = frozenset(name for name, (log, _) in told.items() if log == "full")
        self._pack((rows.ACCOUNTS, told))

    def _prune(self) -> None:
        self._pruned = self._seconds()
        gone = [peer for peer in self._numbers if not peer.connected]
        if gone:
            self._pack((rows.GONE, [self._numbers.pop(peer) for peer in gone]))

    def _client(self, client: Client) -> int:
        number = self._numbers.get(client)
        if number is None:
            self._look()
            number = self._new(client)
            name = client.account.system_id
            self._pack((rows.CLIENT, number, name, client.peer, client.name))
        return number

    def _bind(self, upstream: Upstream) -> int:
        number = self._numbers.get(upstream)
        if number is None:
            number = self._new(upstream)
            provider, host = upstream.provider.name, upstream.host.name
            self._pack((rows.BIND, number, provider, host, upstream.name, upstream.peer))
        return number

    def _new(self, peer: Client | Upstream) -> int:
        number = self._numbers[peer] = self._next
        self._next += 1
        return number

    # -- submits --------------------------------------------------------------------------------

    def _accepted(self, fact: Fact) -> None:
        submits: Sequence[Submit] = fact[2]
        numbers: dict[Any, int] = self._numbers
        try:
            found = [
                (
                    numbers[submit.client],
                    numbers[(taken := submit.taken)[0]],  # type: ignore[index]
                    submit.pdu.sequence_number,
                    submit.arrived,
                    taken[2],  # type: ignore[index]
                    taken[1],  # type: ignore[index]
                    submit.pick.route.name,
                    submit.attempts or submit.skipped,
                )
                for submit in submits
            ]
        except (KeyError, TypeError):  # the first message of a session, or nobody knows its bind
            found = [self._first(submit) for submit in submits]
        who, binds, sequence_numbers, arrived, origins, ids, routes, odd = zip(*found, strict=True)
        if not all(origins):
            began = self._began
            origins = tuple(
                origin or origin_of(submit, began)
                for origin, submit in zip(origins, submits, strict=True)
            )
        rest = None
        if self._full or any(odd):
            rest = [self._rest(submit) for submit in submits]
        if len(submits) > 1:
            who, binds, routes = shared(who), shared(binds), shared(routes)
            arrived = shared(arrived)
        self._pack(
            (
                rows.ACCEPTED,
                fact[1],
                who,
                binds,
                routes,
                arrived,
                rest,
                sequence_numbers,
                origins,
                ids,
            )
        )

    def _first(self, submit: Submit) -> tuple[Any, ...]:
        """What a message adds to the columns, whoever knows whom."""
        who, bind, ids, origin = self._client(submit.client), NOBODY, b"", b""
        if submit.taken is not None:
            upstream, ids, origin = submit.taken
            bind = self._bind(upstream)
        name, number = submit.pick.route.name, submit.pdu.sequence_number
        odd = submit.attempts or submit.skipped
        return who, bind, number, submit.arrived, origin, ids, name, odd

    def _rest(self, submit: Submit) -> tuple[Any, ...]:
        """What only some accepted messages have."""
        account = submit.account
        text = text_of(submit.pdu, account) if account.message_log == "full" else None
        return submit.attempts, submit.skipped, text

    def _refused(self, fact: Fact) -> None:
        client: Client = fact[2]
        refused: Sequence[tuple[RefusalStatus, Pdu]] = fact[3]
        upstream: Upstream | None = fact[4]
        who = self._client(client)
        bind = NOBODY if upstream is None else self._bind(upstream)
        account = client.account
        full = account.message_log == "full"
        self._pack(
            (
                rows.REFUSED,
                fact[1],
                who,
                bind,
                [
                    (
                        pdu.sequence_number,
                        int(status),
                        status.name,
                        *addresses(pdu.raw),
                        text_of(pdu, account) if full else None,
                    )
                    for status, pdu in refused
                ],
            )
        )

    def _undecided(self, fact: Fact) -> None:
        submit: Submit = fact[2]
        upstream: Upstream | None = fact[3] if len(fact) > 3 else None
        retry = submit.retry
        self._pack(
            (
                rows.UNDECIDED,
                fact[1],
                self._client(submit.client),
                NOBODY if upstream is None else self._bind(upstream),
                KINDS[fact[0]],
                submit.pdu.sequence_number,
                origin_of(submit, self._began),
                ("", "") if retry is None else retry.last,
                submit.pick.route.name,
            )
        )

    # -- receipts and MO messages ---------------------------------------------------------------

    def _receipts(self, fact: Fact) -> None:
        upstream: Upstream = fact[2]
        pdus: Sequence[Pdu] = fact[3]
        found: Sequence[Receipt] = fact[4]
        arrivals: Sequence[Arrival] = fact[5]
        result: Matched = fact[6]
        message_ids = result.message_ids
        sequence_numbers, outcomes, accounts, records, destinations = zip(
            *[
                (
                    pdu.sequence_number,
                    outcome,
                    account or queue[2:],
                    arrival.receipt,
                    receipt.destination,
                )
                for pdu, receipt, arrival, (outcome, queue), account in zip(
                    pdus, found, arrivals, result, result.accounts, strict=True
                )
            ],
            strict=True,
        )
        if len(message_ids) != len(pdus):
            raise ValueError("receipts and what the store says of them are not as many")
        if len(pdus) > 1:
            outcomes, accounts = shared(outcomes), shared(accounts)
        self._pack(
            (
                rows.RECEIPTS,
                fact[1],
                self._bind(upstream),
                sequence_numbers,
                outcomes,
                accounts,
                message_ids,
                records,
                destinations,
            )
        )

    def _nameless(self, fact: Fact) -> None:
        receipt: Receipt | None = fact[4]
        self._pack(
            (
                rows.NAMELESS,
                fact[1],
                self._bind(fact[2]),
                fact[3].sequence_number,
                b"" if receipt is None else receipt.stat,
                b"" if receipt is None else receipt.destination,
            )
        )

    def _delivered(self, fact: Fact) -> None:
        answers: Sequence[tuple[Delivery, Pdu]] = fact[3]
        who = self._client(fact[2])
        if not fact[4]:
            self._answered(fact[1], who, answers)
            return
        sequence_numbers, attempts, origins, records = zip(
            *[
                (
                    pdu.sequence_number,
                    delivery.attempts,
                    (entry := delivery.entry).origin,
                    entry.receipt,
                )
                for delivery, pdu in answers
            ],
            strict=True,
        )
        if len(answers) > 1:
            attempts = shared(attempts)
        self._pack((rows.DELIVERED, fact[1], who, sequence_numbers, attempts, origins, records))

    def _answered(self, now: float, who: int, answers: Sequence[tuple[Delivery, Pdu]]) -> None:
        """Not all of them are receipts that were taken."""
        self._pack(
            (
                rows.ANSWERED,
                now,
                who,
                [
                    (
                        pdu.sequence_number,
                        pdu.command_status,
                        pdu.command_id == GENERIC_NACK,
                        delivery.attempts,
                        delivery.entry.origin,
                        delivery.entry.receipt,
                    )
                    for delivery, pdu in answers
                ],
            )
        )

    def _messages(self, fact: Fact) -> None:
        pdus: Sequence[Pdu] = fact[3]
        bodies: Sequence[bytes] = fact[4]
        account = fact[5][2:].decode("utf-8", "replace")
        full = account in self._full
        self._pack(
            (
                rows.MESSAGES,
                fact[1],
                self._bind(fact[2]),
                account,
                [
                    (
                        pdu.sequence_number,
                        *addresses(bytes(16) + body),
                        body_text(bytes(16) + body, self._network().get(account)) if full else None,
                    )
                    for pdu, body in zip(pdus, bodies, strict=True)
                ],
            )
        )
