"""How a submit_sm ends: its maps are written, its client is answered, everything is counted.

The one place that answers what came as far as a provider: an acceptance when its map is durable
(P1), a refusal, or ESME_RUNKNOWNERR for what nobody knows the fate of. A message of several parts
ends once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from smppproxy.receipts.references import is_reference
from smppproxy.relay.counts import AccountCounts, Counts
from smppproxy.relay.directory import Directory
from smppproxy.relay.echoes import Referred
from smppproxy.relay.events import Events
from smppproxy.relay.journal import ACCEPTED
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.peers import Client, Upstream
from smppproxy.relay.submission import Submit, send_replies
from smppproxy.routing.providers import Provider
from smppproxy.smpp.build import header, submit_sm_resp
from smppproxy.smpp.constants import ESME_RUNKNOWNERR, SUBMIT_SM_RESP
from smppproxy.smpp.refusals import RefusalStatus
from smppproxy.store.interface import UNKNOWN, Limit, Mapping, Store
from smppproxy.store.journal import Keeper

PATIENCE = 5.0
"""Seconds an accepted message waits for the store (reading 4). Then its map goes to the journal of
this node, if it has one that can be written; else its client is told 0xFF."""

STATES = 2
"""Receipts that a provider sends for a message: on its way, and final."""


class Endings:
    """Ends submits.

    :ivar limits: of the accounts' queues, by name.
    """

    _log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        directory: Directory,
        store: Store,
        ledger: Ledger,
        hold: Callable[[Iterable[bytes]], None],
        released: Callable[[Collection[bytes], Collection[bytes]], None],
        counts: Counts,
        events: Events,
        maps: Keeper,
    ) -> None:
        """
        :param hold: lets the receipts of messages wait until ``released`` is told of them.
        :param released: told the queues that grew because parked receipts found their message, and
            the client_message_id of messages just answered, of accounts with several sessions.
        """
        self._directory = directory
        self._store = store
        self._ledger = ledger
        self._hold = hold
        self._released = released
        self._counts = counts
        self._events = events
        self._journal = events.journal
        self._maps = maps
        self.limits: dict[bytes, Limit] = {}
        # Messages of several parts one of which a receipt may find before they are answered.
        self._to_be_found: set[bytes] = set()

    # -- maps -----------------------------------------------------------------------------------

    def record(
        self, provider: Provider, mappings: list[Mapping], accepted: list[Submit]
    ) -> Deferred[bool]:
        """Write maps, then answer; whether they are durable."""
        recorded = self._store.record(
            provider.key,
            mappings,
            provider.mapping_ttl,
            self.limits,
            patience=PATIENCE,
            final_ttl=provider.final_ttl,
        )
        return recorded.addCallbacks(
            self._recorded,
            self._unrecorded,
            callbackArgs=(accepted,),
            errbackArgs=(provider, mappings, accepted),
        )

    def replay(
        self, provider: bytes, mappings: list[Mapping], ttl: int, final_ttl: int
    ) -> Deferred[bool]:
        """Write maps that the journal kept; their clients have been answered.

        Fails as ``Store.record`` does.
        """
        recorded = self._store.record(
            provider, mappings, ttl, self.limits, patience=PATIENCE, final_ttl=final_ttl
        )
        return recorded.addCallback(self._recorded, [])

    def _recorded(self, released: list[tuple[int, bytes]], accepted: list[Submit]) -> bool:
        """The maps are durable: the clients may have their ids, then the parked receipts follow."""
        replies: dict[Client, list[bytes]] = {}
        self.accept(accepted, replies)
        send_replies(replies)
        crowd = {client for client in replies if self._directory.binds_of(client.account) > 1}
        fresh = [each.receipt_message_id for each in accepted if each.client in crowd]
        queues: set[bytes] = set()
        if released:
            met = self._ledger.met_parked(released)
            self._counts.queued(met.queues)
            self._events.quarantined(met.quarantined)
            queues = {queue for queue in met.queues if queue}
        if queues or fresh:
            self._released(queues, fresh)
        return True

    def hold(self, message_ids: Iterable[bytes]) -> None:
        """A receipt may find a part of these messages from now on: it waits for their answers."""
        self._to_be_found.update(message_ids)
        self._hold(message_ids)

    def _release(self, submits: Iterable[Submit]) -> None:
        """These are answered in this turn: receipts that waited for that follow."""
        found = self._to_be_found.intersection([each.receipt_message_id for each in submits])
        self._to_be_found -= found
        self._released((), found)

    def prove(self, found: Referred) -> None:
        """A receipt says that the provider has it (XC-05): its client hears of it at last.

        Its own map is there; with the last part of a message those of the others are written.
        """
        submit = found.submit
        submit.settled = True
        self._ledger.count("proved_by_receipt")
        replies: dict[Client, list[bytes]] = {}
        if submit.group is not None:
            mappings: list[Mapping] = []
            accepted: list[Submit] = []
            key, began = found.mapping.key, found.began
            self.accept_part(submit, key, began, mappings, accepted, replies)
            send_replies(replies)
            if accepted:
                self.record(found.provider, mappings, accepted)
            return
        self.accept((submit,), replies)
        send_replies(replies)
        self._released((), (submit.receipt_message_id,))

    def _unrecorded(
        self, failure: Any, provider: Provider, mappings: list[Mapping], accepted: list[Submit]
    ) -> Deferred[bool]:
        """The provider has the message and the store did not take its map: to the journal."""
        if failure.value.fate == UNKNOWN:
            # Other nodes may have parked receipts for these, too.
            self._ledger.adrift(max(self._ledger.parked, STATES * len(mappings)))
        message_ids = [each.receipt_message_id for each in accepted]
        # The store may have the maps all the same, and be back before the journal has written.
        self._hold(message_ids)
        kept = self._maps.keep(
            provider.key, mappings, provider.mapping_ttl, provider.final_ttl
        )
        return kept.addCallbacks(
            self._kept,
            self._unkept,
            callbackArgs=(len(mappings), accepted),
            errbackArgs=(accepted,),
        ).addBoth(self._answered, message_ids)

    def _answered(self, recorded: bool, message_ids: list[bytes]) -> bool:
        self._released((), message_ids)
        return recorded

    def _kept(self, _: None, number: int, accepted: list[Submit]) -> bool:
        self._ledger.count("journaled", number)
        return self._recorded([], accepted)

    def _unkept(self, _: Any, accepted: list[Submit]) -> bool:
        """Its way back is not durable: the fate is unknown."""
        self._ledger.count("unrecorded", len(accepted))
        self.give_up(accepted)
        return False

    # -- answers to clients ---------------------------------------------------------------------

    def accept_part(
        self,
        part: Submit,
        key: bytes,
        began: float,
        mappings: list[Mapping],
        accepted: list[Submit],
        replies: dict[Client, list[bytes]],
    ) -> None:
        """One part of a message is accepted; with the last one the message is."""
        group = part.group
        maps = group.accept(part, key, began) if group is not None else None
        if group is None:
            return
        if maps is None:
            if group.verdict and not group.flying:
                self.refuse(part, group.verdict, replies)
        elif maps:
            # One that was proved by its reference has its map already.
            mappings += [each for each in maps if not is_reference(each.key)]
            accepted.append(group.message)
        else:
            self._ledger.no_provider_id += 1
            self.accept((group.message,), replies)

    def _whole(self, submit: Submit) -> Submit | None:
        """The message that this submit's end is the end of; None when it was answered before.

        Parts that are accepted already cannot be called back: they are counted and told.
        """
        group = submit.group
        if group is None:
            return submit
        if not group.end():
            return None
        if group.out:
            self._ledger.count("parts_in_vain", group.out)
            self._log.warn(
                "a message is not accepted, but {out} of its {parts} parts are",
                event="parts_in_vain",
                account=submit.account.system_id,
                provider=group.provider.name,
                client_message_id=submit.client_message_id,
                out=group.out,
                parts=len(group.parts),
            )
            self.record(group.provider, group.unasked(), [])
        if self._to_be_found:
            self._release((group.message,))
        return group.message

    def accept(self, submits: Sequence[Submit], replies: dict[Client, list[bytes]]) -> None:
        """The clients get our message_ids."""
        self._ledger.accepted += len(submits)
        if self._to_be_found:
            self._release(submits)
        now = self._counts.seconds()
        # Those of one read came at one moment: they are counted together.
        counts: AccountCounts | None = None
        arrived = 0.0
        number = 0
        for submit in submits:
            client = submit.client
            if submit.arrived != arrived or client.counts is not counts:
                if counts is not None:
                    counts.accept(now - arrived, number)
                arrived, counts, number = submit.arrived, client.counts, 0
            number += 1
            message_id = submit.client_message_id
            reply = submit_sm_resp(submit.pdu.sequence_number, message_id)
            waiting = replies.get(client)
            if waiting is None:
                replies[client] = [reply]
            else:
                waiting.append(reply)
        if counts is not None:
            counts.accept(now - arrived, number)
            self._journal.note((ACCEPTED, now, submits))

    def refuse(
        self,
        submit: Submit,
        status: RefusalStatus,
        replies: dict[Client, list[bytes]],
        upstream: Upstream | None = None,
    ) -> None:
        """The client gets this command_status; ``upstream`` is whose provider said so."""
        whole = self._whole(submit)
        if whole is None:
            return
        self._ledger.refused += 1
        self._events.refused(whole.client, [(status, whole.pdu)], upstream)
        reply = header(SUBMIT_SM_RESP, status, whole.pdu.sequence_number)
        replies.setdefault(whole.client, []).append(reply)

    def give_up(self, submits: Iterable[Submit]) -> None:
        """Tell the clients that the fate of these is unknown: ESME_RUNKNOWNERR."""
        replies: dict[Client, list[bytes]] = {}
        for submit in submits:
            submit.settled = True
            whole = self._whole(submit)
            if whole is None:
                continue
            self._ledger.in_doubt += 1
            self._events.in_doubt(whole)
            reply = header(SUBMIT_SM_RESP, ESME_RUNKNOWNERR, whole.pdu.sequence_number)
            replies.setdefault(whole.client, []).append(reply)
        send_replies(replies)

    def forget(self, submit: Submit) -> None:
        """A submit whose client went while it waited: never sent, unless a first copy was (P6)."""
        if submit.settled:
            return
        submit.settled = True
        if self._whole(submit) is None:
            return
        if submit.attempts or (submit.group is not None and submit.group.sent):
            self._ledger.in_doubt += 1
            self._events.in_doubt(submit)
        else:
            submit.client.counts.abandoned += 1
            self._ledger.refused += 1
            self._ledger.count("abandoned")
            self._events.abandoned(submit)
