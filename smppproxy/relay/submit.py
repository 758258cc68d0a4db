"""The life of a submit_sm: a client's read becomes writes to providers, their answers come back.

1. :meth:`Submits.requests`: the submit_sm of one read. Throttle, layout, the account's ``rules``,
   route, ``dispatch`` (what the provider wants, see ``translate`` and ``groups``; window); one
   write per bind. A refusal is a submit_sm_resp with the error's own command_status.
2. A full window makes a submit wait in the provider's backlog; the client's own window is what
   bounds it. Of a client that exceeds its window (F36) up to one window more waits here, with the
   others, and the rest of that one read. Then it is held: its submits wait at its session, apart
   from others', until no more than a window of them is unanswered (XC-16, ``wire.parking``).
3. :meth:`Submits.responses`: the provider's answers of one read. Windows are free again, so the
   backlog moves on; then one store call maps every accepted message.
4. Stored: one write per client with our message_id. A client never holds an id whose receipt
   could not be found (P1): ``endings``.
5. A host that went away hands back what it had not answered: ``doubt`` decides (reading 1).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from smppproxy.receipts.message_ids import key_of_response
from smppproxy.relay.alarms import alarm, is_about_form
from smppproxy.relay.counts import Counts
from smppproxy.relay.crowding import Crowding
from smppproxy.relay.directory import Directory
from smppproxy.relay.dispatch import Dispatch
from smppproxy.relay.doubt import Doubts
from smppproxy.relay.echoes import Echoes
from smppproxy.relay.endings import Endings
from smppproxy.relay.events import Events
from smppproxy.relay.flow import Flow
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.narrow import Narrow
from smppproxy.relay.numbers import NumberPool
from smppproxy.relay.peers import Client, Upstream
from smppproxy.relay.rates import Rates
from smppproxy.relay.retry import most_telling
from smppproxy.relay.rules import Judged, RefusedError, Rules, layout_status, rules_of
from smppproxy.relay.shared import Nameless
from smppproxy.relay.spelling import Spellings
from smppproxy.relay.submission import (
    Offsets,
    Submit,
    Writes,
    affinity_of,
    flush,
    mapping_of,
    send_replies,
    without_last_nul,
    without_stray_nul,
)
from smppproxy.relay.verdicts import to_client
from smppproxy.routing.accounts import Account
from smppproxy.routing.providers import Provider
from smppproxy.routing.route import Pick, Route
from smppproxy.routing.routes import RouteTable
from smppproxy.routing.targets import Target
from smppproxy.smpp.build import header
from smppproxy.smpp.constants import ESM_UDHI, GENERIC_NACK, SUBMIT_SM_RESP
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import read_message_id, walk_message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.refusals import NO_REFUSAL, RefusalStatus, named, refusal_of
from smppproxy.store.interface import Limit, Mapping, Store
from smppproxy.store.journal import Keeper

NOBODY = 3
"""Octets of the destination's fields, TON, NPI and NUL, where it names nobody."""

NO_ROUTES = RouteTable(())
"""Until a network is used."""


