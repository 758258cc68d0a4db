"""The life of a submit_sm: a client's read becomes writes to providers, their answers come back.

1. :meth:`Submits.requests`: the submit_sm of one read. Throttle, layout, route, window; one write
   per bind. A refusal is a submit_sm_resp with the error's own command_status.
2. A full window makes a submit wait in the provider's backlog; the client's own window is what
   bounds it, since a client with too many unanswered submits is no longer read.
3. :meth:`Submits.responses`: the provider's answers of one read. Windows are free again, so the
   backlog moves on; then one store call maps every accepted message.
4. Stored: one write per client with our message_id. A client never holds an id whose receipt
   could not be found (P1).
5. A host that went away hands back what it had not answered: ``doubt`` decides (reading 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from zlib import crc32

from smppproxy.receipts.correlation import destination_tail
from smppproxy.receipts.dialects import wanted
from smppproxy.receipts.message_ids import format_client_message_id, key_of_response
from smppproxy.relay.directory import Directory, Pool
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.numbers import NumberPool
from smppproxy.relay.peers import Client, Upstream
from smppproxy.relay.verdicts import to_client
from smppproxy.routing.accounts import Account
from smppproxy.routing.routes import RouteTable
from smppproxy.routing.throttle import TokenBucket
from smppproxy.smpp.build import header, submit_sm_resp
from smppproxy.smpp.constants import (
    ESME_RINVDSTADR,
    ESME_RMSGQFUL,
    ESME_ROK,
    ESME_RSYSERR,
    ESME_RTHROTTLED,
    ESME_RUNKNOWNERR,
    GENERIC_NACK,
    SUBMIT_SM_RESP,
    TLV_USER_MESSAGE_REFERENCE,
)
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import read_message_id, walk_message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.tlv import find_tlv
from smppproxy.store.interface import Limit, Mapping, Store
from smppproxy.store.records import Origin
from smppproxy.text.segments import concatenation

PATIENCE = 5.0
"""Seconds an accepted message waits for the store before its client is told 0xFF (reading 4)."""

RESEND_AGE = 30.0
"""Seconds after which a message in doubt is not sent again (reading 1)."""

BACKLOG_AGE = 30.0
"""Seconds a submit waits for room in a provider's window before it gets ESME_RMSGQFUL."""

Writes = dict[Upstream, list[bytes]]


class Submit:
    """One submit_sm on its way: slotted, one per message in flight, never copied."""

    __slots__ = (
        "account",
        "affinity",
        "arrived",
        "attempts",
        "client",
        "number",
        "offsets",
        "pdu",
        "settled",
        "targets",
    )

    def __init__(
        self,
        client: Client,
        account: Account,
        pdu: Pdu,
        offsets: tuple[int, int, int, int, int, int],
        targets: tuple[str, ...],
        number: int,
        arrived: float,
        affinity: int,
    ) -> None:
        self.client = client
        self.account = account
        self.pdu = pdu
        self.offsets = offsets
        self.targets = targets
        self.number = number
        self.arrived = arrived
        self.affinity = affinity
        self.attempts = 0
        self.settled = False

    @property
    def client_message_id(self) -> bytes:
        """The id the client gets: the same for every copy of the message."""
        return format_client_message_id(self.number, self.account.message_id_format)