class Submits:
    """The journey of submit_sm and of the answers to it."""

    def __init__(
        self,
        directory: Directory,
        store: Store,
        ledger: Ledger,
        wall_clock: Callable[[], float],
        hold: Callable[[Iterable[bytes]], None],
        released: Callable[[Collection[bytes], Collection[bytes]], None],
        spellings: Spellings,
        ask: Callable[[], None],
        counts: Counts,
        events: Events,
        maps: Keeper,
        crowding: Crowding,
    ) -> None:
        """
        :param wall_clock: unix seconds; for records only, never for timers.
        :param hold: as ``released``, see :class:`Endings`.
        :param ask: asks for ``flow.look`` to be called at the next beat.
        :param maps: keeps maps that the store does not take.
        """
        self._directory = directory
        self._store = store
        self._ledger = ledger
        self._events = events
        self._maps = maps
        self._crowding = crowding
        self._ends = Endings(directory, store, ledger, hold, released, counts, events, maps)
        self.replay = self._ends.replay
        self._wall_clock = wall_clock
        self._spellings = spellings
        self.echoes = Echoes(wall_clock, self._ends.record, self._ends.prove, self._ends.hold)
        self._numbers = NumberPool(store)
        self._routes = NO_ROUTES
        self.rates = Rates(lambda account: directory.binds_of(account) > 0)
        self._nameless = Nameless()
        # By account: only those that have rules.
        self._rules: dict[str, Rules] = {}
        # Choices in another order, where the message selects its provider.
        self._preferences: dict[tuple[Pick | None, str], Pick] = {}
        self._narrow = Narrow(store.bus)
        self._dispatch = Dispatch(directory, ledger, events, wall_clock, self._narrow)
        self.reasons = self._dispatch.reasons
        self._send = self._dispatch.send
        self.flow = Flow(
            directory,
            ledger,
            wall_clock,
            Doubts(self._send_anew, directory.is_bound, wall_clock),
            self._dispatch,
            self._send_anew,
            self._ends.refuse,
            self._ends.give_up,
            self._ends.forget,
            self.echoes.refer,
            ask,
        )

    def use(
        self,
        routes: RouteTable,
        accounts: Iterable[Account],
        limits: dict[bytes, Limit],
        now: float,
    ) -> None:
        """Route by this table from now on; buckets of unchanged limits keep their fill."""
        self._routes = routes
        self._preferences.clear()
        self._ends.limits = limits
        accounts = list(accounts)
        rules = {account.system_id: rules_of(account) for account in accounts}
        self._rules = {name: each for name, each in rules.items() if each is not None}
        self.rates.use(accounts, now)

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
        client.counts.submitted += count
        allowed, over = self._allowance(client, count, now)
        if self._dispatch.movable:
            self.flow.move(now)
        refused = [(over, pdu) for pdu in pdus[allowed:]]
        writes: Writes = {}
        rules = self._rules.get(client.account.system_id)
        wall = self._wall_clock()
        for pdu in pdus[:allowed]:
            status = self._place(client, pdu, now, wall, writes, rules)
            if status:
                refused.append((status, pdu))
        flush(writes)
        if self._dispatch.queued:
            self.flow.advance_queued(now)
        if refused:
            self._ledger.refused += len(refused)
            replies = [header(SUBMIT_SM_RESP, over, pdu.sequence_number) for over, pdu in refused]
            client.answer(b"".join(replies), len(replies))
            self._events.refused(client, refused)
        account = client.account
        if client.outstanding > 2 * account.window and account.window_full == "pause":
            client.hold()

    def _allowance(self, client: Client, count: int, now: float) -> tuple[int, RefusalStatus]:
        """How many of ``count`` may go on, and the refusal of the others (rows 39, 41)."""
        account = client.account
        if self._maps.blocked:
            self._ledger.count("journal_blocked", count)
        if self._crowding.crowded:
            self._ledger.count("refused_crowded", count)
        if self._maps.blocked or self._crowding.crowded or not self._store.ready:
            return 0, refusal_of("store_down", account.errors)
        allowed = count
        refusal = "throttled"
        if account.window_full == "throttle":
            everybody = self._directory.clients.get(account.system_id, ())
            room = account.max_outstanding - sum(each.outstanding for each in everybody)
            room = min(room, account.window - client.outstanding)
            allowed = max(0, min(count, room + count))
            if allowed < count:
                refusal = "too_many_outstanding"
        bucket = self.rates.buckets.get(account.system_id)
        if bucket is not None:
            allowed = bucket.take(allowed, now)
        return allowed, NO_REFUSAL if allowed == count else refusal_of(refusal, account.errors)

    def _place(
        self,
        client: Client,
        pdu: Pdu,
        now: float,
        wall: float,
        writes: Writes,
        rules: Rules | None,
    ) -> RefusalStatus:
        """Check, route and send one submit_sm; returns why it is refused, or `NO_REFUSAL`."""
        raw = pdu.raw
        account = client.account
        try:
            offsets = walk_message(raw)
        except BodyError as error:
            clean = without_last_nul(pdu)
            refused = layout_status(error, account)
            if clean is None:
                return refused
            return self._place(client, clean, now, wall, writes, rules)
        if offsets[5] - offsets[4] != raw[offsets[4] - 1]:
            pdu, offsets = without_stray_nul(pdu, offsets)
            raw = pdu.raw
        message_class = b""
        if rules is None:
            pick = self._routes.pick(account, raw, offsets, wall)
        else:
            judged = self._judge(rules, client, pdu, offsets, wall)
            if isinstance(judged, RefusalStatus):
                return judged
            pdu, offsets, message_class = judged.pdu, judged.offsets, judged.message_class
            raw = pdu.raw
            pick = self._routes.pick(account, raw, offsets, wall, message_class)
            if judged.first:
                pick = self._preferred(pick, judged.first)
        if pick is None or pick.status or offsets[2] - offsets[1] == NOBODY:
            return not_routed(pick, account)
        number = self._numbers.take()
        if number < 0:
            return refusal_of("store_down", account.errors)
        affinity = -1
        # Nearly every message has neither header nor TLVs, and a call is dear here.
        if raw[offsets[2]] & ESM_UDHI or offsets[5] < len(raw):
            affinity = affinity_of(raw, offsets)
        submit = Submit(client, account, pdu, offsets, pick, number, now, affinity)
        submit.message_class = message_class
        return self._send(submit, now, writes)

    def _judge(
        self, rules: Rules, client: Client, pdu: Pdu, offsets: Offsets, wall: float
    ) -> Judged | RefusalStatus:
        """The submit_sm as the account's rules have it, or why they refuse it."""
        try:
            return rules.judge(pdu, offsets, wall, client.session.interface_version)
        except RefusedError as refused:
            return refusal_of(refused.name, client.account.errors)

    def _preferred(self, pick: Pick | None, first: str) -> Pick:
        """The choice with the provider that the message itself selects before the others (OZ-09).

        It needs no route; one that denies the message denies it all the same.
        """
        preferred = self._preferences.get((pick, first))
        if preferred is None:
            route = Route("selected", targets=(Target(first),)) if pick is None else pick.route
            names = () if pick is None else pick.names
            names = (first, *(name for name in names if name != first))
            preferred = Pick(route, names, {} if pick is None else pick.rewrites)
            self._preferences[pick, first] = preferred
        return preferred

    # -- a provider's read ----------------------------------------------------------------------

    def responses(
        self, upstream: Upstream, answers: Sequence[tuple[Submit, Pdu]], now: float
    ) -> None:
        """Answers to submit_sm: refusals go on at once, acceptances after one store call."""
        provider = upstream.provider
        began = self._wall_clock() - now
        replies: dict[Client, list[bytes]] = {}
        mappings: list[Mapping] = []
        accepted: list[Submit] = []
        good = False
        if provider.ids.auto:
            self._spellings.responses(provider, answers)
        for submit, pdu in answers:
            refused = pdu.command_status or pdu.command_id == GENERIC_NACK
            if submit.settled:
                self._ledger.late_responses += 1
                if not refused:
                    mappings += self._unasked(submit, pdu, provider, began)
                continue
            if refused:
                self._refused(upstream, submit, pdu, now, replies)
                continue
            good = submit.settled = True
            provider_message_id = read_message_id(pdu)
            if submit.group is not None:
                submit.taken = (upstream, provider_message_id, b"")
                key = key_of_response(provider.ids, provider_message_id)
                self._ends.accept_part(submit, key, began, mappings, accepted, replies)
            elif provider_message_id:
                key = key_of_response(provider.ids, provider_message_id)
                if submit.affinity < 0:
                    mapping = mapping_of(submit, key, began, provider)
                else:
                    mapping = self._joined(submit, key, provider, began)
                submit.taken = (upstream, provider_message_id, mapping.origin)
                mappings.append(mapping)
                accepted.append(submit)
            else:
                submit.taken = (upstream, b"", b"")
                self._ledger.no_provider_id += 1
                self._nameless.wait(submit, provider.name, now)
                self._ends.accept((submit,), replies)
        send_replies(replies)
        self.flow.answered(upstream, good, now)
        if mappings or accepted:
            self._ends.record(provider, mappings, accepted)

    def _joined(self, submit: Submit, key: bytes, provider: Provider, began: float) -> Mapping:
        """The map of what was in doubt, or is a part whose others have no id (XC-05, XC-08)."""
        if submit.retry is None:
            mapping = mapping_of(submit, key, began, provider)
        else:
            mapping = self.echoes.joined(submit, key, began, provider)
        if self._nameless:
            self._nameless.join(mapping, submit, provider, began)
        return mapping

    def _refused(
        self,
        upstream: Upstream,
        submit: Submit,
        pdu: Pdu,
        now: float,
        replies: dict[Client, list[bytes]],
    ) -> None:
        """The provider did not take it: sent again, or told to the client.

        When a second copy is refused, the first one's fate is unknown as before.
        """
        status = pdu.command_status
        group = submit.group
        if not (group and group.verdict) and self.flow.again(upstream, submit, status, now):
            return
        if is_about_form(upstream, pdu):
            alarm(self._events, upstream, submit, pdu)
        told = to_client(pdu, upstream.provider, submit.account)
        if self.flow.fail_over(upstream, submit, status, told, now):
            return
        if submit.attempts:
            self._ends.give_up((submit,))
            return
        submit.settled = True
        retry = submit.retry if group is None else group.message.retry
        if retry is not None:
            told = most_telling(retry.verdict, told)
        self._ends.refuse(submit, told, replies, upstream)

    def late(self, upstream: Upstream, answers: Sequence[tuple[Submit, Pdu]], now: float) -> None:
        """Answers that came after their submit was given up (P5).

        A message that was sent again and is still open takes an acceptance for its verdict; a
        refusal says nothing while the other copy is on its way.
        """
        verdicts = []
        for submit, pdu in answers:
            if submit.settled:
                verdicts.append((submit, pdu))
                continue
            self._ledger.late_responses += 1
            if not pdu.command_status and pdu.command_id != GENERIC_NACK:
                verdicts.append((submit, pdu))
        self.responses(upstream, verdicts, now)

    def _unasked(
        self, submit: Submit, pdu: Pdu, provider: Provider, began: float
    ) -> list[Mapping]:
        """The map of a copy that nobody was told of: its receipt is known and not passed on."""
        key = key_of_response(provider.ids, read_message_id(pdu))
        return [mapping_of(submit, key, began, provider, 0)] if key else []

    # -- what waits, see ``flow`` -----------------------------------------------------------------

    def _send_anew(self, submit: Submit, now: float, writes: Writes) -> RefusalStatus:
        """As ``dispatch.send``, but where no target is left the routes of today are asked.

        Targets that have refused the message stay out.
        """
        status = self._send(submit, now, writes)
        if not status or submit.group is not None:
            return status
        account, message_class = submit.account, submit.message_class
        wall = self._wall_clock()
        pick = self._routes.pick(account, submit.pdu.raw, submit.offsets, wall, message_class)
        if pick is None or pick.status or pick is submit.pick:
            return status
        refused = submit.retry.refused if submit.retry is not None else ()
        submit.pick = pick
        submit.targets = tuple(name for name in pick.names if name not in refused)
        return self._send(submit, now, writes)

    def tick(self, now: float) -> None:
        """Once a second: refuse what has waited too long; ask for numbers if none are in hand."""
        if self._store.ready and not self._numbers.ready:
            self._numbers.refill()
        self.flow.tick(now)
        self.echoes.tick()
        self._narrow.tick(now)


def not_routed(pick: Pick | None, account: Account) -> RefusalStatus:
    """Why a message has nowhere to go: no route takes it, or the one that does denies it, or it is
    to nobody (row 21, whatever the routes say)."""
    if pick is None:
        return refusal_of("no_route", account.errors)
    if not pick.status:
        return refusal_of("destination_addr", account.errors)
    return named("denied", account.errors.get("denied") or pick.status)