class Submits:
    """The journey of submit_sm and of the answers to it."""

    def __init__(
        self,
        directory: Directory,
        store: Store,
        ledger: Ledger,
        wall_clock: Callable[[], float],
        released: Callable[[Iterable[bytes]], None],
    ) -> None:
        """
        :param wall_clock: unix seconds; for records only, never for timers.
        :param released: told the queues that grew because parked receipts found their message.
        """
        self._directory = directory
        self._store = store
        self._ledger = ledger
        self._wall_clock = wall_clock
        self._released = released
        self._numbers = NumberPool(store)
        self._routes = RouteTable(())
        self._limits: dict[bytes, Limit] = {}
        self._buckets: dict[str, TokenBucket] = {}

    def use(
        self,
        routes: RouteTable,
        accounts: Iterable[Account],
        limits: dict[bytes, Limit],
        now: float,
    ) -> None:
        """Route by this table from now on; buckets of unchanged limits keep their fill."""
        self._routes = routes
        self._limits = limits
        old = self._buckets
        self._buckets = {}
        for account in accounts:
            if account.tps:
                kept = old.get(account.system_id)
                same = kept is not None and kept.rate == account.tps
                self._buckets[account.system_id] = (
                    kept if same and kept else TokenBucket(account.tps, account.burst, now)
                )

    def store_ready(self) -> None:
        """The store answers again: have numbers in hand before the first submit needs one."""
        if not self._numbers.ready:
            self._numbers.refill()

    # -- a client's read ------------------------------------------------------------------------

    def requests(self, client: Client, pdus: Sequence[Pdu], now: float) -> None:
        """Send the submit_sm of one read on their way, or refuse them with their own code."""
        count = len(pdus)
        self._ledger.submitted += count
        client.outstanding += count
        allowed, over = self._allowance(client, count, now)
        refusals = [header(SUBMIT_SM_RESP, over, pdu.sequence_number) for pdu in pdus[allowed:]]
        writes: Writes = {}
        for pdu in pdus[:allowed]:
            status = self._place(client, pdu, now, writes)
            if status:
                refusals.append(header(SUBMIT_SM_RESP, status, pdu.sequence_number))
        flush(writes)
        if refusals:
            self._ledger.refused += len(refusals)
            client.answer(b"".join(refusals), len(refusals))
        if client.outstanding > client.account.window:
            client.hold()

    def _allowance(self, client: Client, count: int, now: float) -> tuple[int, int]:
        """How many of ``count`` may go on, and the command_status for the others (rows 39, 41)."""
        if not self._store.ready:
            return 0, ESME_RSYSERR
        account = client.account
        allowed = count
        if account.window_full == "throttle":
            allowed = max(0, min(count, account.max_outstanding - client.outstanding + count))
        bucket = self._buckets.get(account.system_id)
        if bucket is not None:
            allowed = bucket.take(allowed, now)
        return allowed, ESME_RTHROTTLED

    def _place(self, client: Client, pdu: Pdu, now: float, writes: Writes) -> int:
        """Check, route and send one submit_sm; returns the command_status of a refusal, or 0."""
        raw = pdu.raw
        try:
            offsets = walk_message(raw)
        except BodyError as error:
            return error.command_status
        account = client.account
        destination = raw[offsets[1] + 2 : offsets[2] - 1]
        targets = self._routes.targets(account.system_id, destination, crc32(destination))
        if not targets:
            return ESME_RINVDSTADR
        number = self._numbers.take()
        if number < 0:
            return ESME_RSYSERR
        part = concatenation(raw, offsets)
        affinity = -1
        if part is not None:
            affinity = crc32(raw[offsets[0] : offsets[2]], part[0]) ^ crc32(account.key)
        submit = Submit(client, account, pdu, offsets, targets, number, now, affinity)
        return self._send(submit, now, writes)

    def _send(self, submit: Submit, now: float, writes: Writes) -> int:
        """Give a submit to the first of its providers that is bound; 0, or why it was refused."""
        for name in submit.targets:
            pool = self._directory.pools.get(name)
            if pool is None or not pool.binds:
                continue
            if not pool.backlog:
                bind = pool.pick() if submit.affinity < 0 else pool.pick_for(submit.affinity)
                if bind is not None:
                    write_to(bind, submit, now, writes)
                    return ESME_ROK
            if submit.account.window_full == "throttle":
                return ESME_RTHROTTLED
            pool.backlog.append(submit)
            return ESME_ROK
        return ESME_RSYSERR

    # -- a provider's read ----------------------------------------------------------------------

    def responses(
        self, upstream: Upstream, answers: Sequence[tuple[Submit, Pdu]], now: float
    ) -> None:
        """Answers to submit_sm: refusals go on at once, acceptances after one store call."""
        provider = upstream.provider
        replies: dict[Client, list[bytes]] = {}
        mappings: list[Mapping] = []
        accepted: list[Submit] = []
        for submit, pdu in answers:
            if submit.settled:
                self._ledger.late_responses += 1
                continue
            submit.settled = True
            status = pdu.command_status
            if status or pdu.command_id == GENERIC_NACK:
                self._refuse(submit, to_client(pdu), replies)
                continue
            provider_message_id = read_message_id(pdu)
            if provider_message_id:
                key = key_of_response(provider.ids, provider_message_id)
                mappings.append(self._mapping(submit, key))
                accepted.append(submit)
            else:
                self._ledger.no_provider_id += 1
                self._accept(submit, replies)
        send_replies(replies)
        self.advance(self._directory.pool(provider), now)
        if mappings:
            self._record(upstream, mappings, accepted)

    def late(self, upstream: Upstream, answers: Sequence[tuple[Submit, Pdu]], now: float) -> None:
        """Answers that came after their submit was given up (P5).

        A message that was sent again and is still open takes this verdict; one whose client was
        told "unknown" gets a map that wants no receipts, so that its receipt is recognised.
        """
        self._ledger.late_responses += len(answers)
        self.responses(upstream, [pair for pair in answers if not pair[0].settled], now)
        stray = [
            self._mapping(submit, key_of_response(upstream.provider.ids, read_message_id(pdu)), 0)
            for submit, pdu in answers
            if submit.attempts == 0 and not pdu.command_status and read_message_id(pdu)
        ]
        if stray:
            self._record(upstream, stray, [])

    def _mapping(self, submit: Submit, key: bytes, want: int | None = None) -> Mapping:
        """What the store keeps of an accepted message, for its receipts to find."""
        raw = submit.pdu.raw
        source_at, dest_at, esm_at, flags_at, _, tlv_at = submit.offsets
        account = submit.account
        destination = raw[dest_at + 2 : esm_at - 1]
        registered_delivery = raw[flags_at]
        if want is None:
            want = wanted(registered_delivery, account.receipts, account.intermediate)
        origin = Origin(
            client_message_id=submit.client_message_id,
            source_addr_ton=raw[source_at],
            source_addr_npi=raw[source_at + 1],
            source_addr=raw[source_at + 2 : dest_at - 1],
            dest_addr_ton=raw[dest_at],
            dest_addr_npi=raw[dest_at + 1],
            destination_addr=destination,
            registered_delivery=registered_delivery,
            submit_time=int(self._wall_clock()),
            user_message_reference=find_tlv(raw, tlv_at, TLV_USER_MESSAGE_REFERENCE),
            interface_version=submit.client.session.interface_version,
        )
        return Mapping(key, account.key, destination_tail(destination), want, origin.pack())

    def _record(
        self, upstream: Upstream, mappings: list[Mapping], accepted: list[Submit]
    ) -> None:
        provider = upstream.provider
        self._store.record(
            provider.key, mappings, provider.mapping_ttl, self._limits, patience=PATIENCE
        ).addCallbacks(
            self._recorded, self._unrecorded, callbackArgs=(accepted,), errbackArgs=(accepted,)
        )

    def _recorded(self, queues: list[bytes], accepted: list[Submit]) -> None:
        """The maps are durable: the clients may have their ids, then the parked receipts follow."""
        replies: dict[Client, list[bytes]] = {}
        for submit in accepted:
            self._accept(submit, replies)
        send_replies(replies)
        if queues:
            ledger = self._ledger
            ledger.parked_out += len(queues)
            ledger.matched += len(queues)
            ledger.unwanted += queues.count(b"")
            self._released(set(queues) - {b""})

    def _unrecorded(self, failure: Any, accepted: list[Submit]) -> None:
        """The provider has the message but its way back is not durable: the fate is unknown."""
        self._ledger.count("unrecorded", len(accepted))
        self.give_up(accepted)

    # -- outcomes -------------------------------------------------------------------------------

    def _accept(self, submit: Submit, replies: dict[Client, list[bytes]]) -> None:
        self._ledger.accepted += 1
        reply = submit_sm_resp(submit.pdu.sequence_number, submit.client_message_id)
        replies.setdefault(submit.client, []).append(reply)

    def _refuse(
        self, submit: Submit, status: int, replies: dict[Client, list[bytes]]
    ) -> None:
        self._ledger.refused += 1
        reply = header(SUBMIT_SM_RESP, status, submit.pdu.sequence_number)
        replies.setdefault(submit.client, []).append(reply)

    def give_up(self, submits: Iterable[Submit]) -> None:
        """Tell the clients that the fate of these is unknown: ESME_RUNKNOWNERR."""
        replies: dict[Client, list[bytes]] = {}
        for submit in submits:
            submit.settled = True
            self._ledger.in_doubt += 1
            reply = header(SUBMIT_SM_RESP, ESME_RUNKNOWNERR, submit.pdu.sequence_number)
            replies.setdefault(submit.client, []).append(reply)
        send_replies(replies)

    # -- binds that come and go, time that passes ------------------------------------------------

    def advance(self, pool: Pool, now: float) -> None:
        """Send what waits in a provider's backlog as far as its windows have room."""
        backlog = pool.backlog
        if not backlog:
            return
        writes: Writes = {}
        stuck: list[Submit] = []
        while backlog:
            submit = backlog.popleft()
            if not submit.client.connected:
                self._forget(submit)
                continue
            bind = pool.pick() if submit.affinity < 0 else self._host_for(pool, submit)
            if bind is not None:
                write_to(bind, submit, now, writes)
                continue
            stuck.append(submit)
            if submit.affinity < 0:
                break
        backlog.extendleft(reversed(stuck))
        flush(writes)

    @staticmethod
    def _host_for(pool: Pool, submit: Submit) -> Upstream | None:
        return pool.pick_for(submit.affinity) if pool.binds else None

    def _forget(self, submit: Submit) -> None:
        """A submit whose client went while it waited: never sent, unless a first copy was (P6)."""
        submit.settled = True
        if submit.attempts:
            self._ledger.in_doubt += 1
        else:
            self._ledger.refused += 1
            self._ledger.count("abandoned")

    def doubt(self, submits: Sequence[Submit], now: float) -> None:
        """Resolve submits whose host went away or never answered (reading 1).

        Each is sent once more, on another bind and with the same client_message_id, when the
        account says ``resend``, it is younger than 30 s and its client is still there; otherwise
        its client is told ESME_RUNKNOWNERR.
        """
        self._ledger.lost_responses += len(submits)
        hopeless: list[Submit] = []
        writes: Writes = {}
        for submit in submits:
            if submit.settled:
                continue
            if self._may_resend(submit, now) and self._resend(submit, now, writes):
                self._ledger.resent += 1
            else:
                hopeless.append(submit)
        flush(writes)
        self.give_up(hopeless)

    def _may_resend(self, submit: Submit, now: float) -> bool:
        return (
            submit.attempts == 0
            and submit.account.in_doubt == "resend"
            and submit.client.connected
            and now - submit.arrived < RESEND_AGE
        )

    def _resend(self, submit: Submit, now: float, writes: Writes) -> bool:
        """Send a second copy; with no provider bound it waits for the first bind."""
        submit.attempts = 1
        status = self._send(submit, now, writes)
        if status == ESME_RSYSERR and submit.targets[0] in self._directory.pools:
            self._directory.pools[submit.targets[0]].backlog.append(submit)
            return True
        return status == ESME_ROK

    def lost(self, upstream: Upstream, pool: Pool, now: float) -> None:
        """A bind is gone: its open submits are in doubt; what waited may need another provider."""
        self.doubt(upstream.session.window.drain(), now)
        if pool.binds:
            self.advance(pool, now)
        else:
            self.reroute(pool, now)

    def reroute(self, pool: Pool, now: float) -> None:
        """A provider's last bind went: what waited goes to the next target or is refused."""
        waiting = list(pool.backlog)
        pool.backlog.clear()
        replies: dict[Client, list[bytes]] = {}
        writes: Writes = {}
        for submit in waiting:
            if submit.attempts:
                pool.backlog.append(submit)
                continue
            status = self._send(submit, now, writes)
            if status:
                submit.settled = True
                self._refuse(submit, status, replies)
        flush(writes)
        send_replies(replies)

    def tick(self, now: float) -> None:
        """Refuse what has waited too long for a window; ask for numbers if none are in hand."""
        if self._store.ready and not self._numbers.ready:
            self._numbers.refill()
        for pool in self._directory.pools.values():
            backlog = pool.backlog
            replies: dict[Client, list[bytes]] = {}
            hopeless: list[Submit] = []
            while backlog and now - backlog[0].arrived > BACKLOG_AGE:
                submit = backlog.popleft()
                if submit.attempts:
                    hopeless.append(submit)
                else:
                    submit.settled = True
                    self._refuse(submit, ESME_RMSGQFUL, replies)
            send_replies(replies)
            self.give_up(hopeless)


def write_to(bind: Upstream, submit: Submit, now: float, writes: Writes) -> None:
    """Take a place in the bind's window and add the PDU to what this turn writes to it."""
    octets = submit.pdu.resequenced(bind.session.window.open(submit, now))
    waiting = writes.get(bind)
    if waiting is None:
        writes[bind] = [octets]
    else:
        waiting.append(octets)


def flush(writes: Writes) -> None:
    """One write per bind."""
    for bind, parts in writes.items():
        bind.write(b"".join(parts))


def send_replies(replies: dict[Client, list[bytes]]) -> None:
    """One write per client."""
    for client, parts in replies.items():
        client.answer(b"".join(parts), len(parts))
